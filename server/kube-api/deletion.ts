import type { Clock, KindDefinition, KubeObject, OwnerReference } from '#domain';
import type { DeleteOptions, ServedKind, WriteOptions } from './doors.ts';
import { timestamp } from './identity.ts';
import { copyJson } from './json.ts';
import { nameOf, type ObjectTable, type StoredObject } from './object-table.ts';
import { preconditionFailed } from './status-error.ts';

/** Holds an owner until everything that it owns is gone. */
const FOREGROUND = 'foregroundDeletion';

/** What deletion needs of the store. */
export interface DeletionHost {
  readonly table: ObjectTable;
  readonly clock: Clock;
  readonly namespaces: KindDefinition | undefined;
  /** Writes an object that changed. */
  store(current: StoredObject, object: KubeObject, options: WriteOptions): KubeObject;
  /** Takes an object out and tells the watchers. */
  takeOut(stored: StoredObject, options: WriteOptions): KubeObject;
}

/**
 * Deletion with finalizers, owners and namespaces, and the garbage collection that follows. All of it happens at once: what a cluster's
 * controllers do within seconds.
 */
export class Deletion {
  readonly #host: DeletionHost;

  constructor(host: DeletionHost) {
    this.#host = host;
  }

  delete(current: StoredObject, options: DeleteOptions): KubeObject {
    checkPreconditions(current, options);
    if (options.dryRun) return current.object;
    const graceSeconds = graceSecondsOf(current, options);
    if (graceSeconds === undefined) return current.object;
    const { object } = current;
    const dependents = this.#host.table.ownedBy(object.metadata.uid ?? '');
    if (options.propagationPolicy === 'Orphan') this.#orphan(object.metadata.uid ?? '', dependents, options);
    const foreground = options.propagationPolicy === 'Foreground' && dependents.length > 0;
    const finalizers = new Set(object.metadata.finalizers ?? []);
    if (foreground) finalizers.add(FOREGROUND);
    const isNamespace = current.kind === this.#host.namespaces;
    if (finalizers.size === 0 && !isNamespace && graceSeconds === 0) return this.remove(current, options);
    const dying = this.#mark(current, { finalizers: [...finalizers], graceSeconds }, options);
    if (foreground) for (const each of dependents) this.#deleteAgain(each, options);
    if (isNamespace) this.#empty(dying, options);
    this.#settle(dying, options);
    return this.#present(dying)?.object ?? dying.object;
  }

  /** Takes an object out; then goes what it owned, and what waited for it. */
  remove(stored: StoredObject, options: WriteOptions): KubeObject {
    // A watch handler may have been quicker.
    const present = this.#present(stored);
    if (!present) return stored.object;
    const object = this.#host.takeOut(present, options);
    this.#collect(object.metadata.uid ?? '', options);
    for (const owner of object.metadata.ownerReferences ?? []) {
      const waiting = this.#host.table.withUid(owner.uid);
      if (waiting) this.#settle(waiting, options);
    }
    const namespace = this.#namespaceOf(object);
    if (namespace?.object.metadata.deletionTimestamp) this.#settle(namespace, options);
    return object;
  }

  #present(stored: StoredObject): StoredObject | undefined {
    return this.#host.table.get(stored.kind, nameOf(stored.object));
  }

  #deleteAgain(stored: StoredObject, options: DeleteOptions): void {
    const present = this.#present(stored);
    const { preconditions: _, ...rest } = options;
    if (present) this.delete(present, rest);
  }

  #mark(current: StoredObject, { finalizers, graceSeconds }: Mark, options: WriteOptions): StoredObject {
    const { deletionTimestamp, deletionGracePeriodSeconds: before } = current.object.metadata;
    const isNamespace = current.kind === this.#host.namespaces;
    const same = finalizers.length === (current.object.metadata.finalizers ?? []).length;
    if (deletionTimestamp && same && (isNamespace || before === graceSeconds)) return current;
    const object = copyJson(current.object);
    const askedMs = deletionTimestamp
      ? Date.parse(deletionTimestamp) - (before ?? graceSeconds) * 1000
      : this.#host.clock.now();
    object.metadata.deletionTimestamp = timestamp({ now: () => askedMs + graceSeconds * 1000 });
    if (!isNamespace) object.metadata.deletionGracePeriodSeconds = graceSeconds;
    if (finalizers.length > 0) object.metadata.finalizers = finalizers;
    if (isNamespace) object.status = { phase: 'Terminating' };
    this.#host.store(current, object, options);
    return this.#present(current) ?? current;
  }

  /** Removes a dying object when nothing holds it any more. */
  #settle(stored: StoredObject, options: WriteOptions): void {
    const present = this.#present(stored);
    if (!present || !isOver(present.object)) return;
    const { uid = '', finalizers = [], name } = present.object.metadata;
    const free = this.#host.table.ownedBy(uid).length === 0;
    const left = free ? finalizers.filter((each) => each !== FOREGROUND) : finalizers;
    if (left.length === 0) {
      const full = present.kind === this.#host.namespaces && this.#contentOf(name).length > 0;
      if (!full) this.remove(present, options);
    } else if (left.length < finalizers.length) {
      const object = copyJson(present.object);
      object.metadata.finalizers = left;
      this.#host.store(present, object, options);
    }
  }

  #namespaceOf(object: KubeObject): StoredObject | undefined {
    const { namespaces, table } = this.#host;
    const { namespace } = object.metadata;
    return namespaces && namespace ? table.get(namespaces, { namespace: '', name: namespace }) : undefined;
  }

  #contentOf(namespace: string): StoredObject[] {
    return [...this.#host.table.all()].filter((each) => each.object.metadata.namespace === namespace);
  }

  /** Deletes the content of a namespace, which takes no new content meanwhile. */
  #empty(namespace: StoredObject, options: WriteOptions): void {
    for (const stored of this.#contentOf(namespace.object.metadata.name)) this.#deleteAgain(stored, options);
  }

  #orphan(uid: string, dependents: readonly StoredObject[], options: WriteOptions): void {
    for (const each of dependents) {
      const owners = (each.object.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== uid);
      this.#setOwners(each, owners, options);
    }
  }

  #setOwners(stored: StoredObject, owners: OwnerReference[], options: WriteOptions): void {
    const present = this.#present(stored);
    if (!present) return;
    const kept = copyJson(present.object);
    if (owners.length > 0) kept.metadata.ownerReferences = owners;
    else delete kept.metadata.ownerReferences;
    this.#host.store(present, kept, options);
  }

  /** What the owner owned goes with its last owner, and forgets the owner otherwise. */
  #collect(ownerUid: string, options: WriteOptions): void {
    const { table } = this.#host;
    for (const stored of table.ownedBy(ownerUid)) {
      const present = this.#present(stored);
      if (!present) continue;
      const owners = (present.object.metadata.ownerReferences ?? []).filter((owner) => table.withUid(owner.uid));
      if (owners.length === 0) this.#deleteAgain(present, { changeId: options.changeId });
      else this.#setOwners(present, owners, options);
    }
  }
}

interface Mark {
  readonly finalizers: string[];
  readonly graceSeconds: number;
}

/** Deleted, and no time to end is left: nothing but finalizers and dependents can hold it. */
export const isOver = ({ metadata }: KubeObject): boolean =>
  metadata.deletionTimestamp !== undefined && (metadata.deletionGracePeriodSeconds ?? 0) === 0;

/** The time that a deletion leaves; undefined where an earlier one leaves no more than this. Source: BeforeDelete in apiserver's rest package. */
function graceSecondsOf(
  { kind, object }: StoredObject,
  { gracePeriodSeconds: wanted }: DeleteOptions,
): number | undefined {
  const { deletionTimestamp, deletionGracePeriodSeconds: left = 0 } = object.metadata;
  if (deletionTimestamp === undefined) return (kind as ServedKind).graceSeconds?.(object, wanted) ?? 0;
  if (left === 0) return 0;
  return wanted === undefined || wanted >= left ? undefined : Math.max(0, wanted);
}

function checkPreconditions({ kind, object }: StoredObject, { preconditions }: DeleteOptions): void {
  const { name, uid, resourceVersion } = object.metadata;
  const { uid: wantedUid, resourceVersion: wantedVersion } = preconditions ?? {};
  if (wantedUid !== undefined && wantedUid !== uid) {
    throw preconditionFailed(kind, name, `UID in precondition: ${wantedUid}, UID in object meta: ${uid}`);
  }
  if (wantedVersion !== undefined && wantedVersion !== resourceVersion) {
    const why = `ResourceVersion in precondition: ${wantedVersion}, ResourceVersion in object meta: ${resourceVersion}`;
    throw preconditionFailed(kind, name, why);
  }
}
