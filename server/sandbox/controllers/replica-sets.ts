import type { KubeObject, NamespacedName, Random } from '#domain';
import type { KubeStore } from '#kube-api';
import { addressOf, isReady, keyOf, nameOf, ownedBy, type PodObject, type ReplicaSetObject } from '../kube-types.ts';
import { nameSuffix } from './names.ts';
import { createWorkQueue } from './work-queue.ts';

export interface ReplicaSetControllerOptions {
  readonly store: KubeStore;
  readonly random: Random;
  /** Last word on a new pod before it is stored: injection, the service account, the node. */
  readonly admit: (pod: PodObject) => PodObject;
  /** Deleted pods of the set that still serve. */
  readonly draining: (set: ReplicaSetObject) => number;
  readonly onError: (what: string, error: unknown) => void;
}

export interface ReplicaSetController {
  /** A pod of this set has ended. */
  refresh(set: NamespacedName): void;
  stop(): void;
}

/**
 * Keeps as many pods as each ReplicaSet wants. Unlike Kubernetes, counts a deleted pod until it has drained: a rollout is complete when no
 * old pod answers any more.
 */
export function startReplicaSetController(options: ReplicaSetControllerOptions): ReplicaSetController {
  const { store, onError } = options;
  const queue = createWorkQueue({
    reconcile: (key, changeId) => reconcile(options, key, changeId),
    onError: (key, error) => onError(`replicaset ${key}`, error),
  });
  const stops = [
    store.watch('ReplicaSet', ({ object, changeId }) => queue.add(keyOf(object), changeId)),
    store.watch('Pod', ({ object, changeId }) => {
      const owner = object.metadata.ownerReferences?.find(({ kind }) => kind === 'ReplicaSet');
      if (owner !== undefined) queue.add(`${object.metadata.namespace}/${owner.name}`, changeId);
    }),
  ];
  return {
    refresh: ({ namespace, name }) => queue.add(`${namespace}/${name}`, 'system'),
    stop: () => {
      for (const stop of stops) stop();
      queue.stop();
    },
  };
}

function reconcile(
  { store, random, admit, draining }: ReplicaSetControllerOptions,
  key: string,
  changeId: string,
): void {
  const name = nameOf(key);
  const set = store.get('ReplicaSet', name) as ReplicaSetObject | undefined;
  if (set === undefined) return;
  const pods = (store.list('Pod', { namespace: name.namespace }) as PodObject[]).filter((pod) => ownedBy(pod, set));
  const wanted = set.spec.replicas ?? 1;
  for (let missing = wanted - pods.length; missing > 0; missing--) {
    store.create(admit(podFor(set, nameSuffix(random))), { changeId });
  }
  for (const pod of leastUseful(pods).slice(0, Math.max(0, pods.length - wanted))) {
    store.delete('Pod', addressOf(pod), { changeId });
  }
  const ready = pods.filter(isReady).length;
  const status = {
    replicas: wanted + draining(set),
    fullyLabeledReplicas: wanted,
    readyReplicas: Math.min(ready, wanted),
    availableReplicas: Math.min(ready, wanted),
    observedGeneration: set.metadata.generation ?? 1,
  };
  store.updateStatus('ReplicaSet', name, status, { changeId });
}

/** Whom to let go first: the unready, then the youngest. */
const leastUseful = (pods: readonly PodObject[]): PodObject[] =>
  pods.toSorted(
    (a, b) =>
      Number(isReady(a)) - Number(isReady(b)) ||
      (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? ''),
  );

function podFor(set: ReplicaSetObject, suffix: string): PodObject {
  const { template } = set.spec;
  const pod: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${set.metadata.name}-${suffix}`,
      generateName: `${set.metadata.name}-`,
      namespace: set.metadata.namespace ?? '',
      labels: { ...template.metadata?.labels },
      annotations: { ...template.metadata?.annotations },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: set.metadata.name,
          uid: set.metadata.uid ?? '',
          controller: true,
        },
      ],
    },
    spec: structuredClone(template.spec),
  };
  return pod as PodObject;
}
