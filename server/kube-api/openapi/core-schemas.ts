import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KindDefinition } from '#domain';
import type { JsonRecord } from '../json.ts';
import { fieldsOf, itemType, type TypeField, typeOf, valueType } from '../types/types.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
const META_DOCS: Readonly<Record<string, string>> = {
  apiVersion: 'Group and version of the schema of this object.',
  kind: 'Name of the kind of this object, in camel case.',
  metadata: 'Name, namespace, labels and annotations of the object.',
};

/** The published name of a type: `core.v1.Pod` → `io.k8s.api.core.v1.Pod`. */
export const schemaName = (type: string): string =>
  type.startsWith('meta.v1.') ? META + type.slice('meta.v1.'.length) : `io.k8s.api.${type}`;

/** Types with a JSON form of their own. */
const LEAVES: Readonly<Record<string, readonly [name: string, schema: JsonRecord]>> = {
  Time: [`${META}Time`, { type: 'string', format: 'date-time' }],
  MicroTime: [`${META}MicroTime`, { type: 'string', format: 'date-time' }],
  Duration: [`${META}Duration`, { type: 'string' }],
  FieldsV1: [`${META}FieldsV1`, { type: 'object' }],
  Quantity: ['io.k8s.apimachinery.pkg.api.resource.Quantity', { oneOf: [{ type: 'string' }, { type: 'number' }] }],
  IntOrString: [
    'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
    { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
  ],
  RawExtension: ['io.k8s.apimachinery.pkg.runtime.RawExtension', { type: 'object' }],
};

const SCALARS: Readonly<Record<string, JsonRecord>> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  int: { type: 'integer', format: 'int32' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  uint32: { type: 'integer', format: 'int64' },
  float64: { type: 'number', format: 'double' },
  '[]byte': { type: 'string', format: 'byte' },
};

const refTo = (name: string): JsonRecord => ({ $ref: `#/components/schemas/${name}` });

let descriptions: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;

/** What is said of a type's fields, by name; of the type itself under the empty name. */
function wordsOf(type: string): Readonly<Record<string, string>> {
  const file = join(import.meta.dirname, '../types/descriptions.json');
  descriptions ??= JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, string>>;
  return descriptions[type] ?? {};
}

const described = (words: string | undefined): JsonRecord => (words === undefined ? {} : { description: words });

/** Collects the schemas of Kubernetes' own kinds as their OpenAPI document names and splits them. */
export class CoreSchemas {
  readonly schemas: Record<string, JsonRecord> = {};

  /** Adds a kind and every type that it uses. */
  add(kind: KindDefinition, version: string): void {
    const type = typeOf(kind);
    if (!type) return;
    this.addType(type);
    const schema = this.schemas[schemaName(type)];
    if (schema) schema['x-kubernetes-group-version-kind'] = [{ group: kind.group, version, kind: kind.kind }];
  }

  /** Adds a type and every type that it uses. */
  addType(type: string): void {
    const name = schemaName(type);
    if (Object.hasOwn(this.schemas, name)) return;
    const words = wordsOf(type);
    const properties: Record<string, JsonRecord> = {};
    this.schemas[name] = { ...described(words['']), type: 'object', properties };
    const fields = Object.entries(fieldsOf(type) ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [field, shape] of fields) properties[field] = this.#field(shape, words[field] ?? META_DOCS[field]);
    const required = fields.filter(([, shape]) => shape.r).map(([field]) => field);
    if (required.length > 0) this.schemas[name]['required'] = required;
  }

  #field(shape: TypeField, words: string | undefined): JsonRecord {
    const schema = this.#type(shape.t);
    // A reference with a description beside it must be wrapped.
    const wrapped = '$ref' in schema ? { allOf: [schema], default: {} } : schema;
    return { ...described(words), ...wrapped, ...extensions(shape) };
  }

  #type(type: string): JsonRecord {
    const scalar = SCALARS[type];
    if (scalar) return scalar;
    const items = itemType(type);
    if (items !== undefined) return { type: 'array', items: this.#type(items) };
    const values = valueType(type);
    if (values !== undefined) return { type: 'object', additionalProperties: this.#type(values) };
    const leaf = LEAVES[type];
    if (leaf) this.schemas[leaf[0]] = leaf[1];
    else this.addType(type);
    return refTo(leaf?.[0] ?? schemaName(type));
  }
}

function extensions({ k, l, m, s, t }: TypeField): JsonRecord {
  const list = t.startsWith('[]') && t !== '[]byte';
  return {
    ...(k ? { 'x-kubernetes-list-map-keys': k, 'x-kubernetes-list-type': 'map' } : {}),
    ...(l && list && !k ? { 'x-kubernetes-list-type': l } : {}),
    ...(l === 'atomic' && !list ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    ...(m ? { 'x-kubernetes-patch-merge-key': m } : {}),
    ...(s ? { 'x-kubernetes-patch-strategy': s } : {}),
  };
}
