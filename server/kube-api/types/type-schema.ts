import type { JsonSchema } from '#domain';
import type { JsonRecord } from '../json.ts';
import { fieldsOf, itemType, valueType } from './types.ts';

const LEAVES: Readonly<Record<string, JsonRecord>> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  '[]byte': { type: 'string' },
  Time: { type: ['string', 'null'] },
  MicroTime: { type: ['string', 'null'] },
  Duration: { type: 'string' },
  Quantity: { type: ['string', 'number'] },
  IntOrString: { type: ['integer', 'string'] },
};

const schemas = new Map<string, JsonSchema>();

/** The schema of a kind as far as its Go type tells it: fields and their types, without descriptions. */
export function typeSchema(type: string): JsonSchema {
  const known = schemas.get(type);
  if (known) return known;
  const definitions: Record<string, JsonRecord> = {};
  schemaOf(type, definitions);
  const schema = { ...definitions[type], $defs: definitions };
  schemas.set(type, schema);
  return schema;
}

function schemaOf(type: string, definitions: Record<string, JsonRecord>): JsonRecord {
  const leaf = LEAVES[type];
  if (leaf) return leaf;
  if (/^u?int\d*$/.test(type)) return { type: 'integer' };
  if (type.startsWith('float')) return { type: 'number' };
  const items = itemType(type);
  if (items !== undefined) return { type: 'array', items: schemaOf(items, definitions) };
  const values = valueType(type);
  if (values !== undefined) return { type: 'object', additionalProperties: schemaOf(values, definitions) };
  const fields = fieldsOf(type);
  if (!fields) return {};
  if (!Object.hasOwn(definitions, type)) {
    const properties: Record<string, JsonRecord> = {};
    definitions[type] = { type: 'object', properties, additionalProperties: false };
    for (const [name, field] of Object.entries(fields)) properties[name] = schemaOf(field.t, definitions);
  }
  return { $ref: `#/$defs/${type}` };
}
