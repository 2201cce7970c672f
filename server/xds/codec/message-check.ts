import { type DescField, type DescMessage, type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { messageTypes, typeNameOf } from './message-types.ts';

type JsonRecord = Record<string, JsonValue>;

/** What a reading of protobuf JSON finds, each with the path of its field. */
export interface MessageFindings {
  /** Values that do not fit their fields, and types that do not exist: no proxy can read the message. */
  readonly invalid: {
    readonly path: string;
    readonly message: string;
    /** What Istio says of it before it tells what protobuf's reader said. */
    readonly reason?: string;
  }[];
  /** Fields that the message does not have. */
  readonly unknown: { readonly path: string; readonly message: string }[];
  /** Names of extensions without `typed_config`, which Envoy once found by their name. */
  readonly untyped: string[];
}

interface AnyPlace {
  readonly path: string;
  readonly findings: MessageFindings;
}

const isRecord = (value: JsonValue | undefined): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const childOf = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** Types that are real, and not among those that the lab knows: Istio's own, and extensions from outside Envoy's core. */
const ELSEWHERE = /^(?:istio|io\.istio|stats|stackdriver|envoy\.extensions)\./;

const DURATION = /^[+-]?(?:0|(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

const isNumber = (value: JsonValue): boolean =>
  typeof value === 'number' || (typeof value === 'string' && NUMBER.test(value));

function scalarFits(scalar: ScalarType, value: JsonValue): boolean {
  switch (scalar) {
    case ScalarType.BOOL:
      return typeof value === 'boolean';
    case ScalarType.STRING:
      return typeof value === 'string';
    case ScalarType.BYTES:
      return typeof value === 'string' && BASE64.test(value);
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return isNumber(value) || value === 'NaN' || value === 'Infinity' || value === '-Infinity';
    case ScalarType.UINT32:
    case ScalarType.UINT64:
    case ScalarType.FIXED32:
    case ScalarType.FIXED64:
      return isNumber(value) && Number.isInteger(Number(value)) && Number(value) >= 0;
    default:
      return isNumber(value) && Number.isInteger(Number(value));
  }
}

/** Messages whose JSON is not an object of their fields. Undefined: an ordinary message. */
function wellKnownFits(type: DescMessage, value: JsonValue): boolean | undefined {
  switch (type.typeName) {
    case 'google.protobuf.Duration':
      return typeof value === 'string' && DURATION.test(value);
    case 'google.protobuf.Timestamp':
      return typeof value === 'string' && !Number.isNaN(Date.parse(value));
    case 'google.protobuf.Struct':
      return isRecord(value);
    case 'google.protobuf.ListValue':
      return Array.isArray(value);
    case 'google.protobuf.Value':
      return true;
  }
  const [wrapped] = type.fields;
  const isWrapper = /^google\.protobuf\.\w+Value$/.test(type.typeName) && wrapped?.fieldKind === 'scalar';
  return isWrapper ? scalarFits(wrapped.scalar, value) : undefined;
}

const text = (value: JsonValue): string => JSON.stringify(value).slice(0, 80);

/** What is found inside of an `Any` says so first, as protobuf's reader does. */
function visitInside(type: DescMessage, typeUrl: string, fields: JsonRecord, { path, findings }: AnyPlace): void {
  const own: MessageFindings = { invalid: [], unknown: [], untyped: findings.untyped };
  visitMessage(type, fields, path, own);
  for (const list of ['invalid', 'unknown'] as const) {
    const words = (message: string): string => `can't unmarshal Any nested proto ${typeUrl}: ${message}`;
    findings[list].push(...own[list].map((each) => ({ ...each, message: words(each.message) })));
  }
}

function visitAny(value: JsonRecord, path: string, findings: MessageFindings): void {
  const { '@type': typeUrl, ...fields } = value;
  if (typeof typeUrl !== 'string') {
    findings.invalid.push({ path, message: "Any JSON doesn't have '@type'" });
    return;
  }
  const name = typeNameOf(typeUrl);
  const type = messageTypes().getMessage(name);
  if (type && wellKnownFits(type, {}) === undefined) visitInside(type, typeUrl, fields, { path, findings });
  else if (!type && !ELSEWHERE.test(name)) {
    const hint = name.includes('.v2.') ? ' (hint: try using the v3 XDS API)' : '';
    const message = `could not resolve Any message type: ${typeUrl}`;
    findings.invalid.push({ path: childOf(path, '@type'), message, reason: `referenced type unknown${hint}` });
  }
}

function visitMessage(type: DescMessage, value: JsonValue, path: string, findings: MessageFindings): void {
  const known = wellKnownFits(type, value);
  if (known !== undefined) {
    if (!known) findings.invalid.push({ path, message: `${text(value)} is no ${type.typeName}` });
    return;
  }
  if (!isRecord(value)) {
    findings.invalid.push({ path, message: `${text(value)} is no ${type.typeName}` });
    return;
  }
  if (type.typeName === 'google.protobuf.Any') {
    visitAny(value, path, findings);
    return;
  }
  for (const [key, child] of Object.entries(value)) {
    const field = type.fields.find((each) => each.name === key || each.jsonName === key);
    const at = childOf(path, key);
    if (!field) findings.unknown.push({ path: at, message: `unknown field "${key}" in ${type.typeName}` });
    else if (child !== null) visitField(field, child, at, findings);
  }
}

function enumFits(field: DescField & { readonly enum: object }, value: JsonValue): boolean {
  if (typeof value === 'number') return Number.isInteger(value);
  const { values } = field.enum as { readonly values: readonly { readonly name: string }[] };
  return typeof value === 'string' && values.some((each) => each.name === value);
}

function unfit(field: DescField, value: JsonValue): string {
  const json = text(value);
  if (!field.enum || typeof value !== 'string') return `${json} does not fit ${field.parent.typeName}.${field.name}`;
  return `unknown value ${JSON.stringify(json)} for enum ${field.enum.typeName}`;
}

/** One value of a field: the field's own, an item of its list, or a value of its map. */
function visitValue(field: DescField, value: JsonValue, path: string, findings: MessageFindings): void {
  if (field.message) visitMessage(field.message, value, path, findings);
  else {
    const fits = field.enum ? enumFits(field, value) : scalarFits(field.scalar ?? ScalarType.STRING, value);
    if (!fits) findings.invalid.push({ path, message: unfit(field, value) });
  }
}

function visitField(field: DescField, value: JsonValue, path: string, findings: MessageFindings): void {
  if (field.fieldKind === 'list') {
    if (!Array.isArray(value)) findings.invalid.push({ path, message: `${text(value)} is no list` });
    else for (const [index, item] of value.entries()) visitValue(field, item, `${path}[${index}]`, findings);
  } else if (field.fieldKind === 'map') {
    if (!isRecord(value)) findings.invalid.push({ path, message: `${text(value)} is no map` });
    else for (const [key, item] of Object.entries(value)) visitValue(field, item, childOf(path, key), findings);
  } else visitValue(field, value, path, findings);
}

/** Extensions that are named and not configured, down the fields that hold one message each. */
function untypedNames(type: DescMessage, value: JsonValue): string[] {
  if (!isRecord(value)) return [];
  const fieldOf = (name: string): JsonValue | undefined => {
    const field = type.fields.find((each) => each.jsonName === name);
    return field && (value[field.name] ?? value[field.jsonName]);
  };
  const names = type.fields.flatMap((field) => {
    const child = value[field.name] ?? value[field.jsonName];
    return field.fieldKind === 'message' && child !== undefined ? untypedNames(field.message, child) : [];
  });
  const wantsConfig = type.fields.some((field) => field.jsonName === 'typedConfig');
  const hasConfig = fieldOf('typedConfig') !== undefined || fieldOf('configDiscovery') !== undefined;
  return wantsConfig && !hasConfig ? [...names, String(fieldOf('name') ?? '')] : names;
}

/**
 * Reads protobuf JSON of the named message as leniently as Istio reads a patch: names in either case, numbers in quotes, lengths of time with
 * any unit. Unlike Istio, types from outside Envoy's core are taken on trust.
 */
export function checkMessage(typeName: string, json: unknown): MessageFindings {
  const findings: MessageFindings = { invalid: [], unknown: [], untyped: [] };
  const type = messageTypes().getMessage(typeName);
  if (!type) return findings;
  visitMessage(type, json as JsonValue, '', findings);
  return { ...findings, untyped: untypedNames(type, json as JsonValue) };
}
