import { type DescField, type DescMessage, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { messageTypes, typeNameOf } from './message-types.ts';

type JsonRecord = Record<string, JsonValue>;

function fits(type: DescMessage, json: JsonValue): boolean {
  try {
    fromJson(type, json, { registry: messageTypes() });
    return true;
  } catch {
    // The caller already holds the error; here only yes or no is asked.
    return false;
  }
}

const isRecord = (value: JsonValue | undefined): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The parts of a field's value that are messages of their own: the value itself, its items, or its map entries. */
function messageParts(field: DescField, value: JsonValue, path: string): [string, DescMessage, JsonValue][] {
  if (field.fieldKind === 'message') return [[path, field.message, value]];
  if (field.fieldKind === 'list' && field.listKind === 'message' && Array.isArray(value)) {
    return value.map((item, index) => [`${path}[${index}]`, field.message, item]);
  }
  if (field.fieldKind === 'map' && field.mapKind === 'message' && isRecord(value)) {
    return Object.entries(value).map(([key, item]) => [`${path}.${key}`, field.message, item]);
  }
  return [];
}

/**
 * The path of the field that keeps `json` from being a `type`, such as `virtual_hosts[0].routes[1].route.timeout`; empty
 * when no single field is to blame. Tries field by field, so it is for the failure path only.
 */
export function findBadField(type: DescMessage, json: JsonValue, path = ''): string {
  if (!isRecord(json)) return path;
  const { '@type': typeUrl, ...fields } = json;
  const actual = typeof typeUrl === 'string' ? messageTypes().getMessage(typeNameOf(typeUrl)) : type;
  if (!actual) return path === '' ? '@type' : `${path}.@type`;
  for (const [key, value] of Object.entries(fields)) {
    if (fits(actual, { [key]: value })) continue;
    const fieldPath = path === '' ? key : `${path}.${key}`;
    const field = actual.fields.find((candidate) => candidate.name === key || candidate.jsonName === key);
    if (!field) return fieldPath;
    for (const [partPath, partType, part] of messageParts(field, value, fieldPath)) {
      if (!fits(partType, part)) return findBadField(partType, part, partPath);
    }
    return fieldPath;
  }
  return path;
}
