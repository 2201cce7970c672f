import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonSchema } from '#domain';

/** A kind's schema, read when first asked for. */
export function schemaFile(name: string): () => JsonSchema {
  let schema: JsonSchema | undefined;
  return () => {
    schema ??= JSON.parse(readFileSync(join(import.meta.dirname, '../schemas', `${name}.json`), 'utf8')) as JsonSchema;
    return schema;
  };
}
