import type { Clock, KubeObject } from '#domain';
import type { KubeStore } from '#kube-api';
import { isEnding, keyOf, ownedBy, type PodObject, type PodTemplate } from '../kube-types.ts';
import { createWorkQueue } from './work-queue.ts';

/** What the smaller controllers share: kinds whose objects own pods directly. */
export interface PodOwnerOptions {
  readonly store: KubeStore;
  readonly clock: Clock;
  /** Last word on a new pod before it is stored. */
  readonly admit: (pod: PodObject) => PodObject;
  readonly onError: (what: string, error: unknown) => void;
  /** True: all of them are looked at when a node changes. */
  readonly followsNodes?: boolean;
}

export interface TemplateSpec {
  readonly template: PodTemplate;
}

/** Reconciles each object of a kind when it, or a pod of it, changes. A kind that is not served is left alone. */
export function watchPodOwners(
  kind: string,
  { store, onError, followsNodes = false }: PodOwnerOptions,
  reconcile: (key: string, changeId: string) => void,
): () => void {
  if (store.kinds.find(kind) === undefined) return () => undefined;
  const queue = createWorkQueue({ reconcile, onError: (key, error) => onError(`${kind} ${key}`, error) });
  const stops = [
    store.watch(kind, ({ object, changeId }) => queue.add(keyOf(object), changeId)),
    store.watch('Pod', ({ object, changeId }) => {
      const owner = object.metadata.ownerReferences?.find((each) => each.kind === kind);
      if (owner !== undefined) queue.add(`${object.metadata.namespace}/${owner.name}`, changeId);
    }),
  ];
  if (followsNodes && store.kinds.find('Node') !== undefined) {
    const look = ({ changeId }: { readonly changeId: string }): void => {
      for (const object of store.list(kind)) queue.add(keyOf(object), changeId);
    };
    stops.push(store.watch('Node', look));
  }
  return () => {
    for (const stop of stops) stop();
    queue.stop();
  };
}

/** Those that end are no longer counted. */
export const podsOfOwner = (store: KubeStore, owner: KubeObject): PodObject[] =>
  (store.list('Pod', { namespace: owner.metadata.namespace ?? '' }) as PodObject[]).filter(
    (pod) => ownedBy(pod, owner) && !isEnding(pod),
  );
