import type { KubeObject, NamespacedName } from '#domain';
import type { KubeStore } from '#kube-api';

/** Kinds that controllers make; they follow from the others and are never undone or kept by themselves. */
const derivedKinds = new Set(['Pod', 'ReplicaSet', 'EndpointSlice', 'Event', 'Node']);
const systemNamespaces = new Set(['istio-system', 'kube-system']);

/** A change to one object: what it was before (undefined: it was not there) and after. */
export interface ObjectChange {
  readonly key: string;
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
}

/** Remembers each of the learner's changes, so that it can be taken back, and the objects that must survive a crash. */
export interface Journal {
  /** Takes every store event. */
  note(change: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject, changeId: string): void;
  /** Remembers a change that was made in a mesh which is gone. */
  recall(changeId: string, changes: readonly ObjectChange[]): void;
  /** Objects changed under a change id. */
  changes(changeId: string): readonly ObjectChange[];
  /** Puts every object of a change back as it was, under a new change id. */
  revert(changeId: string, store: KubeStore, newChangeId: string): void;
  /** Puts objects as they were in a set, under a new change id: those that are not in it are deleted. */
  assume(keys: readonly string[], set: ReadonlyMap<string, KubeObject>, store: KubeStore, newChangeId: string): void;
  /** Makes these objects what they are in a list again: changed ones as they stand there, those that it has not are deleted. */
  putRight(named: readonly ObjectName[], list: readonly KubeObject[], store: KubeStore, newChangeId: string): void;
  /** All that is there now, by key; a copy. */
  snapshot(): ReadonlyMap<string, KubeObject>;
  /** The learner's objects, for the saved state. */
  objects(): KubeObject[];
}

export interface ObjectName extends NamespacedName {
  readonly apiVersion: string;
  readonly kind: string;
}

const keyOfName = ({ apiVersion, kind, namespace, name }: ObjectName): string =>
  `${apiVersion}/${kind}/${namespace}/${name}`;

const keyOf = ({ apiVersion, kind, metadata: { namespace = '', name } }: KubeObject): string =>
  keyOfName({ apiVersion, kind, namespace, name });

export const isDerived = (object: KubeObject): boolean =>
  derivedKinds.has(object.kind) || (object.metadata.ownerReferences?.length ?? 0) > 0;

export function createJournal(): Journal {
  const known = new Map<string, KubeObject>();
  const byChange = new Map<string, Map<string, ObjectChange>>();
  const assume: Journal['assume'] = (keys, set, store, newChangeId) => {
    for (const key of keys) {
      const [wanted, now] = [set.get(key), known.get(key)];
      if (!(wanted && now && sameWish(wanted, now))) put(wanted, now, store, newChangeId);
    }
  };
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
    recall: (changeId, changes) => byChange.set(changeId, new Map(changes.map((one) => [one.key, one]))),
    changes: (changeId) => [...(byChange.get(changeId)?.values() ?? [])],
    revert: (changeId, store, newChangeId) => {
      for (const { before, after } of byChange.get(changeId)?.values() ?? []) put(before, after, store, newChangeId);
    },
    assume,
    putRight: (named, list, store, newChangeId) =>
      assume(named.map(keyOfName), new Map(list.map((one) => [keyOf(one), one])), store, newChangeId),
    snapshot: () => new Map(known),
    objects: () => startable(known.values()),
  };
}

/** Makes one object as it was: `now` is what it is at present, undefined when it is not there. */
function put(before: KubeObject | undefined, now: KubeObject | undefined, store: KubeStore, changeId: string): void {
  const options = { changeId, fieldManager: 'meshwork-undo' };
  const object = now ?? before;
  const present = object && store.get(storeKind(object), nameOf(object));
  if (before && present) store.update(atVersion(before, present), options);
  else if (before) store.create(withoutServerFields(before), options);
  // At once: what is put back next may be of the same name.
  else if (now && present) store.delete(storeKind(now), nameOf(now), { ...options, gracePeriodSeconds: 0 });
}

/** What a mesh can be started from again: the system's own objects come with it, but not the rules that were put among them. */
export function startable(objects: Iterable<KubeObject>): KubeObject[] {
  return [...objects]
    .filter(
      (object) => !systemNamespaces.has(object.metadata.namespace ?? '') || object.apiVersion.includes('istio.io'),
    )
    .filter((object) => !(object.kind === 'Namespace' && systemNamespaces.has(object.metadata.name)))
    .map(asWished);
}

/** The object as somebody asked for it, so that another mesh can have it. */
export const asWished = (object: KubeObject): KubeObject => withoutAddress(withoutServerFields(object));

/** A Service's address lies in the subnet that its mesh had; the next mesh may have another. `None` stays: it is a wish. */
function withoutAddress(object: KubeObject): KubeObject {
  const spec = object['spec'] as { readonly clusterIP?: string } | undefined;
  if (object.kind !== 'Service' || object.apiVersion !== 'v1' || (spec?.clusterIP ?? 'None') === 'None') return object;
  const { clusterIP: _ip, clusterIPs: _ips, ...rest } = spec as Record<string, unknown>;
  return { ...object, spec: rest };
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
export function sameWish(a: KubeObject, b: KubeObject): boolean {
  return JSON.stringify(withoutServerFields(a)) === JSON.stringify(withoutServerFields(b));
}

/** The object as an update of the one that is there now, which may be another of its name: it was deleted and made anew since. */
function atVersion(object: KubeObject, present: KubeObject): KubeObject {
  const { uid, resourceVersion } = present.metadata;
  const { uid: _u, resourceVersion: _r, ...metadata } = object.metadata;
  const identity = {
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  return { ...object, metadata: { ...metadata, ...identity } };
}

export function withoutServerFields(object: KubeObject): KubeObject {
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
