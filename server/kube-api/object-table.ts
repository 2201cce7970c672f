import type { KindDefinition, KubeObject, NamespacedName } from '#domain';

/** A stored object and the change that wrote it last. */
export interface StoredObject {
  readonly kind: KindDefinition;
  readonly object: KubeObject;
  readonly changeId: string;
}

const keyOf = (name: NamespacedName): string => `${name.namespace}/${name.name}`;

export const nameOf = (object: KubeObject): NamespacedName => ({
  namespace: object.metadata.namespace ?? '',
  name: object.metadata.name,
});

/** All objects of a store, by kind and name, with an index from an owner's uid to what it owns. */
export class ObjectTable {
  readonly #byKind = new Map<KindDefinition, Map<string, StoredObject>>();
  readonly #byOwner = new Map<string, Set<StoredObject>>();
  readonly #byUid = new Map<string, StoredObject>();
  /** Keys of a kind in order; absent since one came or went. */
  readonly #ordered = new Map<KindDefinition, readonly string[]>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get(kind: KindDefinition, name: NamespacedName): StoredObject | undefined {
    return this.#byKind.get(kind)?.get(keyOf(name));
  }

  /** Objects of a kind by namespace and name, as a list from etcd is. */
  ofKind(kind: KindDefinition): StoredObject[] {
    const objects = this.#byKind.get(kind) ?? new Map<string, StoredObject>();
    const ordered = this.#ordered.get(kind) ?? [...objects.keys()].sort((a, b) => (a < b ? -1 : 1));
    this.#ordered.set(kind, ordered);
    return ordered.map((key) => objects.get(key) as StoredObject);
  }

  *all(): Iterable<StoredObject> {
    for (const kind of this.#byKind.keys()) yield* this.ofKind(kind);
  }

  ownedBy(uid: string): StoredObject[] {
    return [...(this.#byOwner.get(uid) ?? [])];
  }

  withUid(uid: string): StoredObject | undefined {
    return this.#byUid.get(uid);
  }

  put(stored: StoredObject): void {
    const key = keyOf(nameOf(stored.object));
    const objects = this.#byKind.get(stored.kind) ?? new Map<string, StoredObject>();
    this.#byKind.set(stored.kind, objects);
    const before = objects.get(key);
    if (before) this.#forget(before);
    else this.#ordered.delete(stored.kind);
    objects.set(key, stored);
    this.#byUid.set(stored.object.metadata.uid ?? '', stored);
    this.#count++;
    for (const owner of stored.object.metadata.ownerReferences ?? []) {
      const owned = this.#byOwner.get(owner.uid) ?? new Set<StoredObject>();
      this.#byOwner.set(owner.uid, owned.add(stored));
    }
  }

  remove(kind: KindDefinition, name: NamespacedName): void {
    const stored = this.get(kind, name);
    if (!stored) return;
    this.#byKind.get(kind)?.delete(keyOf(name));
    this.#ordered.delete(kind);
    this.#forget(stored);
  }

  /** Takes an object out of the indexes and of the count. */
  #forget(stored: StoredObject): void {
    this.#byUid.delete(stored.object.metadata.uid ?? '');
    this.#count--;
    for (const owner of stored.object.metadata.ownerReferences ?? []) {
      const owned = this.#byOwner.get(owner.uid);
      owned?.delete(stored);
      if (owned?.size === 0) this.#byOwner.delete(owner.uid);
    }
  }
}
