import type { JsonSchema } from '#domain';

export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The schema that stands here: itself, or what it refers to in `$defs`. */
export function resolve(schema: unknown, root: JsonSchema): Fields | undefined {
  if (!isFields(schema)) return undefined;
  const reference = schema['$ref'];
  if (typeof reference !== 'string') return schema;
  const definitions = root['$defs'];
  const target = isFields(definitions) ? definitions[reference.slice('#/$defs/'.length)] : undefined;
  return isFields(target) ? target : undefined;
}

/** The schema of a field: declared by name, or that of a map's values. */
export function fieldSchema(schema: Fields, name: string): unknown {
  const properties = schema['properties'];
  if (isFields(properties) && Object.hasOwn(properties, name)) return properties[name];
  return schema['additionalProperties'];
}

export const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
