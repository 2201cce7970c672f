import { MeshworkError } from '#domain';
import { announceApi } from './api/kube-server.ts';
import type { Cluster } from './cluster.ts';
import type { ManifestFile, RunningPod, Sandbox, SandboxEvent, StartOptions } from './doors.ts';
import { type DeploymentObject, endpointAddresses, matchesLabels, type ServiceObject } from './kube-types.ts';
import type { Manifests } from './manifests/manifests.ts';
import { gatewayObjects, istiodObjects, meshConfigMap, rootNamespace, systemNamespaces } from './mesh/system.ts';

/** A mesh of a thousand services on a machine that does ten other things takes a minute. */
const START_LIMIT_MS = 120_000;
/** States that do not heal by waiting: a lab may begin with a pod that cannot start. */
const STUCK = new Set(['ErrImagePull', 'ImagePullBackOff', 'CrashLoopBackOff']);

export interface StartUp extends StartOptions {
  readonly sandbox: Sandbox;
  readonly cluster: Cluster;
  readonly manifests: Manifests;
  readonly emit: (event: SandboxEvent) => void;
  readonly topology: readonly ManifestFile[];
  readonly nodeIp: string;
  readonly mintChangeId: () => string;
}

/** Applies istiod, gateway and topology at once, then follows their start. Rejects when the topology is refused. */
export function startMesh(options: StartUp): Promise<void> {
  return awaiting(options.cluster, () => start(options));
}

/** Pods that come up meanwhile stand behind no Service before they are ready. */
async function awaiting(cluster: Cluster, act: () => Promise<void>): Promise<void> {
  cluster.awaiting++;
  try {
    await act();
  } finally {
    cluster.awaiting--;
  }
}

async function start(options: StartUp): Promise<void> {
  const { sandbox, cluster, manifests, emit, topology, ingress, meshConfig, mintChangeId } = options;
  const changeId = mintChangeId();
  const { store, clock } = sandbox;
  let sinceMs = clock.monotonic();
  const step = (name: string): void => {
    const nowMs = clock.monotonic();
    emit({ type: 'step', name, ms: nowMs - sinceMs });
    sinceMs = nowMs;
  };
  // Nobody has applied a cluster's own namespaces: `kubectl apply --prune` must leave them alone.
  for (const object of systemNamespaces) {
    if (store.get('Namespace', { namespace: '', name: object.metadata.name }) === undefined) {
      store.create(object, { changeId });
    }
  }
  if (options.announcesApi) announceApi(store, options.nodeIp);
  for (const object of [meshConfigMap(meshConfig), ...istiodObjects, ...(ingress ? gatewayObjects : [])]) {
    store.apply(object, { changeId });
  }
  const outcome = manifests.apply(topology, { namespace: 'default', changeId, advised: false });
  if (!outcome.accepted) {
    const why = outcome.diagnostics.map(
      ({ location, message }) => `${location?.file ?? ''}:${location?.line ?? ''} ${message}`,
    );
    throw new MeshworkError('MW9306', `the topology is refused: ${why.join('; ')}`);
  }
  step('kubernetes api');
  await sandbox.until(() => cluster.istiod() !== undefined, START_LIMIT_MS, 'istiod runs');
  step('istiod');
  if (ingress) {
    await sandbox.until(() => sandbox.ingress !== undefined, START_LIMIT_MS, 'the ingress gateway is ready');
    step('ingress gateway');
  }
  await settle({ sandbox, cluster, mintChangeId, step });
}

/** Waits for every pod, then for every proxy. `step` is told when each of the two is reached. */
export function awaitReady(options: Awaiting): Promise<void> {
  return awaiting(options.cluster, () => settle(options));
}

interface Awaiting extends Pick<StartUp, 'sandbox' | 'cluster' | 'mintChangeId'> {
  readonly step?: (name: string) => void;
}

async function settle({ sandbox, cluster, mintChangeId, step }: Awaiting): Promise<void> {
  await sandbox.until(() => podsSettled(sandbox), START_LIMIT_MS, 'every pod is ready');
  await cluster.frontDoors.settled();
  step?.('pods');
  await sandbox.settled(announce(sandbox, mintChangeId()), START_LIMIT_MS);
  await sandbox.until(() => proxiesSynced(sandbox), START_LIMIT_MS, 'every proxy has its configuration');
  step?.('configuration');
}

function podsSettled({ store, pods }: Sandbox): boolean {
  const wanted = (store.list('Deployment') as DeploymentObject[]).reduce(
    (sum, { spec }) => sum + (spec.replicas ?? 1),
    0,
  );
  return (
    pods.length >= wanted && pods.every((pod) => isSettled(pod) || isOver(store, pod)) && endpointsWritten(store, pods)
  );
}

const isSettled = ({ containers }: RunningPod): boolean =>
  containers.every(({ ready, state }) => ready || STUCK.has(state));

/** Its work is done, or has failed for good. */
function isOver(store: Sandbox['store'], { namespace, name }: RunningPod): boolean {
  const status = store.get('Pod', { namespace, name })?.status as { readonly phase?: string } | undefined;
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/** Every ready pod stands behind the Services that select it. */
function endpointsWritten(store: Sandbox['store'], pods: readonly RunningPod[]): boolean {
  const ready = pods.filter(({ containers }) => containers.every((container) => container.ready));
  return (store.list('Service') as ServiceObject[]).every(({ metadata, spec }) => {
    const selected = ready.filter(
      ({ namespace, labels }) => namespace === metadata.namespace && matchesLabels(spec.selector, { labels }),
    );
    const written = new Set(endpointAddresses(store, metadata));
    return selected.every(({ ip }) => written.has(ip));
  });
}

/** A last change after all others of the start: when the proxies have answered it, they have answered those. */
function announce({ store, clock }: Sandbox, changeId: string): string {
  const at = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  store.create(
    {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `mesh.${changeId}`, namespace: rootNamespace },
      involvedObject: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'istiod', namespace: rootNamespace },
      reason: 'MeshStarted',
      message: 'every pod is ready',
      type: 'Normal',
      source: { component: 'meshwork' },
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    },
    { changeId },
  );
  return changeId;
}

function proxiesSynced({ controlPlane, pods }: Sandbox): boolean {
  const proxied = pods.filter(({ proxy }) => proxy?.ready === true).length;
  const rows = controlPlane?.syncStatus() ?? [];
  const inSync = rows.filter(({ types }) =>
    Object.values(types).every((state) => state === 'SYNCED' || state === 'NOT SENT'),
  );
  return inSync.length >= proxied;
}
