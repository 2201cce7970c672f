import type { JsonSchema } from '#domain';
import { type Fields, fieldSchema, isFields, resolve } from './node.ts';

/** The value with the schema's defaults where fields are absent, as an API server stores it. The input is not changed; null is absent. */
export function withDefaults(value: unknown, input: unknown, root: JsonSchema): unknown {
  const schema = resolve(input, root);
  if (!schema) return value;
  if (Array.isArray(value)) return value.map((item) => withDefaults(item, schema['items'], root));
  return isFields(value) ? fieldsWithDefaults(value, schema, root) : value;
}

function fieldsWithDefaults(value: Fields, schema: Fields, root: JsonSchema): Fields {
  const out: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    if (field !== null && field !== undefined) out[name] = withDefaults(field, fieldSchema(schema, name), root);
  }
  const properties = isFields(schema['properties']) ? schema['properties'] : {};
  for (const [name, each] of Object.entries(properties)) {
    if (out[name] !== undefined) continue;
    const standard = resolve(each, root)?.['default'];
    if (standard !== undefined) out[name] = withDefaults(standard, each, root);
  }
  return out;
}
