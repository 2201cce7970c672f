import type { Clock, KubeObject, Timer } from '#domain';
import type { KubeStore } from '#kube-api';
import {
  addressOf,
  type DeploymentObject,
  hasEnded,
  isEnding,
  keyOf,
  nameOf,
  ownedBy,
  type PodObject,
  type ReplicaSetObject,
} from '../kube-types.ts';
import { adoptersOf, claim } from './claim.ts';
import { deadlineInMs, deploymentStatus } from './deployment-status.ts';
import type { EventRecorder } from './event-recorder.ts';
import { templateHash } from './names.ts';
import {
  availableOf,
  DESIRED,
  latitude,
  MAXIMUM,
  podsOf,
  proportional,
  readyOf,
  replicasOf,
  sum,
} from './replica-counts.ts';
import { sameTemplate } from './same-template.ts';
import type { WorkQueue } from './work-queue.ts';
import { createWorkQueue } from './work-queue.ts';

const HASH_LABEL = 'pod-template-hash';
const REVISION = 'deployment.kubernetes.io/revision';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const DEFAULT_HISTORY = 10;

export interface ControllerOptions {
  readonly store: KubeStore;
  readonly clock: Clock;
  readonly events?: EventRecorder;
  readonly onError: (what: string, error: unknown) => void;
}

/** Keeps a ReplicaSet for the present template and moves pods to it: new ones first, old ones as the new become ready. */
export function startDeploymentController({ store, clock, events, onError }: ControllerOptions): () => void {
  const deadlines = new Map<string, Timer>();
  const queue: WorkQueue = createWorkQueue({
    reconcile: (key, changeId) => {
      deadlines.get(key)?.cancel();
      deadlines.delete(key);
      const waitMs = reconcile({ store, clock, events, changeId }, key);
      if (waitMs !== undefined)
        deadlines.set(
          key,
          clock.after(waitMs, () => queue.add(key, changeId)),
        );
    },
    onError: (key, error) => onError(`deployment ${key}`, error),
  });
  const stops = [
    store.watch('Deployment', ({ object, changeId }) => queue.add(keyOf(object), changeId)),
    store.watch('ReplicaSet', ({ object, changeId }) => {
      const owner = object.metadata.ownerReferences?.find(({ kind }) => kind === 'Deployment');
      if (owner !== undefined) queue.add(`${object.metadata.namespace}/${owner.name}`, changeId);
      for (const adopter of adoptersOf(store, 'Deployment', object)) queue.add(keyOf(adopter), changeId);
    }),
    store.watch('Pod', ({ type, object, changeId }) => {
      const deployment = type === 'DELETED' ? deploymentOf(store, object) : undefined;
      if (deployment !== undefined) queue.add(keyOf(deployment), changeId);
    }),
  ];
  return () => {
    for (const stop of stops) stop();
    for (const timer of deadlines.values()) timer.cancel();
    queue.stop();
  };
}

/** The Deployment that may wait for the last of its old pods. */
function deploymentOf(store: KubeStore, pod: KubeObject): DeploymentObject | undefined {
  const ownerIn = (kind: string, { metadata }: KubeObject): KubeObject | undefined => {
    const owner = metadata.ownerReferences?.find((each) => each.kind === kind);
    return owner === undefined ? undefined : store.get(kind, { namespace: metadata.namespace ?? '', name: owner.name });
  };
  const set = ownerIn('ReplicaSet', pod);
  return set === undefined ? undefined : (ownerIn('Deployment', set) as DeploymentObject | undefined);
}

/** The pods of these sets that are there, those that end included. Source: oldPodsRunning in kubernetes' pkg/controller/deployment. */
function podsThere({ store }: Run, sets: readonly ReplicaSetObject[]): PodObject[] {
  const [first] = sets;
  if (first === undefined) return [];
  const { namespace } = addressOf(first);
  return (store.list('Pod', { namespace }) as PodObject[]).filter(
    (pod) => !hasEnded(pod) && sets.some((set) => ownedBy(pod, set)),
  );
}

interface Run {
  readonly store: KubeStore;
  readonly clock: Clock;
  readonly events: EventRecorder | undefined;
  readonly changeId: string;
}

/** Returns after how many milliseconds to look again, where a deadline runs. */
function reconcile(run: Run, key: string): number | undefined {
  const { store, clock, changeId } = run;
  const name = nameOf(key);
  const deployment = store.get('Deployment', name) as DeploymentObject | undefined;
  if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined) return undefined;
  const sets = claim<ReplicaSetObject>(run, 'ReplicaSet', deployment);
  const current = sets.find((set) => sameTemplate(set.spec.template, deployment.spec.template));
  const old = sets.filter((set) => set !== current);
  let step: 'created' | 'found' | undefined;
  if (current === undefined) {
    if (deployment.spec.paused === true) scaleAll(run, deployment, sets);
    else {
      createReplicaSet(run, deployment, sets);
      step = 'created';
    }
  } else {
    if (raiseRevision(run, deployment, current, old)) step = 'found';
    if (deployment.spec.paused === true || wasResized(deployment, sets)) scaleAll(run, deployment, sets);
    else rollout(run, deployment, current, old);
    prune(run, deployment, old);
  }
  const ending = podsThere(run, old).filter(isEnding).length;
  const status = deploymentStatus({ deployment, sets, current, step, ending }, clock);
  const written = store.updateStatus('Deployment', name, status, { changeId }) as DeploymentObject;
  return deadlineInMs(written, clock);
}

const revisionOf = ({ metadata }: KubeObject): number => Number(metadata.annotations?.[REVISION] ?? 0);

const nextRevision = (sets: readonly ReplicaSetObject[]): number =>
  1 + sets.reduce((highest, set) => Math.max(highest, revisionOf(set)), 0);

/** What a ReplicaSet takes over from its Deployment's annotations, and how far a rollout may go. */
function setAnnotations({ metadata, spec }: DeploymentObject, revision: number): Record<string, string> {
  const { [LAST_APPLIED]: _applied, [REVISION]: _revision, ...annotations } = metadata.annotations ?? {};
  const desired = spec.replicas ?? 1;
  return {
    ...annotations,
    [DESIRED]: String(desired),
    [MAXIMUM]: String(desired + latitude(spec).surge),
    [REVISION]: String(revision),
  };
}

function createReplicaSet(run: Run, deployment: DeploymentObject, sets: readonly ReplicaSetObject[]): void {
  const { store, changeId } = run;
  const { metadata, spec } = deployment;
  const revision = nextRevision(sets);
  const hash = freeHash(store, deployment);
  const labels = { ...spec.template.metadata?.labels, [HASH_LABEL]: hash };
  const desired = spec.replicas ?? 1;
  const room = Math.max(0, desired + latitude(spec).surge - sum(sets, replicasOf));
  const recreate = spec.strategy?.type === 'Recreate';
  const replicas = sets.length === 0 ? desired : recreate ? 0 : Math.min(desired, room);
  const set: KubeObject = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${metadata.name}-${hash}`,
      namespace: metadata.namespace ?? '',
      labels,
      annotations: setAnnotations(deployment, revision),
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          name: metadata.name,
          uid: metadata.uid ?? '',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      replicas,
      ...(spec.minReadySeconds === undefined ? {} : { minReadySeconds: spec.minReadySeconds }),
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  };
  store.create(set, { changeId });
  tellScaling(run, deployment, { name: set.metadata.name, from: 0, to: replicas });
  writeRevision(run, deployment, revision);
}

/** Two templates with one hash do not meet in practice; a set that somebody else made under the name may. */
function freeHash(store: KubeStore, { metadata, spec }: DeploymentObject): string {
  let hash = templateHash(spec.template);
  for (
    let tries = 1;
    store.get('ReplicaSet', { namespace: metadata.namespace ?? '', name: `${metadata.name}-${hash}` });
    tries++
  )
    hash = templateHash([tries, spec.template]);
  return hash;
}

/** A template that comes back (a rollback) makes its old set the newest revision. True when it did. */
function raiseRevision(
  run: Run,
  deployment: DeploymentObject,
  current: ReplicaSetObject,
  old: readonly ReplicaSetObject[],
): boolean {
  const { store, changeId } = run;
  const revision = Math.max(revisionOf(current), nextRevision(old));
  const annotations = setAnnotations(deployment, revision);
  const present = current.metadata.annotations ?? {};
  const resized = present[DESIRED] !== annotations[DESIRED];
  const { [DESIRED]: _desired, [MAXIMUM]: _maximum, ...others } = annotations;
  const wanted = resized ? others : annotations;
  if (Object.entries(wanted).some(([name, value]) => present[name] !== value)) {
    store.patch('ReplicaSet', addressOf(current), { metadata: { annotations: wanted } }, { changeId });
  }
  writeRevision(run, deployment, revision);
  return revision > revisionOf(current);
}

/** The Deployment tells the revision of its present template, which `kubectl rollout` reads. */
function writeRevision({ store, changeId }: Run, deployment: DeploymentObject, revision: number): void {
  if (revisionOf(deployment) === revision) return;
  const patch = { metadata: { annotations: { [REVISION]: String(revision) } } };
  store.patch('Deployment', addressOf(deployment), patch, { changeId });
}

/** The wanted number is another than the sets were last told. */
const wasResized = ({ spec }: DeploymentObject, sets: readonly ReplicaSetObject[]): boolean =>
  sets.some(
    (set) =>
      replicasOf(set) > 0 && Number(set.metadata.annotations?.[DESIRED] ?? spec.replicas ?? 1) !== (spec.replicas ?? 1),
  );

/** Gives each set its share of the wanted number, without going on with the rollout. */
function scaleAll(run: Run, deployment: DeploymentObject, sets: readonly ReplicaSetObject[]): void {
  const { spec } = deployment;
  const desired = spec.replicas ?? 1;
  const active = sets.filter((set) => replicasOf(set) > 0);
  const [only] = active.length > 0 ? active : sets.toSorted((a, b) => revisionOf(b) - revisionOf(a));
  if (only !== undefined && active.length <= 1) {
    scale(run, deployment, only, desired);
    return;
  }
  const surge = spec.strategy?.type === 'Recreate' ? 0 : latitude(spec).surge;
  for (const [set, replicas] of proportional(active, desired === 0 ? 0 : desired + surge))
    scale(run, deployment, set, replicas);
}

function rollout(
  run: Run,
  deployment: DeploymentObject,
  current: ReplicaSetObject,
  old: readonly ReplicaSetObject[],
): void {
  const desired = deployment.spec.replicas ?? 1;
  if (deployment.spec.strategy?.type === 'Recreate') {
    for (const set of old) scale(run, deployment, set, 0);
    if (podsThere(run, old).length === 0) scale(run, deployment, current, desired);
    return;
  }
  const { surge, unavailable } = latitude(deployment.spec);
  const room = desired + surge - sum(old, replicasOf);
  const wanted = replicasOf(current) > desired ? desired : Math.min(desired, Math.max(replicasOf(current), room));
  scale(run, deployment, current, wanted);
  let spare = availableOf(current) + sum(old, availableOf) - (desired - unavailable);
  for (const set of old.toSorted((a, b) => revisionOf(a) - revisionOf(b))) {
    // Pods that never became ready serve nobody and may go at once.
    const idle = Math.max(0, replicasOf(set) - readyOf(set));
    const serving = Math.min(replicasOf(set) - idle, Math.max(0, spare));
    scale(run, deployment, set, replicasOf(set) - idle - serving);
    spare -= serving;
  }
}

function scale(run: Run, deployment: DeploymentObject, set: ReplicaSetObject, replicas: number): void {
  const { store, changeId } = run;
  const { [DESIRED]: desired = '', [MAXIMUM]: maximum = '' } = setAnnotations(deployment, 0);
  const told = set.metadata.annotations?.[DESIRED] === desired && set.metadata.annotations?.[MAXIMUM] === maximum;
  const from = replicasOf(set);
  if (from === replicas && (told || replicas === 0)) return;
  const annotations = { [DESIRED]: desired, [MAXIMUM]: maximum };
  store.patch('ReplicaSet', addressOf(set), { metadata: { annotations }, spec: { replicas } }, { changeId });
  if (from !== replicas) tellScaling(run, deployment, { name: set.metadata.name, from, to: replicas });
}

function tellScaling(
  { events }: Run,
  deployment: DeploymentObject,
  { name, from, to }: { readonly name: string; readonly from: number; readonly to: number },
): void {
  if (from === to) return;
  const message = `Scaled ${to > from ? 'up' : 'down'} replica set ${name} from ${from} to ${to}`;
  events?.record(deployment, { reason: 'ScalingReplicaSet', message });
}

function prune({ store, changeId }: Run, deployment: DeploymentObject, old: readonly ReplicaSetObject[]): void {
  const empty = old.filter((set) => replicasOf(set) === 0 && podsOf(set) === 0);
  const keep = deployment.spec.revisionHistoryLimit ?? DEFAULT_HISTORY;
  const byRevision = empty.toSorted((a, b) => revisionOf(a) - revisionOf(b));
  for (const set of byRevision.slice(0, Math.max(0, empty.length - keep))) {
    store.delete('ReplicaSet', addressOf(set), { changeId });
  }
}
