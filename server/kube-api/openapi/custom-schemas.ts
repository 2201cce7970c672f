import type { KindDefinition } from '#domain';
import { isRecord, type JsonRecord } from '../json.ts';

/** `networking.istio.io/v1 VirtualService` → `io.istio.networking.v1.VirtualService`. */
export function customSchemaName(kind: KindDefinition, version: string): string {
  return [...kind.group.split('.').reverse(), version, kind.kind].join('.');
}

/** The schema of a custom resource, written out without references, as an API server publishes that of a CRD. */
export function customSchema(kind: KindDefinition, version: string): JsonRecord {
  const root = kind.schema?.(version) ?? { type: 'object' };
  const { $defs: definitions, ...schema } = root;
  const written = writeOut(schema, isRecord(definitions) ? definitions : {});
  const properties = isRecord(written['properties']) ? written['properties'] : {};
  const metadata = {
    description: 'Name, namespace, labels and annotations of the object.',
    allOf: [{ $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' }],
  };
  const { required, ...rest } = written;
  // What every object has is not called required, as in a CRD.
  const wanted = (Array.isArray(required) ? required : []).filter((field) => !EVERYWHERE.has(String(field)));
  return {
    ...rest,
    ...(wanted.length > 0 ? { required: wanted } : {}),
    properties: {
      ...properties,
      apiVersion: { description: 'Group and version of the schema of this object.', type: 'string' },
      kind: { description: 'Name of the kind of this object, in camel case.', type: 'string' },
      metadata,
    },
    'x-kubernetes-group-version-kind': [{ group: kind.group, version, kind: kind.kind }],
  };
}

const EVERYWHERE = new Set(['apiVersion', 'kind', 'metadata']);

/** Keywords of JSON Schema that OpenAPI 3.0 has no form for. */
const DROPPED = new Set(['$schema', 'const', 'patternProperties']);
const MAX_DEPTH = 40;

function writeOut(schema: JsonRecord, definitions: JsonRecord, depth = 0): JsonRecord {
  const reference = schema['$ref'];
  if (depth > MAX_DEPTH) return { type: 'object' };
  if (typeof reference === 'string') {
    const { $ref: _, ...beside } = schema;
    const target = definitions[reference.slice('#/$defs/'.length)];
    return { ...(isRecord(target) ? writeOut(target, definitions, depth + 1) : { type: 'object' }), ...beside };
  }
  const entries = Object.entries(schema)
    .filter(([key]) => !DROPPED.has(key))
    .map(([key, value]) => [key, writeValue(key, value, definitions, depth + 1)] as const);
  return Object.fromEntries(entries);
}

function writeValue(key: string, value: unknown, definitions: JsonRecord, depth: number): unknown {
  if (key === 'properties' && isRecord(value)) {
    const fields = Object.entries(value).filter((entry): entry is [string, JsonRecord] => isRecord(entry[1]));
    return Object.fromEntries(fields.map(([name, field]) => [name, writeOut(field, definitions, depth)]));
  }
  if (key === 'type' && Array.isArray(value)) return value.find((each) => each !== 'null') ?? 'string';
  if (Array.isArray(value)) return value.map((each) => (isRecord(each) ? writeOut(each, definitions, depth) : each));
  return isRecord(value) ? writeOut(value, definitions, depth) : value;
}
