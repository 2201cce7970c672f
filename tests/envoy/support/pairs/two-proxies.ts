import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { seededRandom } from '#domain';
import { leaseSubnet } from '#sandbox/subnets';
import { typeUrls } from '#xds';
import type { LocalCluster } from '../../../../server/data-plane/doors.ts';
import { layeredRuntime } from '../../../../server/envoy/bootstrap.ts';
import { createTestCa, startPod } from '../../../mesh/data-plane-harness.ts';
import { startEnvoy } from '../envoy.ts';
import { waitFor } from '../wait.ts';
import type { PairCase, PairRequest } from './case-file.ts';
import { type Answer, ask } from './client.ts';
import { changes, type Figures, readFigures } from './figures.ts';
import { type Arrived, startHosts, type TestHosts } from './hosts.ts';
import { entriesAt, type LogEntry } from './log-entry.ts';
import { type PairResources, pairResources } from './resources.ts';
import { type SentEntry, sentFrom } from './sent-entries.ts';
import type { Listed } from './values.ts';

const FIRST_PORT = 20_000;
const LATE_MS = 3000;
/** What names of statistics begin with, before the name of their case. */
const KINDS = 'http|cluster|tcp|vhost|connection_limit|local_rate_limit|listener_local_ratelimit|ext_authz|proxy_proto';

/** All that can be seen of one request. */
export interface Seen {
  readonly answer: Answer;
  readonly log: readonly LogEntry[];
  readonly upstream: readonly Arrived[];
  readonly stats: Readonly<Record<string, number>>;
  /** Entries that services of access logs were sent. */
  readonly sent: readonly SentEntry[];
}

/** One of the two: where it listens, and what it tells of itself. */
interface Side {
  readonly name: 'envoy' | 'ours';
  readonly ip: string;
  logLines(): readonly string[];
  figures(filter: RegExp): Promise<Figures>;
  /** What `/stats` lists; listeners by their port alone. */
  listed(): Promise<Listed>;
}

export interface TwoProxies {
  readonly envoy: Side;
  readonly ours: Side;
  observe(side: Side, given: PairCase, request: PairRequest): Promise<Seen>;
  /** What collectors of spans were sent, which name themselves nothing. */
  collected(): readonly Arrived[];
  stop(): Promise<void>;
}

/** Starts a real Envoy and a proxy of ours with the same listeners and clusters: one listener for each case. `local`: whom both belong to. */
export async function startTwoProxies(cases: readonly PairCase[], local?: LocalCluster): Promise<TwoProxies> {
  const lease = await leaseSubnet(seededRandom(`pairs/${process.pid}/${performance.now()}`));
  const hosts = await startHosts(lease.subnet);
  const ips = { envoy: `127.${lease.subnet}.1.1`, ours: `127.${lease.subnet}.1.2` };
  const portOf = (given: PairCase): number => FIRST_PORT + cases.findIndex(({ name }) => name === given.name);
  const resourcesAt = (ip: string): PairResources[] =>
    cases.map((given) => pairResources(given, { ip, port: portOf(given) }, hosts.at));
  const ours = await startOurs(ips.ours, resourcesAt(ips.ours), local);
  const envoy = await startReal(ips.envoy, resourcesAt(ips.envoy), local);
  return {
    envoy,
    ours,
    observe: (side, given, request) => observe({ side, given, request, port: portOf(given), hosts }),
    collected: () => hosts.arrived(''),
    async stop() {
      await envoy.stop();
      await ours.stop();
      await hosts.stop();
      await lease.release();
    },
  };
}

type Started = Promise<Side & { stop(): Promise<void> }>;

async function startReal(ip: string, resources: readonly PairResources[], local?: LocalCluster): Started {
  const bootstrap = {
    node: { id: 'pairs', cluster: 'pairs', ...(local && { locality: { region: local.region } }) },
    ...(local && { cluster_manager: { local_cluster_name: local.name } }),
    layered_runtime: layeredRuntime(),
    admin: { address: { socket_address: { address: ip, port_value: 15000 } } },
    static_resources: {
      listeners: resources.map(({ listener }) => listener),
      clusters: resources.flatMap(({ clusters }) => clusters),
    },
  };
  const { admin, accessLog, stop } = await startEnvoy(bootstrap, ip);
  const figures = async (filter: RegExp): Promise<Figures> =>
    readFigures(await admin(`/stats?filter=${encodeURIComponent(filter.source)}`));
  return { name: 'envoy', ip, logLines: accessLog, figures, listed: () => listedAt(ip), stop };
}

async function startOurs(ip: string, resources: readonly PairResources[], local?: LocalCluster): Started {
  const signer = await createTestCa();
  const refused: unknown[] = [];
  const pod = await startPod(
    { ip, name: 'pairs', role: 'router', signer, ...(local && { bootstrap: { localCluster: local } }) },
    (xds) => {
      const clusters = resources.flatMap((each) => each.clusters);
      refused.push(...xds.push(typeUrls.cluster, clusters));
      refused.push(
        ...xds.push(
          typeUrls.listener,
          resources.map(({ listener }) => listener),
        ),
      );
    },
  );
  if (refused.length > 0) {
    await pod.stop();
    throw new Error(`our proxy refuses: ${JSON.stringify(refused, null, 1)}`);
  }
  const figures = (filter: RegExp): Promise<Figures> =>
    Promise.resolve(new Map([...pod.proxy.admin.stats()].filter(([name]) => filter.test(name))));
  return { name: 'ours', ip, logLines: () => pod.logs, figures, listed: () => listedAt(ip), stop: () => pod.stop() };
}

async function listedAt(ip: string): Promise<Listed> {
  const answer = await fetch(`http://${ip}:15000/stats`);
  const lines = (await answer.text()).split('\n').filter(Boolean);
  return new Map(lines.map((line) => line.replaceAll(`${ip}_`, '').split(/: (.*)/s) as [string, string]));
}

/** `{AT one}` in a header stands for the address of that host. */
function placed(request: PairRequest, hosts: TestHosts): PairRequest {
  if (request.headers === undefined) return request;
  const text = JSON.stringify(request.headers).replaceAll(/\{AT ([\w-]+)\}/g, (_, name: string) => {
    const { ip, port } = hosts.at(name);
    return `${ip}:${port}`;
  });
  return { ...request, headers: JSON.parse(text) as NonNullable<PairRequest['headers']> };
}

async function observe({
  side,
  given,
  request,
  port,
  hosts,
}: {
  readonly side: Side;
  readonly given: PairCase;
  readonly request: PairRequest;
  readonly port: number;
  readonly hosts: TestHosts;
}): Promise<Seen> {
  const at = { ip: side.ip, port };
  // Of one length for both: they count bytes.
  const name = `${side.name.padEnd(5, '.')}/${given.name}/${request.name}`;
  const own = new RegExp(`^(${KINDS})\\.${given.name}\\.|^${given.name}\\.`);
  const logged = entriesAt(side.logLines(), port).length;
  const sentBefore = sentFrom(hosts.logged, at).length;
  const untold = request.after ?? 0;
  for (let turn = 0; turn < untold; turn++) await ask(placed(request, hosts), at, `${name}/after/${turn}`);
  const figures = await quiet(side, own);
  let told = 0;
  for (const { times = 1, pauseMs = 0, ...fields } of request.before ?? []) {
    for (let time = 0; time < times; time++)
      await ask(placed({ ...request, ...fields }, hosts), at, `${name}/before/${told++}`);
    await setTimeout(pauseMs);
  }
  if (request.pauseMs !== undefined) await setTimeout(request.pauseMs);
  await quiet(side, own);
  // A log is written late: the lines of what was sent first are not those of the request itself.
  const entries = await waitFor(`${side.name}'s log lines before ${name}`, LATE_MS, () => {
    const { length } = entriesAt(side.logLines(), port);
    return length >= logged + untold + told ? length : undefined;
  });
  const letGo = await hold(request.held ?? [], at, () => side.figures(own));
  const answer = await ask(placed(request, hosts), at, name);
  const met = await waitFor(`${side.name}'s log line of ${name}`, LATE_MS, () => {
    const found = entriesAt(side.logLines(), port).slice(entries);
    // A request that follows a redirect within the proxy has a line for each part of its way.
    return found.length >= (request.expect.lines ?? 1) && found.at(-1)?.['details'] !== 'internal_redirect'
      ? found
      : undefined;
  });
  letGo();
  const wanted = request.expect.upstream ?? 0;
  await waitFor(`${wanted} requests of ${name} at the hosts`, LATE_MS, () =>
    hosts.arrived(name).length >= wanted ? true : undefined,
  );
  const after = await quiet(side, own);
  const sentWanted = request.expect.sent ?? 0;
  const sent = await waitFor(`${sentWanted} entries of ${name} at the log service`, LATE_MS, () => {
    const found = sentFrom(hosts.logged, at).slice(sentBefore);
    return found.length >= sentWanted ? found : undefined;
  });
  // By now every log has its line of the request; those of held connections are none of its.
  const log = request.held === undefined ? entriesAt(side.logLines(), port).slice(entries) : met;
  return { answer, log, upstream: hosts.arrived(name), stats: changes(figures, after), sent };
}

/** Opens connections and returns how to close them; all are known to the proxy by then. */
async function hold(
  texts: readonly string[],
  { ip, port }: { ip: string; port: number },
  figures: () => Promise<Figures>,
): Promise<() => void> {
  const sockets = texts.map((text) => {
    const socket = connect({ host: ip, port, localAddress: ip }, () => socket.write(text, 'latin1'));
    return socket.on('error', () => undefined);
  });
  const active = (seen: Figures): number =>
    [...seen].reduce(
      (sum, [name, value]) =>
        sum + (/\.(downstream_cx|connections)_active$|active_connections$/.test(name) ? value : 0),
      0,
    );
  await waitFor(`${texts.length} connections that are held`, LATE_MS, async () =>
    active(await figures()) >= texts.length ? true : undefined,
  );
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

/** Waits until no request is under way and no client is connected any more: only then are figures complete. */
function quiet(side: Side, own: RegExp): Promise<Figures> {
  return waitFor(`${side.name} has nothing to do`, LATE_MS, async () => {
    const figures = await side.figures(own);
    // A stream of logs stays open.
    const busy = [...figures].some(
      ([name, value]) =>
        value > 0 &&
        !name.includes('.collector.') &&
        /(downstream_cx|_rq(_pending)?)_active$|active_connections$/.test(name),
    );
    return busy ? undefined : figures;
  });
}
