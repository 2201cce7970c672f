import { type Clock, errorMessage, type Random } from '#domain';
import type { KubeStore } from '#kube-api';
import {
  addressOf,
  hasEnded,
  isEnding,
  isReady,
  keyOf,
  nameOf,
  type PodObject,
  type ReplicaSetObject,
} from '../kube-types.ts';
import { adoptersOf, claim } from './claim.ts';
import type { EventRecorder } from './event-recorder.ts';
import { nameSuffix } from './names.ts';
import { podFromTemplate } from './pod-from-template.ts';
import { createWorkQueue } from './work-queue.ts';

export interface ReplicaSetControllerOptions {
  readonly store: KubeStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly events?: EventRecorder;
  /** Last word on a new pod before it is stored: injection, the service account, the node. */
  readonly admit: (pod: PodObject) => PodObject;
  readonly onError: (what: string, error: unknown) => void;
}

/** Keeps as many pods as each ReplicaSet wants. Deleted pods that still drain, and those that have ended, are not counted. */
export function startReplicaSetController(options: ReplicaSetControllerOptions): () => void {
  const { store, clock, onError } = options;
  const queue = createWorkQueue({
    reconcile: (key, changeId) => {
      const againMs = reconcile(options, key, changeId);
      if (againMs !== undefined) clock.after(againMs, () => queue.add(key, changeId));
    },
    onError: (key, error) => onError(`replicaset ${key}`, error),
  });
  const stops = [
    store.watch('ReplicaSet', ({ object, changeId }) => queue.add(keyOf(object), changeId)),
    store.watch('Pod', ({ object, changeId }) => {
      const owner = object.metadata.ownerReferences?.find(({ kind }) => kind === 'ReplicaSet');
      if (owner !== undefined) queue.add(`${object.metadata.namespace}/${owner.name}`, changeId);
      for (const adopter of adoptersOf(store, 'ReplicaSet', object)) queue.add(keyOf(adopter), changeId);
    }),
  ];
  return () => {
    for (const stop of stops) stop();
    queue.stop();
  };
}

/** How soon a pod that the API server refused is tried again; Kubernetes waits longer each time. */
const REFUSED_RETRY_MS = 1000;

/** Returns after how many milliseconds a ready pod becomes an available one, where one must still prove itself. */
function reconcile(options: ReplicaSetControllerOptions, key: string, changeId: string): number | undefined {
  const { store, random, admit, events, clock } = options;
  const name = nameOf(key);
  const set = store.get('ReplicaSet', name) as ReplicaSetObject | undefined;
  if (set === undefined || set.metadata.deletionTimestamp !== undefined) return undefined;
  const pods = claim<PodObject>({ store, changeId }, 'Pod', set).filter(isActive);
  const wanted = set.spec.replicas ?? 1;
  let replicas = pods.length;
  let refusedAgainMs: number | undefined;
  for (let missing = wanted - pods.length; missing > 0; missing--) {
    const names = { name: `${set.metadata.name}-${nameSuffix(random)}`, generateName: `${set.metadata.name}-` };
    const pod = podFromTemplate(set, set.spec.template, names);
    let admitted: PodObject;
    try {
      admitted = admit(pod);
    } catch (error) {
      events?.record(set, {
        reason: 'FailedCreate',
        message: `Error creating: ${errorMessage(error)}`,
        type: 'Warning',
      });
      refusedAgainMs = REFUSED_RETRY_MS;
      break;
    }
    const created = store.create(admitted, { changeId });
    replicas++;
    events?.record(set, { reason: 'SuccessfulCreate', message: `Created pod: ${created.metadata.name}` });
  }
  const leaving = leastUseful(pods).slice(0, Math.max(0, pods.length - wanted));
  for (const pod of leaving) {
    store.delete('Pod', addressOf(pod), { changeId });
    replicas--;
    events?.record(set, { reason: 'SuccessfulDelete', message: `Deleted pod: ${pod.metadata.name}` });
  }
  const ready = pods.filter((pod) => !leaving.includes(pod) && isReady(pod));
  const waitsMs = ready.map((pod) => provingMs(pod, set, clock));
  const status = {
    replicas,
    fullyLabeledReplicas: replicas,
    readyReplicas: ready.length,
    availableReplicas: waitsMs.filter((ms) => ms <= 0).length,
    observedGeneration: set.metadata.generation ?? 1,
  };
  store.updateStatus('ReplicaSet', name, status, { changeId });
  const open = waitsMs.filter((ms) => ms > 0);
  const again = refusedAgainMs === undefined ? open : [...open, refusedAgainMs];
  return again.length === 0 ? undefined : Math.min(...again);
}

/** Source: IsPodActive in kubernetes' pkg/controller. */
const isActive = (pod: PodObject): boolean => !isEnding(pod) && !hasEnded(pod);

/** How long a ready pod must stay so before it counts as available. */
function provingMs(pod: PodObject, { spec }: ReplicaSetObject, clock: Clock): number {
  const minReadyMs = (spec.minReadySeconds ?? 0) * 1000;
  if (minReadyMs === 0) return 0;
  const since = pod.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
  return since === undefined ? minReadyMs : Date.parse(since) + minReadyMs - clock.now();
}

/** Whom to let go first: the unready, then the youngest. */
const leastUseful = (pods: readonly PodObject[]): PodObject[] =>
  pods.toSorted(
    (a, b) =>
      Number(isReady(a)) - Number(isReady(b)) ||
      (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? ''),
  );
