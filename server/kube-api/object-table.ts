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
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get(kind: KindDefinition, name: NamespacedName): StoredObject | undefined {
    return this.#byKind.get(kind)?.get(keyOf(name));
  }

  /** Objects of a kind by namespace and name, as a list from etcd is. */
  ofKind(kind: KindDefinition): StoredObject[] {
    const entries = [...(this.#byKind.get(kind) ?? [])];
    return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, stored]) => stored);
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
    this.remove(stored.kind, nameOf(stored.object));
    const objects = this.#byKind.get(stored.kind) ?? new Map<string, StoredObject>();
    this.#byKind.set(stored.kind, objects);
    objects.set(keyOf(nameOf(stored.object)), stored);
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
    this.#byUid.delete(stored.object.metadata.uid ?? '');
    this.#count--;
    for (const owner of stored.object.metadata.ownerReferences ?? []) {
      const owned = this.#byOwner.get(owner.uid);
      owned?.delete(stored);
      if (owned?.size === 0) this.#byOwner.delete(owner.uid);
    }
  }
}
