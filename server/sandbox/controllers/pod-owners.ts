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
}

export interface TemplateSpec {
  readonly template: PodTemplate;
}

/** Reconciles each object of a kind when it, or a pod of it, changes. A kind that is not served is left alone. */
export function watchPodOwners(
  kind: string,
  { store, onError }: PodOwnerOptions,
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
