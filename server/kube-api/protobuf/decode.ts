import type { JsonRecord } from '../json.ts';
import { badRequest, KubeStatusError } from '../status-error.ts';
import { itemType, type TypeField, typeNamed, valueType, wireFieldsOf } from '../types/types.ts';
import { leafDecoder, scalar } from './leaves.ts';
import { type WireField, wireFields } from './wire.ts';

const MAGIC = Buffer.from('k8s\0', 'latin1');

/** Nesting beyond this is refused. */
const MAX_DEPTH = 100;

/**
 * Decodes a body of `application/vnd.kubernetes.protobuf` to the object that its JSON form would be. Throws BadRequest for bytes that are no
 * message, UnsupportedMediaType for kinds that have no protobuf form here.
 */
export function decodeProtobuf(body: Buffer): JsonRecord {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw badRequest('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  }
  let apiVersion = '';
  let kind = '';
  let raw = Buffer.alloc(0);
  for (const field of wireFields(body.subarray(MAGIC.length))) {
    if (field.kind !== 'bytes') continue;
    if (field.number === 1) [apiVersion, kind] = typeMeta(field.value);
    if (field.number === 2) raw = Buffer.from(field.value);
  }
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const type =
    typeNamed(group ?? '', version ?? '', kind) ?? (kind === 'DeleteOptions' ? 'meta.v1.DeleteOptions' : undefined);
  if (!type) {
    const message = `${kind} in version "${apiVersion}" has no protobuf form here: send application/json`;
    throw new KubeStatusError('UnsupportedMediaType', message);
  }
  return { ...decodeMessage(raw, type, 0), kind, apiVersion };
}

function typeMeta(message: Buffer): [apiVersion: string, kind: string] {
  const texts = new Map([...wireFields(message)].map((field) => [field.number, String(field.value)]));
  return [texts.get(1) ?? '', texts.get(2) ?? ''];
}

function decodeMessage(message: Buffer, type: string, depth: number): JsonRecord {
  if (depth > MAX_DEPTH) throw badRequest('the body of the request is nested too deeply');
  const byNumber = fieldsByNumber(type);
  const result: JsonRecord = {};
  for (const field of wireFields(message)) {
    const known = byNumber.get(field.number);
    if (known) setField(result, known, field, depth);
  }
  for (const { name, field } of byNumber.values()) {
    // Go writes zeros of plain fields, which JSON leaves out.
    if (!field.r && !field.p && isZero(result[name])) delete result[name];
  }
  return result;
}

const isZero = (value: unknown): boolean => value === '' || value === 0 || value === false || value === null;

interface NamedField {
  readonly name: string;
  readonly field: TypeField;
}

const numbered = new Map<string, ReadonlyMap<number, NamedField>>();

function fieldsByNumber(type: string): ReadonlyMap<number, NamedField> {
  const known = numbered.get(type);
  if (known) return known;
  const entries = Object.entries(wireFieldsOf(type) ?? {});
  const table = new Map(
    entries.flatMap(([name, field]) => (field.n === undefined ? [] : [[field.n, { name, field }] as const])),
  );
  numbered.set(type, table);
  return table;
}

function setField(result: JsonRecord, { name, field }: NamedField, wire: WireField, depth: number): void {
  const { t } = field;
  if (name.startsWith('~')) {
    if (wire.kind === 'bytes') Object.assign(result, decodeMessage(wire.value, t, depth + 1));
    return;
  }
  const values = valueType(t);
  const items = t === '[]byte' ? undefined : itemType(t);
  if (values !== undefined) {
    const [key, value] = mapEntry(wire, values, depth);
    const map = (result[name] ?? {}) as JsonRecord;
    result[name] = { ...map, [key]: value };
  } else if (items !== undefined) {
    const list = (result[name] ?? []) as unknown[];
    list.push(decodeValue(wire, items, depth));
    result[name] = list;
  } else result[name] = decodeValue(wire, t, depth);
}

function mapEntry(wire: WireField, values: string, depth: number): [key: string, value: unknown] {
  if (wire.kind !== 'bytes') throw badRequest('the body of the request has a map entry that is none');
  let key = '';
  let value: unknown = values === 'string' ? '' : undefined;
  for (const field of wireFields(wire.value)) {
    if (field.number === 1) key = String(field.value);
    if (field.number === 2) value = decodeValue(field, values, depth);
  }
  return [key, value];
}

function decodeValue(wire: WireField, type: string, depth: number): unknown {
  const leaf = leafDecoder(type);
  if (leaf) return leaf(wire);
  if (wire.kind !== 'bytes') return scalar(wire, type);
  const items = itemType(type);
  // A list as a map's value is a message of its own, with the items in field 1.
  if (items !== undefined) {
    return [...wireFields(wire.value)].map((each) => decodeValue(each, items, depth + 1));
  }
  return decodeMessage(wire.value, type, depth + 1);
}
