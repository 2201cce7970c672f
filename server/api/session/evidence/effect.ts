import type { EffectView } from '#contract';
import { createObjectTables, createSnapshotDeriver, createTranslator, type MeshConfig } from '#control-plane';
import { type HopRecord, type KubeObject, parseClusterName } from '#domain';
import { createTrials, type ManifestFile, type Sandbox, type TrialSource, type Trials } from '#sandbox';
import type { ProxyNode, XdsSnapshot } from '#xds';
import { sameWish } from '../journal.ts';
import { type MeshAsIf, meshAsIf } from './mesh-as-if.ts';
import { shortType } from './push-changes.ts';
import { meshConfigOf, type Summary, sourceOf, summary } from './route-trial.ts';

/** Requests that are replayed, the newest ones, and how long that may take. */
const REPLAYED = 60;
const REPLAY_MS = 2500;
const ANSWER_MS = 2000;

/** What applying the files would change: objects, the configuration of proxies, and where the newest requests would go. */
export async function effectOf(
  sandbox: Sandbox,
  namespace: string,
  files: readonly ManifestFile[],
): Promise<EffectView> {
  const locate: MeshAsIf['locate'] = (origin) => sandbox.locate(origin);
  const then = meshAsIf(sandbox.store, files, { namespace, locate });
  const now = meshAsIf(sandbox.store, [], { namespace, locate });
  const mesh = meshConfigOf(sandbox);
  const nodes = sandbox.controlPlane?.ads.connected() ?? [];
  const proxies = changedProxies(nodes, mesh, [now.objects, then.objects]);
  const objects = then.written.map(({ object, before }) => ({
    kind: object.kind,
    namespace: object.metadata.namespace ?? '',
    name: object.metadata.name,
    outcome:
      before === undefined
        ? ('created' as const)
        : wishes(before, object)
          ? ('unchanged' as const)
          : ('configured' as const),
  }));
  const replay = proxies.length === 0 ? NOTHING_REPLAYED : await replayBoth(sandbox, mesh, now.objects, then.objects);
  return {
    objects,
    proxies,
    outOf: nodes.length,
    hosts: [...new Set(proxies.flatMap(({ hosts }) => hosts))].sort(),
    ...replay,
    notes: [...then.notes, ...replay.notes],
  };
}

const NOTHING_REPLAYED = { replayed: 0, elsewhere: [], notes: [] };

/** Whether an apply of `after` would leave the object as it is: what it does not mention stays. */
function wishes(before: KubeObject, after: KubeObject): boolean {
  return sameWish(before, { ...before, ...after, metadata: { ...before.metadata, ...after.metadata } } as KubeObject);
}

type ChangedProxy = EffectView['proxies'][number] & { hosts: string[] };

function changedProxies(
  nodes: readonly ProxyNode[],
  mesh: MeshConfig,
  [before, after]: readonly [readonly KubeObject[], readonly KubeObject[]],
): ChangedProxy[] {
  const translate = (objects: readonly KubeObject[]) => {
    const tables = createObjectTables();
    for (const object of objects) tables.apply('ADDED', object);
    const snapshot = createSnapshotDeriver(mesh)(tables);
    const translator = createTranslator();
    return (node: ProxyNode) => translator.translate(snapshot, node).resources;
  };
  const [then, now] = [translate(after), translate(before)];
  return nodes.flatMap((node) => {
    const pod = (node.id.split('~')[2] ?? node.id).replace(/\.[^.]+$/, '');
    const changed = differences(now(node), then(node));
    return changed.changes.length === 0 ? [] : [{ pod, ...changed }];
  });
}

type Resources = XdsSnapshot['resources'];
type Change = EffectView['proxies'][number]['changes'][number];

function differences(before: Resources, after: Resources): { changes: Change[]; hosts: string[] } {
  const changes: Change[] = [];
  const hosts = new Set<string>();
  for (const typeUrl of new Set([...before.keys(), ...after.keys()])) {
    const [old, fresh] = [before.get(typeUrl), after.get(typeUrl)];
    for (const name of new Set([...(old?.keys() ?? []), ...(fresh?.keys() ?? [])])) {
      const [was, is] = [old?.get(name), fresh?.get(name)];
      if (was?.version === is?.version) continue;
      changes.push({
        type: shortType(typeUrl),
        name,
        change: was === undefined ? 'added' : is === undefined ? 'removed' : 'changed',
      });
      for (const host of hostsOf(name, was?.json, is?.json)) hosts.add(host);
    }
  }
  return { changes, hosts: [...hosts] };
}

interface RouteTable {
  readonly virtual_hosts?: readonly { readonly name?: string }[];
}

/** Hosts that a changed resource is about: a cluster's own, and the virtual hosts that differ. */
function hostsOf(name: string, before: object | undefined, after: object | undefined): string[] {
  const host = parseClusterName(name)?.host;
  if (host) return [host];
  const byName = (table: RouteTable | undefined) =>
    new Map((table?.virtual_hosts ?? []).map((one) => [one.name ?? '', JSON.stringify(one)]));
  const [old, fresh] = [byName(before as RouteTable), byName(after as RouteTable)];
  return [...new Set([...old.keys(), ...fresh.keys()])]
    .filter((each) => old.get(each) !== fresh.get(each))
    .map((each) => each.replace(/:\d+$/, ''))
    .filter((each) => each !== '');
}

type Replay = Pick<EffectView, 'replayed' | 'elsewhere' | 'notes'>;

/** Sends the newest requests to two meshes in memory, one as it is and one as it would be, with the same seed. */
async function replayBoth(
  sandbox: Sandbox,
  mesh: MeshConfig,
  before: readonly KubeObject[],
  after: readonly KubeObject[],
): Promise<Replay> {
  const calls = newestCalls(sandbox);
  const [now, then] = [before, after].map((objects) =>
    createTrials({ objects, mesh, clock: sandbox.clock, seed: 'effect' }),
  );
  const rows = new Map<string, Replay['elsewhere'][number]>();
  const end = sandbox.clock.monotonic() + REPLAY_MS;
  let replayed = 0;
  try {
    for (const { hop, source } of calls) {
      if (sandbox.clock.monotonic() > end || now === undefined || then === undefined) break;
      const [was, is] = [await outcomeOf(now, sandbox, source, hop), await outcomeOf(then, sandbox, source, hop)];
      replayed += 1;
      if (was === is) continue;
      const what = `${hop.request.method} ${hop.request.authority}${hop.request.path.split('?')[0]}`;
      const from = [hop.proxy.service, hop.proxy.version].filter(Boolean).join(' ');
      const key = [from, what, was, is].join('\n');
      const known = rows.get(key);
      if (known) known.count += 1;
      else rows.set(key, { request: hop.spanId, from, what, before: was, after: is, count: 1 });
    }
  } finally {
    await Promise.all([now?.stop(), then?.stop()]);
  }
  const cut = replayed < calls.length ? [`Time was up after ${replayed} of ${calls.length} requests.`] : [];
  const none = calls.length === 0 ? ['No request was there to be replayed.'] : [];
  return { replayed, elsewhere: [...rows.values()].sort((a, b) => b.count - a.count), notes: [...none, ...cut] };
}

/** Headers that proxies write: a client did not send them. */
const BY_PROXIES =
  /^(x-envoy-|x-b3-|x-forwarded-|x-request-id$|traceparent$|tracestate$|b3$|:|host$|content-length$|transfer-encoding$|connection$)/;

function newestCalls(sandbox: Sandbox): { hop: HopRecord; source: TrialSource }[] {
  return sandbox.hops
    .requests(REPLAYED)
    .flatMap(({ id }) => sandbox.hops.hop(id) ?? [])
    .filter(({ direction, request }) => direction === 'outbound' && request.method !== '' && request.headers.length > 0)
    .flatMap((hop) => {
      const { namespace, pod } = hop.proxy;
      return sandbox.pod({ namespace, name: pod })?.proxy === undefined
        ? []
        : [{ hop, source: sourceOf(sandbox, `${namespace}/${pod}`) }];
    });
}

async function outcomeOf(
  trials: Trials,
  sandbox: Sandbox,
  source: TrialSource,
  { request }: HopRecord,
): Promise<string> {
  const url = URL.parse(`http://${request.authority}${request.path}`);
  if (url === null) return 'no URL';
  const headers = request.headers.filter(([name]) => !BY_PROXIES.test(name.toLowerCase()));
  const outcome = await trials.send(source, { url, method: request.method, headers, timeoutMs: ANSWER_MS });
  return words(summary(outcome, sandbox));
}

function words({ status, flags, reaches }: Summary): string {
  const answer = [status === 0 ? 'no answer' : String(status), ...flags].join(' ');
  return status < 400 && status > 0 && reaches !== '' ? reaches : answer;
}
