import type { KindDefinition } from '#domain';
import { isRecord, type JsonRecord } from '../json.ts';
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

/** What is said of metadata in every kind. */
const META_SCHEMA: JsonRecord = {
  description: 'Name, namespace, labels and annotations of the object.',
  properties: {
    name: { description: 'Unique among objects of this kind in a namespace.' },
    namespace: { description: 'Namespace of the object; cluster-wide kinds have none.' },
    generateName: { description: 'Prefix of a name that the server completes.' },
    labels: { description: 'Keys and values that selectors match.' },
    annotations: { description: 'Keys and values for tools; no selector sees them.' },
    finalizers: { description: 'Deletion waits until this list is empty.' },
    ownerReferences: { description: 'Objects that this one belongs to; it is deleted with the last of them.' },
    uid: { description: 'Identifies this object among all of its name, past and future. Written by the server.' },
    resourceVersion: { description: 'Changes with every write; a write that names an old one is a conflict.' },
    generation: { description: 'Counts the changes of what is wanted. Written by the server.' },
    creationTimestamp: { description: 'When the server created the object.' },
    deletionTimestamp: { description: 'When deletion was asked for; the object waits for its finalizers.' },
    deletionGracePeriodSeconds: { description: 'How long a graceful end may take.' },
    managedFields: { description: 'Which manager owns which field. Written by the server.' },
    selfLink: { description: 'No longer written.' },
  },
};

const refTo = (name: string): JsonRecord => ({ $ref: `#/components/schemas/${name}` });

/** Collects the schemas of Kubernetes' own kinds as their OpenAPI document names and splits them. */
export class CoreSchemas {
  readonly schemas: Record<string, JsonRecord> = {};

  /** Adds a kind and every type that it uses; fields are described with the words of the kind's own schema. */
  add(kind: KindDefinition, version: string): void {
    const type = typeOf(kind);
    if (!type) return;
    const root = kind.schema?.() ?? {};
    this.#struct(type, root, root);
    const schema = this.schemas[schemaName(type)];
    if (!schema) return;
    const named = { group: kind.group, version, kind: kind.kind };
    schema['x-kubernetes-group-version-kind'] = [named];
  }

  /** Adds the metadata that every object has. */
  addMeta(): void {
    this.#struct('meta.v1.ObjectMeta', META_SCHEMA, META_SCHEMA);
  }

  #struct(type: string, described: unknown, root: JsonRecord): void {
    const name = schemaName(type);
    if (Object.hasOwn(this.schemas, name)) return;
    const place = resolve(described, root);
    const properties: Record<string, JsonRecord> = {};
    const description = place?.['description'];
    this.schemas[name] = {
      ...(typeof description === 'string' ? { description } : {}),
      type: 'object',
      properties,
    };
    const documented = isRecord(place?.['properties']) ? place['properties'] : {};
    const fields = Object.entries(fieldsOf(type) ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [field, shape] of fields) properties[field] = this.#field(field, shape, documented[field], root);
    const required = fields.filter(([, shape]) => shape.r).map(([field]) => field);
    if (required.length > 0) this.schemas[name]['required'] = required;
  }

  #field(name: string, shape: TypeField, described: unknown, root: JsonRecord): JsonRecord {
    const place = resolve(described, root);
    const words = place?.['description'] ?? META_DOCS[name];
    const schema = this.#type(shape.t, place, root);
    return {
      ...(typeof words === 'string' ? { description: words } : {}),
      // A reference with a description beside it must be wrapped.
      ...('$ref' in schema ? { allOf: [schema], default: {} } : schema),
      ...extensions(shape),
    };
  }

  #type(type: string, described: JsonRecord | undefined, root: JsonRecord): JsonRecord {
    const scalar = SCALARS[type];
    if (scalar) return scalar;
    const items = itemType(type);
    if (items !== undefined)
      return { type: 'array', items: this.#type(items, resolve(described?.['items'], root), root) };
    const values = valueType(type);
    if (values !== undefined) {
      const below = resolve(described?.['additionalProperties'], root);
      return { type: 'object', additionalProperties: this.#type(values, below, root) };
    }
    const leaf = LEAVES[type];
    if (leaf) {
      this.schemas[leaf[0]] = leaf[1];
      return refTo(leaf[0]);
    }
    this.#struct(type, described, root);
    return refTo(schemaName(type));
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

function resolve(schema: unknown, root: JsonRecord): JsonRecord | undefined {
  if (!isRecord(schema)) return undefined;
  const reference = schema['$ref'];
  if (typeof reference !== 'string') return schema;
  const definitions = root['$defs'];
  return isRecord(definitions) ? resolve(definitions[reference.slice('#/$defs/'.length)], root) : undefined;
}
