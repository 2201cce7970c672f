/** One line of /schemas/index.json. */
export interface SchemaEntry {
  kind: string;
  apiVersions: string[];
  file: string;
}

export type JsonSchema = { [name: string]: unknown };

const METADATA = {
  name: { type: 'string', description: 'The name, one of its kind in a namespace.' },
  namespace: { type: 'string', description: 'The namespace; without it, the namespace of the lab.' },
  labels: { type: 'object', description: 'Names and values that selectors look for.' },
  annotations: { type: 'object', description: 'Notes for tools; selectors do not see them.' },
};

/** `apiVersion` and `kind` of every document in the text. */
export function kindsIn(text: string): { apiVersion: string; kind: string }[] {
  return text.split(/^---.*$/m).flatMap((document) => {
    const kind = /^kind:\s*["']?([A-Za-z]+)/m.exec(document)?.[1];
    const apiVersion = /^apiVersion:\s*["']?([\w./-]+)/m.exec(document)?.[1];
    return kind && apiVersion ? [{ kind, apiVersion }] : [];
  });
}

/** Entries whose kind stands in the text. Kinds of one name (two groups have a Gateway) are told apart by apiVersion. */
export function neededEntries(index: readonly SchemaEntry[], text: string): SchemaEntry[] {
  const kinds = kindsIn(text);
  return index.filter((entry) =>
    kinds.some((one) => one.kind === entry.kind && entry.apiVersions.includes(one.apiVersion)),
  );
}

/**
 * One schema for every document: each kind's own holds where kind and apiVersion say so. Definitions move to a shelf of their
 * file, since a reference counts from the top of the whole schema.
 */
export function schemaByKind(index: readonly SchemaEntry[], loaded: ReadonlyMap<string, JsonSchema>): JsonSchema {
  const known = index.flatMap((entry) => {
    const schema = loaded.get(entry.file);
    return schema ? [{ entry, schema, shelf: entry.file.replace(/\W/g, '_') }] : [];
  });
  return {
    type: 'object',
    // Snippets are offered and never demanded: kinds without a schema of ours, such as Deployment, stand beside them. A hover does not list them.
    properties: {
      apiVersion: {
        type: 'string',
        description: 'Group and version of the kind.',
        defaultSnippets: snippets(index.flatMap((entry) => entry.apiVersions.slice(0, 1))),
      },
      kind: {
        type: 'string',
        description: 'The kind of the object.',
        defaultSnippets: snippets(index.map((entry) => entry.kind)),
      },
      metadata: { type: 'object', properties: METADATA },
      spec: {},
    },
    $defs: Object.fromEntries(known.map(({ schema, shelf }) => [shelf, moved(schema['$defs'] ?? {}, shelf)])),
    allOf: known.map(({ entry, schema, shelf }) =>
      onlyFor(entry, moved({ ...withoutHead(schema), $defs: undefined }, shelf)),
    ),
  };
}

const snippets = (values: readonly string[]): { label: string; body: string }[] =>
  [...new Set(values)].map((value) => ({ label: value, body: value }));

function moved(value: unknown, shelf: string): unknown {
  if (Array.isArray(value)) return value.map((one) => moved(one, shelf));
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(
    fields.map(([name, field]) => [name, name === '$ref' ? movedRef(field, shelf) : moved(field, shelf)]),
  );
}

function movedRef(reference: unknown, shelf: string): unknown {
  return typeof reference === 'string'
    ? reference.replace(/^#\/\$defs\//, `#/$defs/${shelf}/`)
    : moved(reference, shelf);
}

/** Kind and apiVersion are offered once, for all: a second mention in each schema would repeat them in the list. */
function withoutHead(schema: JsonSchema): JsonSchema {
  const properties = schema['properties'];
  if (typeof properties !== 'object' || properties === null) return schema;
  return { ...schema, properties: { ...properties, apiVersion: {}, kind: {} } };
}

function oneOf(texts: readonly string[]): string {
  return `^(${texts.map((text) => text.replaceAll('.', '\\.')).join('|')})$`;
}

function onlyFor(entry: SchemaEntry, schema: unknown): JsonSchema {
  const condition = {
    required: ['kind', 'apiVersion'],
    // Patterns, since the value of a const would be offered once for each kind.
    properties: { kind: { pattern: `^${entry.kind}$` }, apiVersion: { pattern: oneOf(entry.apiVersions) } },
  };
  return Object.fromEntries([
    ['if', condition],
    ['then', schema],
  ]);
}

function isEntry(value: unknown): value is SchemaEntry {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    'apiVersions' in value &&
    'file' in value &&
    typeof value.file === 'string' &&
    Array.isArray(value.apiVersions)
  );
}

/** The index, empty when this site carries no schemas: the editor then works without completion. */
export async function loadIndex(get: typeof fetch): Promise<SchemaEntry[]> {
  const answer = await get('/schemas/index.json');
  const kind = answer.headers.get('content-type') ?? '';
  if (!answer.ok || !kind.includes('json')) return [];
  const body: unknown = await answer.json();
  return Array.isArray(body) ? body.filter(isEntry) : [];
}

export async function loadSchema(get: typeof fetch, entry: SchemaEntry): Promise<JsonSchema | undefined> {
  const answer = await get(`/schemas/${entry.file}`);
  return answer.ok ? ((await answer.json()) as JsonSchema) : undefined;
}
