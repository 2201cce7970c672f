import { type KubeObject, type NamespacedName, type Random, seededRandom } from '#domain';
import { admit, decode, receive } from './admission.ts';
import { mergeApplied, withLastApplied } from './apply.ts';
import type {
  ApplyResult,
  KubeStore,
  KubeStoreOptions,
  ListOptions,
  ServedKind,
  WatchEvent,
  WatchEventType,
  WriteOptions,
} from './doors.ts';
import { nameSuffix, newUid, timestamp } from './identity.ts';
import { copyJson, deepFreeze, isRecord, sameJson } from './json.ts';
import { mergePatch } from './merge.ts';
import { nameOf, ObjectTable, type StoredObject } from './object-table.ts';
import { parseFieldSelector, parseLabelSelector } from './selector.ts';
import { alreadyExists, badRequest, conflict, forbidden, KubeStatusError, notFound } from './status-error.ts';
import { Watchers } from './watchers.ts';

const DEFAULT_MAX_OBJECTS = 10_000;

/** Namespaces that every cluster has from the start. */
const FIRST_NAMESPACES = ['default', 'kube-system'] as const;

/** The API server's storage and its write rules. See the contract in doors.ts. */
class Store implements KubeStore {
  readonly kinds: KubeStore['kinds'];
  readonly #options: KubeStoreOptions;
  readonly #random: Random;
  readonly #table = new ObjectTable();
  readonly #watchers = new Watchers();
  #version = 0;

  constructor(options: KubeStoreOptions) {
    this.kinds = options.kinds;
    this.#options = options;
    this.#random = options.random ?? seededRandom('kube-api');
  }

  get(kind: string, name: NamespacedName): KubeObject | undefined {
    const served = this.#kind(kind);
    return this.#table.get(served, scoped(served, name))?.object;
  }

  list(kind: string, options: ListOptions = {}): KubeObject[] {
    const labels = options.labelSelector ? parseLabelSelector(options.labelSelector) : undefined;
    const fields = options.fieldSelector ? parseFieldSelector(options.fieldSelector) : undefined;
    const objects = this.#table.ofKind(this.#kind(kind)).map((stored) => stored.object);
    return objects.filter(
      (object) =>
        (!options.namespace || (object.metadata.namespace ?? '') === options.namespace) &&
        (labels?.(object.metadata.labels ?? {}) ?? true) &&
        (fields?.(object) ?? true),
    );
  }

  create(input: KubeObject, options: WriteOptions): KubeObject {
    const { kind, object } = this.#receive(input);
    return this.#create(kind, object, options);
  }

  apply(input: KubeObject, options: WriteOptions): ApplyResult {
    const { kind, object } = this.#receive(input);
    if (!object.metadata.name) throw badRequest('cannot use generate name with apply');
    const current = this.#table.get(kind, nameOf(object));
    if (!current) return { object: this.#create(kind, withLastApplied(object), options), outcome: 'created' };
    const merged = mergeApplied(object, current.object, { strategic: isBuiltIn(kind) });
    const written = this.#write(current, merged, options);
    return { object: written, outcome: written === current.object ? 'unchanged' : 'configured' };
  }

  update(input: KubeObject, options: WriteOptions): KubeObject {
    const { kind, object } = this.#receive(input);
    return this.#write(this.#existing(kind, nameOf(object)), object, options);
  }

  patch(kind: string, name: NamespacedName, patch: unknown, options: WriteOptions): KubeObject {
    const served = this.#kind(kind);
    const current = this.#existing(served, scoped(served, name));
    if (!isRecord(patch)) throw badRequest('a merge patch must be an object');
    const patched = receive(mergePatch(current.object, patch) as KubeObject);
    const renamed = patched.metadata.name !== name.name || patched.kind !== current.object.kind;
    if (renamed) throw badRequest('the name of the object in the patch does not match the name in the URL');
    decode(patched, served);
    return this.#write(current, patched, options);
  }

  updateStatus(kind: string, name: NamespacedName, status: unknown, options: WriteOptions): KubeObject {
    const served = this.#kind(kind);
    const current = this.#existing(served, scoped(served, name));
    if (sameJson(current.object.status, copyJson(status ?? null))) return current.object;
    const object = { ...copyJson(current.object), status: copyJson(status ?? {}) };
    return this.#store(current, object, options);
  }

  delete(kind: string, name: NamespacedName, options: WriteOptions): KubeObject {
    const served = this.#kind(kind);
    const current = this.#existing(served, scoped(served, name));
    if (options.dryRun) return current.object;
    if ((current.object.metadata.finalizers ?? []).length === 0) return this.#remove(current, options);
    if (current.object.metadata.deletionTimestamp) return current.object;
    const object = copyJson(current.object);
    object.metadata.deletionTimestamp = timestamp(this.#options.clock);
    return this.#store(current, object, options);
  }

  watch(kind: string | '*', handler: (event: WatchEvent) => void): () => void {
    const wanted = kind === '*' ? kind : this.#kind(kind);
    const present = wanted === '*' ? [...this.#table.all()] : this.#table.ofKind(wanted);
    const events = present.map(({ object, changeId }): WatchEvent => ({ type: 'ADDED', object, changeId }));
    return this.#watchers.add({ kind: wanted, handler, present: events });
  }

  resourceVersion(): string {
    return String(this.#version);
  }

  #kind(word: string): ServedKind {
    const kind = this.kinds.find(word);
    if (!kind) throw new KubeStatusError('NotFound', `the server doesn't have a resource type "${word}"`);
    return kind;
  }

  #existing(kind: ServedKind, name: NamespacedName): StoredObject {
    const stored = this.#table.get(kind, name);
    if (!stored) throw notFound(kind, name.name);
    return stored;
  }

  /** A private copy in its place: kind known, fields decoded, namespace settled. */
  #receive(input: KubeObject): { kind: ServedKind; object: KubeObject } {
    const object = receive(input);
    const kind: ServedKind | undefined = this.kinds.forObject(String(object.apiVersion), String(object.kind));
    if (!kind) {
      const message = `no matches for kind "${object.kind}" in version "${object.apiVersion}"`;
      throw new KubeStatusError('NotFound', message);
    }
    if (!kind.namespaced) delete object.metadata.namespace;
    else if (!object.metadata.namespace) object.metadata.namespace = 'default';
    decode(object, kind);
    return { kind, object };
  }

  #create(kind: ServedKind, object: KubeObject, options: WriteOptions): KubeObject {
    if (!object.metadata.name && object.metadata.generateName) {
      object.metadata.name = object.metadata.generateName + nameSuffix(this.#random);
    }
    if (!kind.keepsStatus) delete object['status'];
    const admitted = admit(object, kind);
    const { name, namespace } = nameOf(admitted);
    if (namespace !== '') this.#requireNamespace(kind, name, namespace);
    if (this.#table.get(kind, nameOf(admitted))) throw alreadyExists(kind, name);
    const most = this.#options.maxObjects ?? DEFAULT_MAX_OBJECTS;
    if (this.#table.count >= most) {
      throw forbidden(kind, name, `exceeded quota: this cluster keeps at most ${most} objects`);
    }
    admitted.metadata.uid = newUid(this.#random);
    admitted.metadata.creationTimestamp = timestamp(this.#options.clock);
    if (kind.countsGenerations !== false) admitted.metadata.generation = 1;
    const status = admitted.status ?? kind.initialStatus?.(admitted);
    if (status !== undefined) admitted.status = status;
    return this.#put('ADDED', { kind, object: admitted, changeId: options.changeId }, options);
  }

  #requireNamespace(kind: ServedKind, name: string, namespace: string): void {
    const namespaces = this.kinds.forObject('v1', 'Namespace');
    if (!namespaces) return;
    const stored = this.#table.get(namespaces, { namespace: '', name: namespace });
    if (!stored) throw notFound(namespaces, namespace);
    if (stored.object.metadata.deletionTimestamp) {
      const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
      throw forbidden(kind, name, why);
    }
  }

  /** Replaces spec and metadata; what the server owns stays. The stored object itself when nothing changes. */
  #write(current: StoredObject, object: KubeObject, options: WriteOptions): KubeObject {
    const kind: ServedKind = current.kind;
    const old = current.object;
    const stale = object.metadata.resourceVersion;
    if (stale !== undefined && stale !== old.metadata.resourceVersion) throw conflict(kind, old.metadata.name);
    if (object.metadata.uid !== undefined && object.metadata.uid !== old.metadata.uid) {
      throw conflict(kind, old.metadata.name);
    }
    const admitted = admit(object, kind, old);
    for (const field of ['uid', 'creationTimestamp', 'generation', 'resourceVersion', 'deletionTimestamp'] as const) {
      const value = old.metadata[field];
      if (value === undefined) delete admitted.metadata[field];
      else Object.assign(admitted.metadata, { [field]: value });
    }
    if (old.status === undefined) delete admitted['status'];
    else admitted.status = old.status;
    if (sameJson(admitted, old)) return old;
    if (kind.countsGenerations !== false && !sameJson(withoutMetadata(admitted), withoutMetadata(old))) {
      admitted.metadata.generation = (old.metadata.generation ?? 0) + 1;
    }
    const dying = old.metadata.deletionTimestamp !== undefined;
    if (dying && (admitted.metadata.finalizers ?? []).length === 0 && !options.dryRun) {
      return this.#remove(current, options);
    }
    return this.#store(current, admitted, options);
  }

  #store(current: StoredObject, object: KubeObject, options: WriteOptions): KubeObject {
    return this.#put('MODIFIED', { kind: current.kind, object, changeId: options.changeId }, options);
  }

  #put(type: WatchEventType, stored: StoredObject, options: WriteOptions): KubeObject {
    if (!options.dryRun) stored.object.metadata.resourceVersion = String(++this.#version);
    const object = deepFreeze(stored.object);
    if (options.dryRun) return object;
    this.#table.put(stored);
    this.#watchers.publish(stored.kind, { type, object, changeId: options.changeId });
    return object;
  }

  #remove(stored: StoredObject, options: WriteOptions): KubeObject {
    const isNamespace = stored.kind.kind === 'Namespace' && stored.kind.group === '';
    if (isNamespace) this.#empty(stored, options);
    // A watch handler may have been quicker.
    const present = this.#table.get(stored.kind, nameOf(stored.object));
    if (!present) return stored.object;
    this.#table.remove(stored.kind, nameOf(stored.object));
    const object = copyJson(present.object);
    object.metadata.resourceVersion = String(++this.#version);
    deepFreeze(object);
    this.#watchers.publish(stored.kind, { type: 'DELETED', object, changeId: options.changeId });
    this.#collect(object.metadata.uid ?? '', options);
    return object;
  }

  /** Deletes the content of a namespace, which takes no new content meanwhile. */
  #empty(namespace: StoredObject, options: WriteOptions): void {
    const { name } = namespace.object.metadata;
    const terminating = copyJson(namespace.object);
    terminating.metadata.deletionTimestamp = timestamp(this.#options.clock);
    terminating.status = { phase: 'Terminating' };
    this.#store(namespace, terminating, options);
    for (const stored of [...this.#table.all()]) {
      if (stored.object.metadata.namespace !== name) continue;
      const present = this.#table.get(stored.kind, nameOf(stored.object));
      if (present) this.#remove(present, options);
    }
  }

  /** Garbage collection: what the owner owned goes with its last owner, and forgets the owner otherwise. */
  #collect(ownerUid: string, options: WriteOptions): void {
    for (const stored of this.#table.ownedBy(ownerUid)) {
      const { kind, object } = stored;
      const present = this.#table.get(kind, nameOf(object));
      if (!present) continue;
      const owners = (present.object.metadata.ownerReferences ?? []).filter((owner) => this.#table.hasUid(owner.uid));
      if (owners.length === 0) this.delete(`${kind.kind}.${kind.group}`, nameOf(object), options);
      else {
        const kept = copyJson(present.object);
        kept.metadata.ownerReferences = owners;
        this.#store(present, kept, options);
      }
    }
  }
}

const isBuiltIn = (kind: ServedKind): boolean => !kind.group.includes('.') || kind.group.endsWith('.k8s.io');

const scoped = (kind: ServedKind, name: NamespacedName): NamespacedName =>
  kind.namespaced ? name : { namespace: '', name: name.name };

function withoutMetadata(object: KubeObject): Record<string, unknown> {
  const { metadata: _metadata, status: _status, ...rest } = object;
  return rest;
}

/** A store with the namespaces `default` and `kube-system`, when Namespace is one of its kinds. */
export function createKubeStore(options: KubeStoreOptions): KubeStore {
  const store = new Store(options);
  if (options.kinds.forObject('v1', 'Namespace')) {
    for (const name of FIRST_NAMESPACES) {
      store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { changeId: '' });
    }
  }
  return store;
}
