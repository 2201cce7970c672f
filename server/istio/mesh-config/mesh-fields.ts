import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { childPath } from '../manifests/path.ts';
import { Field } from '../rules/field.ts';
import { Findings } from '../rules/findings.ts';
import { readDuration } from '../rules/values.ts';

/** What fields hold, by message and name: a scalar, a message or an enum; behind `[` a list of it, behind `{` a map of it. */
interface MeshShape {
  readonly messages: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const ROOT = 'istio.mesh.v1alpha1.MeshConfig';
const FILE = join(import.meta.dirname, '../schemas/mesh-config.json');

let known: MeshShape | undefined;

function shape(): MeshShape {
  known ??= JSON.parse(readFileSync(FILE, 'utf8')) as MeshShape;
  return known;
}

/** Protobuf JSON takes a field by the name in its declaration (`access_log_file`), too. */
const camelName = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** The type of a message's field; undefined for one that Istio does not know, which it passes over. */
function fieldType(message: string, name: string): string | undefined {
  const fields = shape().messages[message] ?? {};
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [-(2 ** 63), 2 ** 63 - 1],
};

/** Protobuf JSON takes a number in quotes for a number (`port: "9000"`, as Istio's guides write it). */
const QUOTED_NUMBER = /^-?\d+(?:\.\d+)?$/;

const isNumeric = (type: string): boolean => type === 'double' || type in RANGES;

/**
 * Values of another type than their field's, at any depth: they keep istiod from reading the whole text. Messages are those of Go's
 * protobuf JSON. Source: ApplyYAML in istio pkg/util/protomarshal.
 */
export function checkShape(mesh: Field, findings: Findings): void {
  checkValue(mesh, ROOT, findings);
}

function checkValue(field: Field, type: string, findings: Findings): void {
  if (!field.exists || type === 'any') return;
  const { messages, enums } = shape();
  if (type.startsWith('[')) {
    if (!Array.isArray(field.value)) refuse(field, '[]json.RawMessage', findings);
    else for (const item of field.items) checkValue(item, type.slice(1), findings);
  } else if (type.startsWith('{') || type in messages) {
    if (isObject(field.value)) checkFields(field, type, findings);
    else refuse(field, 'map[string]json.RawMessage', findings);
  } else if (enums[type]) checkEnum(field, type, findings);
  else checkScalar(field, type, findings);
}

/** A message's fields in the order of their declaration: istiod tells of the first. */
function checkFields(field: Field, type: string, findings: Findings): void {
  const given = Object.entries(field.value as Readonly<Record<string, unknown>>).map(([name, value]) => ({
    name: type.startsWith('{') ? name : camelName(name),
    place: new Field(value, childPath(field.path, name)),
  }));
  if (type.startsWith('{')) for (const { place } of given) checkValue(place, type.slice(1), findings);
  for (const [declared, held] of Object.entries(shape().messages[type] ?? {}))
    for (const { name, place } of given) if (name === declared) checkValue(place, held, findings);
}

function checkEnum(field: Field, type: string, findings: Findings): void {
  const names = Object.keys(shape().enums[type] ?? {});
  if (typeof field.value === 'number' || names.includes(field.text)) return;
  if (typeof field.value !== 'string') refuse(field, 'protoreflect.EnumNumber', findings);
  else
    findings.reject(
      field,
      `failed to convert to proto. unknown value "\\"${field.text}\\"" for enum ${type}`,
      `Use one of ${names.join(', ')}.`,
    );
}

function checkScalar(field: Field, type: string, findings: Findings): void {
  const { value } = field;
  if (isNumeric(type)) {
    checkNumber(field, type, findings);
  } else if (type === 'bool') {
    if (typeof value !== 'boolean') refuse(field, 'bool', findings);
  } else if (typeof value !== 'string') refuse(field, 'string', findings);
  else if (type === 'duration') checkDurationText(field, findings);
}

function checkDurationText(field: Field, findings: Findings): void {
  const inner = new Findings();
  readDuration(field, inner);
  for (const { message, hint } of inner.problems)
    findings.reject(field, `failed to convert to proto. bad Duration: time: ${message}`, hint);
}

function checkNumber(field: Field, type: string, findings: Findings): void {
  const { value } = field;
  if (typeof value === 'string' && !QUOTED_NUMBER.test(value)) {
    const message = `failed to convert to proto. invalid character '${value.slice(0, 1)}' looking for beginning of value`;
    findings.reject(field, message, 'Give a number.');
    return;
  }
  const given = Number(value);
  const [least, most] = RANGES[type] ?? [-Infinity, Infinity];
  const fits = type === 'double' || (Number.isInteger(given) && given >= least && given <= most);
  if (typeof value === 'boolean' || typeof value === 'object') refuse(field, GO_NUMBERS[type] ?? type, findings);
  else if (!fits) refuse(field, type, findings, `number ${String(value)}`);
}

const GO_NUMBERS: Readonly<Record<string, string>> = { double: 'float64' };

const HINTS: Readonly<Record<string, string>> = {
  '[]json.RawMessage': 'Give a list.',
  'map[string]json.RawMessage': 'Give fields.',
  'protoreflect.EnumNumber': 'Give one of the names.',
  bool: 'Write true or false, without quotes.',
  string: 'Give a text; put it into quotes where YAML reads something else.',
};

/** The words of Go's JSON. */
export const cannotUnmarshal = (given: string, wanted: string): string =>
  `failed to convert to proto. json: cannot unmarshal ${given} into Go value of type ${wanted}`;

function refuse(field: Field, wanted: string, findings: Findings, given = jsonKind(field.value)): void {
  findings.reject(field, cannotUnmarshal(given, wanted), HINTS[wanted] ?? 'Give a number that fits.');
}

export const jsonKind = (value: unknown): string =>
  Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;

/**
 * MeshConfig as istiod understands its text: fields by their JSON names, numbers in quotes as numbers, numbers of enums as their names.
 * What Istio does not know stays as it is.
 */
export const canonicalMesh = <Mesh>(mesh: Mesh): Mesh => canonicalValue(mesh, ROOT) as Mesh;

function canonicalValue(value: unknown, type: string): unknown {
  if (type.startsWith('['))
    return Array.isArray(value) ? value.map((item) => canonicalValue(item, type.slice(1))) : value;
  if (type.startsWith('{') || type in shape().messages) {
    if (!isObject(value)) return value;
    const entries = Object.entries(value).map(([name, held]): [string, unknown] => {
      if (type.startsWith('{')) return [name, canonicalValue(held, type.slice(1))];
      const fieldName = camelName(name);
      const inside = fieldType(type, fieldName);
      return inside === undefined ? [name, held] : [fieldName, canonicalValue(held, inside)];
    });
    return Object.fromEntries(entries);
  }
  const names = shape().enums[type];
  if (names && typeof value === 'number') return Object.keys(names).find((name) => names[name] === value) ?? value;
  return isNumeric(type) && typeof value === 'string' && QUOTED_NUMBER.test(value) ? Number(value) : value;
}
