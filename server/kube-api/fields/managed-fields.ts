import type { KubeObject } from '#domain';
import { copyJson, isRecord, type JsonRecord } from '../json.ts';
import { badRequest } from '../status-error.ts';
import type { Shape } from '../types/shape.ts';
import { type Comparison, compare } from './compare.ts';
import {
  difference,
  EMPTY,
  type FieldSet,
  fromFieldsV1,
  intersection,
  isEmpty,
  sameSet,
  toFieldsV1,
  union,
} from './field-set.ts';

/** One owner of fields: an entry of `metadata.managedFields`. */
export interface FieldManager {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string;
  readonly fields: FieldSet;
}

export type ManagerName = Pick<FieldManager, 'manager' | 'operation' | 'apiVersion' | 'subresource'>;

export const sameManager = (a: ManagerName, b: ManagerName): boolean =>
  a.manager === b.manager &&
  a.operation === b.operation &&
  a.subresource === b.subresource &&
  // A manager that applies goes over to another version with its entry.
  (a.operation === 'Apply' || a.apiVersion === b.apiVersion);

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Reads the entries of an object. Throws BadRequest for entries that are none. */
export function decodeManagers(object: KubeObject): FieldManager[] {
  const entries = object.metadata.managedFields ?? [];
  if (!Array.isArray(entries)) throw badRequest('metadata.managedFields must be a list');
  return entries.filter((entry) => isRecord(entry) && Object.keys(entry).length > 0).map(decodeManager);
}

function decodeManager(entry: unknown): FieldManager {
  const record: JsonRecord = isRecord(entry) ? entry : {};
  const { operation } = record;
  if (operation !== 'Apply' && operation !== 'Update') {
    throw badRequest(`metadata.managedFields: Invalid value: "${text(operation)}": must be \`Apply\` or \`Update\``);
  }
  return {
    manager: text(record['manager']),
    operation,
    apiVersion: text(record['apiVersion']),
    subresource: text(record['subresource']),
    time: text(record['time']),
    fields: fromFieldsV1(record['fieldsV1'] ?? {}),
  };
}

/** Entries as the API server orders them: appliers first, then by time and name. */
function encodeManagers(managers: readonly FieldManager[]): JsonRecord[] {
  const key = (each: FieldManager): string =>
    [each.operation, each.time, each.manager, each.apiVersion, each.subresource].join('\0');
  const kept = managers.filter((each) => !isEmpty(each.fields));
  return kept
    .sort((a, b) => (key(a) < key(b) ? -1 : 1))
    .map(({ apiVersion, fields, manager, operation, subresource, time }) => ({
      apiVersion,
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(fields),
      manager,
      operation,
      ...(subresource === '' ? {} : { subresource }),
      ...(time === '' ? {} : { time }),
    }));
}

const SERVER_METADATA = [
  ...['name', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'selfLink', 'managedFields'],
  ...['deletionTimestamp', 'deletionGracePeriodSeconds'],
];

/**
 * The part of an object whose owners are recorded: without what the server itself writes, and either without its status or, for a
 * write to the status subresource, only that.
 */
export function ownable(object: KubeObject | undefined, subresource: string): JsonRecord {
  if (!object) return {};
  if (subresource === 'status') return object.status === undefined ? {} : { status: object.status };
  const { apiVersion: _version, kind: _kind, status: _status, ...rest } = object;
  const metadata: JsonRecord = { ...rest.metadata };
  for (const field of SERVER_METADATA) delete metadata[field];
  const { metadata: _metadata, ...content } = rest;
  return Object.keys(metadata).length > 0 ? { ...content, metadata } : content;
}

/** What an empty object of the kind has already: its structs held by value. */
function emptyObject(shape: Shape, depth = 0): JsonRecord {
  if (depth > 8) return {};
  return Object.fromEntries(shape.present.map((field) => [field, emptyObject(shape.child(field), depth + 1)]));
}

/** An object as Go holds it: with the structs that are held by value, even where JSON leaves them out. */
function asHeld(value: unknown, shape: Shape): unknown {
  if (Array.isArray(value)) return shape.list.form === 'map' ? value.map((item) => asHeld(item, shape.item())) : value;
  if (!isRecord(value) || shape.atomic || shape.present.length + Object.keys(value).length === 0) return value;
  const held = Object.entries(value).map(([key, child]) => [key, asHeld(child, shape.child(key))] as const);
  const missing = shape.present.filter((field) => !Object.hasOwn(value, field) && field !== 'status');
  return Object.fromEntries([...missing.map((field) => [field, emptyObject(shape.child(field))] as const), ...held]);
}

export interface Ownership {
  readonly before: KubeObject | undefined;
  readonly after: KubeObject;
  readonly managers: readonly FieldManager[];
  readonly writer: ManagerName;
  readonly time: string;
  readonly shape: Shape;
}

/** Owners after a write that is no apply: the writer has what it changed, everybody loses what went away or was overwritten. */
export function ownersAfterUpdate(write: Ownership): FieldManager[] {
  const { writer, shape, time } = write;
  const delta = compareHeld(ownable(write.before, writer.subresource), ownable(write.after, writer.subresource), shape);
  const changed = union(delta.added, delta.modified);
  const lost = union(changed, delta.removed);
  const own = write.managers.find((each) => sameManager(each, writer));
  const fields = union(difference(own?.fields ?? EMPTY, delta.removed), { ...changed, member: false });
  const others = write.managers.filter((each) => each !== own);
  const unchanged = own !== undefined && sameSet(own.fields, fields);
  return [
    ...others.map((each) => ({ ...each, fields: difference(each.fields, lost) })),
    { ...writer, time: unchanged ? own.time : time, fields },
  ];
}

/** Compares two objects as Go holds them. An object always has metadata; its appearance is nobody's doing. */
export function compareHeld(before: JsonRecord, after: JsonRecord, shape: Shape): Comparison {
  const held = (object: JsonRecord): unknown => asHeld({ ...object, metadata: object['metadata'] ?? {} }, shape);
  return compare(held(before), held(after), shape);
}

/** Fields of others that a write would change. */
export function contested(managers: readonly FieldManager[], writer: ManagerName, changed: FieldSet): FieldManager[] {
  return managers
    .filter((each) => !sameManager(each, writer))
    .map((each) => ({ ...each, fields: intersection(each.fields, changed) }))
    .filter((each) => !isEmpty(each.fields));
}

/** A copy with these owners; without the field when there are none. */
export function withManagers(object: KubeObject, managers: readonly FieldManager[]): KubeObject {
  const copy = copyJson(object);
  const entries = encodeManagers(managers);
  if (entries.length === 0) delete copy.metadata.managedFields;
  else copy.metadata.managedFields = entries;
  return copy;
}
