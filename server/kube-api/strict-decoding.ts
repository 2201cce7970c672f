import type { JsonSchema } from '#domain';
import { isRecord, type JsonRecord } from './json.ts';

/** What strict decoding finds: fields that the kind does not have, and values of another type than the field's. */
export interface DecodingProblems {
  /** Paths such as `spec.foo`. */
  readonly unknown: readonly string[];
  /** `spec.ports[0].port: Invalid value: "string": …` as an API server says it. */
  readonly mistyped: readonly Mistyped[];
}

export interface Mistyped {
  readonly path: string;
  readonly message: string;
  /** The JSON type that was found, where that is what is wrong. */
  readonly found?: string;
  /** The field is required, and not there. */
  readonly missing?: true;
}

interface Walk {
  readonly root: JsonSchema;
  readonly unknown: string[];
  readonly mistyped: Mistyped[];
  readonly prune: boolean;
}

export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function hasType(value: unknown, types: readonly string[]): boolean {
  const actual = typeName(value);
  return types.includes(actual) || (actual === 'integer' && types.includes('number'));
}

function resolve(schema: unknown, root: JsonSchema): JsonRecord | undefined {
  if (!isRecord(schema)) return undefined;
  const reference = schema['$ref'];
  if (typeof reference !== 'string') return schema;
  const definitions = root['$defs'];
  const target = isRecord(definitions) ? definitions[reference.slice('#/$defs/'.length)] : undefined;
  return isRecord(target) ? target : undefined;
}

function visit(value: unknown, input: unknown, path: string, walk: Walk): void {
  const schema = resolve(input, walk.root);
  // Null is how a manifest says "not set"; the server drops it.
  if (!schema || value === null) return;
  const type = schema['type'];
  const types = typeof type === 'string' ? [type] : Array.isArray(type) ? type.map(String) : [];
  if (types.length > 0 && !hasType(value, types)) {
    const actual = typeName(value);
    const message = `Invalid value: "${actual}": ${path} in body must be of type ${types.join(' or ')}: "${actual}"`;
    walk.mistyped.push({ path, message, found: actual });
    return;
  }
  const supported = schema['enum'];
  if (Array.isArray(supported) && !supported.includes(value)) {
    const words = supported.map((each) => `"${String(each)}"`).join(', ');
    walk.mistyped.push({ path, message: `Unsupported value: "${String(value)}": supported values: ${words}` });
  }
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) visit(item, schema['items'], `${path}[${index}]`, walk);
  } else if (isRecord(value)) visitFields(value, schema, path, walk);
}

function visitFields(value: JsonRecord, schema: JsonRecord, path: string, walk: Walk): void {
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  const others = schema['additionalProperties'];
  for (const [key, child] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`;
    if (Object.hasOwn(properties, key)) visit(child, properties[key], at, walk);
    else if (isRecord(others)) visit(child, others, at, walk);
    else if (others === false) {
      walk.unknown.push(at);
      if (walk.prune) delete value[key];
    }
  }
  for (const field of Array.isArray(schema['required']) ? schema['required'].map(String) : []) {
    if (value[field] !== undefined && value[field] !== null) continue;
    walk.mistyped.push({ path: path === '' ? field : `${path}.${field}`, message: 'Required value', missing: true });
  }
}

/** Checks an object against its kind's schema as `fieldValidation=Strict` does. With `prune` it loses its unknown fields. */
export function decodeStrictly(
  object: unknown,
  schema: JsonSchema,
  options: { readonly prune?: boolean } = {},
): DecodingProblems {
  const walk: Walk = { root: schema, unknown: [], mistyped: [], prune: options.prune === true };
  visit(object, schema, '', walk);
  return { unknown: walk.unknown, mistyped: walk.mistyped };
}
