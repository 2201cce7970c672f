import { type KubeObject, type NamespacedName, type Random, seededRandom } from '#domain';
import { admit, type DecodeOptions, decode, receive } from './admission.ts';
import { appliedOver, withLastApplied } from './apply.ts';
import { Deletion, isOver } from './deletion.ts';
import type {
  ApplyResult,
  DeleteOptions,
  KubeStore,
  KubeStoreOptions,
  ListOptions,
  ServedKind,
  ServerSideApplyOptions,
  UpdateOptions,
  WatchEvent,
  WatchEventType,
  WriteOptions,
} from './doors.ts';
import { decodeManagers, ownersAfterUpdate, withManagers } from './fields/managed-fields.ts';
import { serverSideApply } from './fields/server-side-apply.ts';
import { nameSuffix, newUid, timestamp } from './identity.ts';
import { copyJson, deepFreeze, isRecord, sameJson } from './json.ts';
import { mergePatch } from './merge.ts';
import { nameOf, ObjectTable, type StoredObject } from './object-table.ts';
import { parseFieldSelector, parseLabelSelector } from './selector.ts';
import { alreadyExists, badRequest, conflict, forbidden, KubeStatusError, notFound } from './status-error.ts';
import { shapeOf } from './types/shape.ts';
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
  readonly #deletion: Deletion;
  #version = 0;

  constructor(options: KubeStoreOptions) {
    this.kinds = options.kinds;
    this.#options = options;
    this.#random = options.random ?? seededRandom('kube-api');
    this.#deletion = new Deletion({
      table: this.#table,
      clock: options.clock,
      namespaces: options.kinds.forObject('v1', 'Namespace'),
      store: (current, object, write) => this.#store(current, object, write),
      takeOut: (stored, write) => this.#takeOut(stored, write),
    });
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
    const { kind, object } = this.#receive(input, options);
    return this.#create(kind, object, options);
  }

  apply(input: KubeObject, options: WriteOptions): ApplyResult {
    const { kind, object } = this.#receive(input, options);
    if (!object.metadata.name) throw badRequest('cannot use generate name with apply');
    const current = this.#table.get(kind, nameOf(object));
    if (!current) return { object: this.#create(kind, withLastApplied(object), options), outcome: 'created' };
    const merged = appliedOver(kind, object, current.object);
    const written = this.#write(current, merged, options);
    return { object: written, outcome: written === current.object ? 'unchanged' : 'configured' };
  }

  update(input: KubeObject, options: UpdateOptions): KubeObject {
    const { kind, object } = this.#receive(input, options);
    const current = this.#existing(kind, nameOf(object));
    return options.subresource === 'status'
      ? this.#writeStatus(current, object, options)
      : this.#write(current, object, options);
  }

  serverSideApply(input: KubeObject, options: ServerSideApplyOptions): ApplyResult {
    const { kind, object } = this.#receive(input, { ...options, part: true });
    const { subresource = '', fieldManager: manager } = options;
    if (object.metadata.managedFields) throw badRequest('metadata.managedFields must be nil');
    const current = this.#table.get(kind, nameOf(object));
    if (!current && subresource !== '') throw notFound(kind, object.metadata.name);
    if (current) checkVersion(kind, object, current.object);
    const merged = serverSideApply({
      live: current?.object,
      applied: object,
      writer: { manager, operation: 'Apply', apiVersion: object.apiVersion, subresource },
      force: options.force === true,
      time: timestamp(this.#options.clock),
      shape: shapeOf(kind),
    });
    decode(merged, kind, { ...options, fieldValidation: 'Ignore' });
    const { fieldManager: _, ...unmanaged } = options;
    if (!current) return { object: this.#create(kind, merged, unmanaged), outcome: 'created' };
    const written =
      subresource === 'status'
        ? this.#writeStatus(current, merged, unmanaged)
        : this.#write(current, merged, unmanaged);
    return { object: written, outcome: written === current.object ? 'unchanged' : 'configured' };
  }

  patch(kind: string, name: NamespacedName, patch: unknown, options: WriteOptions): KubeObject {
    const served = this.#kind(kind);
    const current = this.#existing(served, scoped(served, name));
    if (!isRecord(patch)) throw badRequest('a merge patch must be an object');
    const patched = receive(mergePatch(current.object, patch) as KubeObject);
    const renamed = patched.metadata.name !== name.name || patched.kind !== current.object.kind;
    if (renamed) throw badRequest('the name of the object in the patch does not match the name in the URL');
    decode(patched, served, options);
    return this.#write(current, patched, options);
  }

  updateStatus(kind: string, name: NamespacedName, status: unknown, options: WriteOptions): KubeObject {
    const served = this.#kind(kind);
    const current = this.#existing(served, scoped(served, name));
    return this.#writeStatus(current, { ...copyJson(current.object), status: copyJson(status ?? {}) }, options);
  }

  delete(kind: string, name: NamespacedName, options: DeleteOptions): KubeObject {
    const served = this.#kind(kind);
    return this.#deletion.delete(this.#existing(served, scoped(served, name)), options);
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
  #receive(input: KubeObject, options: DecodeOptions): { kind: ServedKind; object: KubeObject } {
    const object = receive(input);
    const kind: ServedKind | undefined = this.kinds.forObject(String(object.apiVersion), String(object.kind));
    if (!kind) {
      const message = `no matches for kind "${object.kind}" in version "${object.apiVersion}"`;
      throw new KubeStatusError('NotFound', message);
    }
    if (!kind.namespaced) delete object.metadata.namespace;
    else if (!object.metadata.namespace) object.metadata.namespace = 'default';
    decode(object, kind, options);
    return { kind, object };
  }

  #create(kind: ServedKind, object: KubeObject, options: WriteOptions): KubeObject {
    if (!object.metadata.name && object.metadata.generateName) this.#generateName(kind, object);
    if (!kind.keepsStatus) delete object['status'];
    for (const field of NEVER_NEW) delete object.metadata[field];
    const admitted = admit(object, kind, options);
    const { name, namespace } = nameOf(admitted);
    if (namespace !== '') this.#requireNamespace(kind, name, namespace);
    if (this.#table.get(kind, nameOf(admitted))) throw alreadyExists(kind, name);
    const most = this.#options.maxObjects ?? DEFAULT_MAX_OBJECTS;
    if (this.#table.count >= most) {
      throw forbidden(kind, name, `exceeded quota: this cluster keeps at most ${most} objects`);
    }
    const owned = this.#recordOwners(kind, { object: admitted, apiVersion: object.apiVersion }, options);
    owned.metadata.uid = newUid(this.#random);
    owned.metadata.creationTimestamp = timestamp(this.#options.clock);
    kind.completeNew?.(owned);
    if (kind.countsGenerations !== false) owned.metadata.generation = 1;
    const status = owned.status ?? kind.initialStatus?.(owned);
    if (status !== undefined) owned.status = status;
    return this.#put('ADDED', { kind, object: owned, changeId: options.changeId }, options);
  }

  #generateName(kind: ServedKind, object: KubeObject): void {
    const { generateName = '' } = object.metadata;
    // Eight attempts, as API servers do; then the name is AlreadyExists.
    for (let attempt = 0; attempt < 8; attempt++) {
      object.metadata.name = generateName.slice(0, 58) + nameSuffix(this.#random);
      if (!this.#table.get(kind, nameOf(object))) return;
    }
  }

  /** The object with the owners of its fields after a write by a named manager; otherwise with the owners that it had. */
  #recordOwners(
    kind: ServedKind,
    { object, apiVersion, old, subresource = '' }: OwnedWrite,
    { fieldManager }: WriteOptions,
  ): KubeObject {
    if (fieldManager === undefined) return object;
    const written = object.metadata.managedFields;
    const managers = decodeManagers(written === undefined && old ? old : object);
    const writer = { manager: fieldManager, operation: 'Update', apiVersion, subresource } as const;
    const time = timestamp(this.#options.clock);
    return withManagers(
      object,
      ownersAfterUpdate({ before: old, after: object, managers, writer, time, shape: shapeOf(kind) }),
    );
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
    checkVersion(kind, object, old);
    const admitted = admit(object, kind, options, old);
    for (const field of SERVER_FIELDS) {
      const value = old.metadata[field];
      if (value === undefined) delete admitted.metadata[field];
      else Object.assign(admitted.metadata, { [field]: value });
    }
    if (admitted.metadata.managedFields === undefined && old.metadata.managedFields) {
      admitted.metadata.managedFields = copyJson(old.metadata.managedFields);
    }
    if (old.status === undefined) delete admitted['status'];
    else admitted.status = old.status;
    if (isOver(old) && (admitted.metadata.finalizers ?? []).length === 0 && !options.dryRun) {
      return this.#deletion.remove(current, options);
    }
    if (sameJson(admitted, old)) return old;
    const owned = this.#recordOwners(kind, { object: admitted, old, apiVersion: object.apiVersion }, options);
    if (sameJson(withoutTimes(owned), withoutTimes(old))) return old;
    if (kind.countsGenerations !== false && !sameJson(withoutMetadata(owned), withoutMetadata(old))) {
      owned.metadata.generation = (old.metadata.generation ?? 0) + 1;
    }
    return this.#store(current, owned, options);
  }

  /** Writes the status and nothing else. */
  #writeStatus(current: StoredObject, object: KubeObject, options: WriteOptions): KubeObject {
    const old = current.object;
    checkVersion(current.kind, object, old);
    const next: KubeObject = { ...copyJson(old), status: copyJson(object.status ?? {}) };
    if (object.metadata.managedFields) next.metadata.managedFields = copyJson(object.metadata.managedFields);
    if (sameJson(next, old)) return old;
    const write = { object: next, old, apiVersion: object.apiVersion, subresource: 'status' };
    const owned = this.#recordOwners(current.kind, write, options);
    return this.#store(current, owned, options);
  }

  #store(current: StoredObject, object: KubeObject, options: WriteOptions): KubeObject {
    return this.#put('MODIFIED', { kind: current.kind, object, changeId: options.changeId }, options, current.object);
  }

  #put(type: WatchEventType, stored: StoredObject, options: WriteOptions, previous?: KubeObject): KubeObject {
    if (!options.dryRun) stored.object.metadata.resourceVersion = String(++this.#version);
    const object = deepFreeze(stored.object);
    if (options.dryRun) return object;
    this.#table.put(stored);
    const before = previous === undefined ? {} : { previous };
    this.#watchers.publish(stored.kind, { type, object, changeId: options.changeId, ...before });
    return object;
  }

  #takeOut(stored: StoredObject, options: WriteOptions): KubeObject {
    this.#table.remove(stored.kind, nameOf(stored.object));
    const object = copyJson(stored.object);
    object.metadata.resourceVersion = String(++this.#version);
    deepFreeze(object);
    this.#watchers.publish(stored.kind, { type: 'DELETED', object, changeId: options.changeId });
    return object;
  }
}

const DELETION_FIELDS = ['deletionTimestamp', 'deletionGracePeriodSeconds'] as const;
const NEVER_NEW = [...DELETION_FIELDS, 'resourceVersion', 'uid', 'generation'] as const;
const SERVER_FIELDS = ['uid', 'creationTimestamp', 'generation', 'resourceVersion', ...DELETION_FIELDS] as const;

/** A write whose field owners are to be recorded. */
interface OwnedWrite {
  readonly object: KubeObject;
  /** The version that the client wrote in. */
  readonly apiVersion: string;
  readonly old?: KubeObject;
  readonly subresource?: string;
}

/** Throws Conflict when the client knew another state of the object, or another object of the name. */
function checkVersion(kind: ServedKind, { metadata }: KubeObject, old: KubeObject): void {
  const { resourceVersion = '', uid = '' } = metadata;
  const stale = resourceVersion !== '' && resourceVersion !== old.metadata.resourceVersion;
  if (stale || (uid !== '' && uid !== old.metadata.uid)) throw conflict(kind, old.metadata.name);
}

/** An object without the times of its field owners, which alone are no change. */
function withoutTimes(object: KubeObject): KubeObject {
  const { managedFields } = object.metadata;
  if (!managedFields) return object;
  const entries = managedFields.map((entry) => (isRecord(entry) ? { ...entry, time: '' } : entry));
  return { ...object, metadata: { ...object.metadata, managedFields: entries } };
}

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
