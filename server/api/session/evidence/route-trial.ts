import type { RouteRowView, RouteTrialView } from '#contract';
import { ISTIO_MESH_DEFAULTS, readMeshConfig } from '#control-plane';
import type { HopRecord } from '#domain';
import {
  createTrials,
  type ManifestFile,
  type PodObject,
  type Sandbox,
  type TrialOutcome,
  type TrialSource,
} from '#sandbox';
import { verdictOf } from '#telemetry';
import { ApiError } from '../../errors.ts';
import { closestMiss } from '../closest-way.ts';
import { hopView, leftOutView } from '../explanation.ts';
import { podRole } from '../views.ts';
import { type MeshAsIf, meshAsIf } from './mesh-as-if.ts';

/** Above any time-out that a lesson sets would keep a learner waiting. */
const PATIENCE_MS = 8000;
const ROOT_NAMESPACE = 'istio-system';

export interface TrialCall {
  readonly files: readonly ManifestFile[];
  readonly from: string;
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** MeshConfig as it is in force. */
export const meshConfigOf = ({ store }: Sandbox) => {
  const stored = store.get('ConfigMap', { namespace: ROOT_NAMESPACE, name: 'istio' });
  return stored === undefined ? ISTIO_MESH_DEFAULTS : readMeshConfig(stored);
};

/** Finds the pod whose request it is. Throws for a pod that is not there or has no proxy. */
export function sourceOf(sandbox: Sandbox, from: string): TrialSource {
  const [namespace = '', name = ''] = from.split('/');
  const running = sandbox.pod({ namespace, name });
  const pod = sandbox.store.get('Pod', { namespace, name }) as PodObject | undefined;
  if (running === undefined || pod === undefined) throw new ApiError('unknown_proxy', `There is no pod ${from}.`);
  if (running.proxy === undefined)
    throw new ApiError('unknown_proxy', `The pod ${name} has no proxy: nobody routes its requests.`);
  return { role: podRole(running) === 'gateway' ? 'router' : 'sidecar', pod };
}

/** Where one request would go if the text were applied, and where it goes now. Real proxies decide over wires in memory. */
export async function tryRoute(sandbox: Sandbox, namespace: string, call: TrialCall): Promise<RouteTrialView> {
  const url = URL.parse(/^https?:\/\//.test(call.url) ? call.url : `http://${call.url}`);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new ApiError('invalid', `${call.url} is no URL that HTTP knows.`);
  const source = sourceOf(sandbox, call.from);
  const request = { url, method: call.method, headers: call.headers, timeoutMs: PATIENCE_MS };
  const locate: MeshAsIf['locate'] = (origin) => sandbox.locate(origin);
  const asIf = meshAsIf(sandbox.store, call.files, { namespace, locate });
  const present = meshAsIf(sandbox.store, [], { namespace, locate });
  const run = async ({ objects }: MeshAsIf) => {
    const trials = createTrials({ objects, mesh: meshConfigOf(sandbox), clock: sandbox.clock, seed: call.url });
    try {
      const outcome = await trials.send(source, request);
      const host = firstHop(outcome)?.steps.find(({ stage }) => stage === 'virtual_host')?.name ?? '';
      const leftOut = new Map(outcome.hops.map((hop) => [hop, trials.leftOut(hop)]));
      return { outcome, leftOut, routes: await trials.routesOf(source, host), refused: [...trials.refused] };
    } finally {
      await trials.stop();
    }
  };
  const [then, now] = [await run(asIf), await run(present)];
  const result = summary(then.outcome, sandbox);
  const current = summary(now.outcome, sandbox);
  const rows = rowsOf(firstHop(then.outcome), then.routes, asIf.locate);
  const closest = closestMiss(rows.filter(({ result }) => result === 'rejected'));
  return {
    ...result,
    verdict: verdictWords(then.outcome, result),
    rows,
    ...(closest !== undefined && { closest }),
    hops: inOrder(then.outcome.hops).map((hop) => ({
      ...hopView(hop, asIf.locate),
      ...leftOutView(then.leftOut.get(hop) ?? [], asIf.locate),
    })),
    notes: [
      ...asIf.notes,
      ...then.refused.map(({ pod, name, message }) => `the proxy of ${pod} refuses ${name}: ${message}`),
    ],
    inForce: { ...current, same: JSON.stringify(current) === JSON.stringify(result) },
  };
}

export type Summary = Pick<RouteTrialView, 'status' | 'flags' | 'reaches' | 'cluster'>;

const inOrder = (hops: readonly HopRecord[]): HopRecord[] =>
  [...hops].sort((a, b) => a.startMs - b.startMs || (a.direction === 'outbound' ? -1 : 1));

const firstHop = ({ hops }: TrialOutcome): HopRecord | undefined =>
  inOrder(hops).find(({ direction }) => direction === 'outbound');

/** What the client got, and which workload it reached; a workload without a proxy is known by its address. */
export function summary(outcome: TrialOutcome, sandbox: Sandbox): Summary {
  const first = firstHop(outcome);
  const inbound = outcome.hops.find(({ direction, attempts }) => direction === 'inbound' && attempts > 0);
  return {
    status: outcome.view.status,
    flags: [...(first?.response.flags ?? [])],
    reaches: inbound ? nameOf(inbound.proxy) : reachedWithout(first, sandbox),
    cluster: first?.cluster ?? '',
  };
}

function reachedWithout(first: HopRecord | undefined, sandbox: Sandbox): string {
  if (first === undefined || first.response.details !== 'via_upstream' || first.upstreamHost === '') return '';
  const ip = first.upstreamHost.replace(/:\d+$/, '');
  const pod = sandbox.pods.find((one) => one.ip === ip);
  return pod === undefined
    ? first.upstreamHost
    : nameOf({ service: pod.labels['app'] ?? pod.name, version: pod.labels['version'] ?? '' });
}

const nameOf = ({ service, version }: { service: string; version: string }): string =>
  [service, version].filter(Boolean).join(' ');

function verdictWords(outcome: TrialOutcome, { status, reaches }: Summary): string {
  if (outcome.hops.length === 0) return 'No proxy saw the request: it would go past the mesh.';
  if (reaches !== '' && status < 400) return `It would reach ${reaches}.`;
  return verdictOf(inOrder(outcome.hops));
}

/** The match table: the routes that were looked into, in order, then those that nobody had to look at. */
function rowsOf(hop: HopRecord | undefined, routes: readonly string[], locate: MeshAsIf['locate']): RouteRowView[] {
  const step = hop?.steps.find(({ stage }) => stage === 'route');
  if (step === undefined) return [];
  const rejected = (step.rejected ?? []).map(({ name, reason, held, conditions, origin }): RouteRowView => {
    const location = origin && locate(origin);
    return {
      name,
      result: 'rejected',
      reason,
      ...(held !== undefined && conditions !== undefined && { held, conditions }),
      ...(location !== undefined && { location }),
    };
  });
  if (step.outcome === 'stopped') return rejected;
  const location = step.origin && locate(step.origin);
  const chosen: RouteRowView = {
    name: step.name || `route ${rejected.length + 1}`,
    result: 'chosen',
    reason: step.detail ?? '',
    ...(location !== undefined && { location }),
  };
  const rest = routes
    .slice(rejected.length + 1)
    .map((name): RouteRowView => ({ name, result: 'not reached', reason: 'an earlier route took the request' }));
  return [...rejected, chosen, ...rest];
}
