import type { KubeObject, NamespacedName } from '#domain';
import type { KubeStore } from '#kube-api';

/** Kinds that controllers make; they follow from the others and are never undone or kept by themselves. */
const derivedKinds = new Set(['Pod', 'ReplicaSet', 'EndpointSlice', 'Event', 'Node']);
const systemNamespaces = new Set(['istio-system', 'kube-system']);

/** A change to one object: what it was before (undefined: it was not there) and after. */
interface ObjectChange {
  readonly key: string;
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
}

/** Remembers each of the learner's changes, so that it can be taken back, and the objects that must survive a crash. */
export interface Journal {
  /** Takes every store event. */
  note(change: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject, changeId: string): void;
  /** Objects changed under a change id. */
  changes(changeId: string): readonly ObjectChange[];
  /** Puts every object of a change back as it was, under a new change id. */
  revert(changeId: string, store: KubeStore, newChangeId: string): void;
  /** The learner's objects, for the saved state. */
  objects(): KubeObject[];
}

const keyOf = (object: KubeObject): string =>
  `${object.apiVersion}/${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;

export const isDerived = (object: KubeObject): boolean =>
  derivedKinds.has(object.kind) || (object.metadata.ownerReferences?.length ?? 0) > 0;

export function createJournal(): Journal {
  const known = new Map<string, KubeObject>();
  const byChange = new Map<string, Map<string, ObjectChange>>();
  return {
    note: (change, object, changeId) => {
      if (isDerived(object)) return;
      const key = keyOf(object);
      const before = known.get(key);
      const after = change === 'DELETED' ? undefined : object;
      if (after) known.set(key, after);
      else known.delete(key);
      if (before && after && sameWish(before, after)) return;
      const changes = byChange.get(changeId) ?? new Map<string, ObjectChange>();
      changes.set(key, { key, before: changes.get(key)?.before ?? before, after });
      byChange.set(changeId, changes);
    },
    changes: (changeId) => [...(byChange.get(changeId)?.values() ?? [])],
    revert: (changeId, store, newChangeId) => {
      const options = { changeId: newChangeId, fieldManager: 'meshwork-undo' };
      for (const { before, after } of byChange.get(changeId)?.values() ?? []) {
        const present = after && store.get(storeKind(after), nameOf(after));
        if (before && present) store.update(atVersion(before, present), options);
        else if (before) store.create(withoutServerFields(before), options);
        else if (after && present) store.delete(storeKind(after), nameOf(after), options);
      }
    },
    objects: () =>
      [...known.values()]
        .filter(
          (object) => !systemNamespaces.has(object.metadata.namespace ?? '') || object.apiVersion.includes('istio.io'),
        )
        .filter((object) => !(object.kind === 'Namespace' && systemNamespaces.has(object.metadata.name)))
        .map(withoutServerFields),
  };
}

/** Kinds that two groups share need their group to be found. */
export const storeKind = (object: KubeObject): string => {
  const slash = object.apiVersion.indexOf('/');
  return slash < 0 ? object.kind : `${object.kind}.${object.apiVersion.slice(0, slash)}`;
};

const nameOf = (object: KubeObject): NamespacedName => ({
  namespace: object.metadata.namespace ?? '',
  name: object.metadata.name,
});

/** Equal in all that somebody asked for: status and bookkeeping do not count. */
function sameWish(a: KubeObject, b: KubeObject): boolean {
  return JSON.stringify(withoutServerFields(a)) === JSON.stringify(withoutServerFields(b));
}

function atVersion(object: KubeObject, present: KubeObject): KubeObject {
  const { resourceVersion } = present.metadata;
  return { ...object, metadata: { ...object.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) } };
}

function withoutServerFields(object: KubeObject): KubeObject {
  const {
    uid: _u,
    resourceVersion: _r,
    generation: _g,
    creationTimestamp: _c,
    managedFields: _m,
    ...metadata
  } = object.metadata;
  const { status: _s, ...rest } = object;
  return { ...rest, metadata } as KubeObject;
}
