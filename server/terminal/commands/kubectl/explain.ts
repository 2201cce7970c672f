import type { JsonSchema, KindDefinition } from '#domain';
import { onOff, value } from '#shell';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';
import type { Typed, Verb } from '../verb.ts';
import { askApi } from './api.ts';
import { findKind } from './targets.ts';

/** The part of JSON Schema that the kinds' schemas use. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly enum?: readonly unknown[];
  readonly allOf?: readonly Schema[];
  readonly $ref?: string;
}

/** Where a kind's schema stands: the document that its references are about. */
interface Described {
  readonly start: Schema;
  readonly root: Schema;
}

export const explain: Verb = {
  name: 'explain',
  manual: `kubectl explain <kind>[.field.field] [--recursive] [--api-version=v1]
What a field is for, its type, and the fields below it: kubectl explain virtualservice.spec.http.retries`,
  flags: { recursive: onOff(), 'api-version': value(), output: value() },
  run: async (flags, io, context) => {
    const [word, more] = flags.words;
    if (word === undefined)
      throw new UsageError(
        'error: You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list of supported resources.',
      );
    if (more !== undefined) throw new UsageError('error: We accept only this format: explain RESOURCE');
    const { kind, path } = splitWord(context, word);
    const asked = flags.text('api-version')?.split('/').at(-1);
    const version = asked ?? kind.versions[0] ?? 'v1';
    const head = [
      ...(kind.group === '' ? [] : [`GROUP:      ${kind.group}`]),
      `KIND:       ${kind.kind}`,
      `VERSION:    ${version}`,
      '',
    ];
    const { start, root } = await fromServer(kind, version, { io, context });
    const schema = walk({ start, root }, path);
    if (!schema) {
      io.out(`${head.join('\n')}\n`);
      throw new UsageError(
        `error: field "${path.find((_name, at) => !walk({ start, root }, path.slice(0, at + 1)))}" does not exist`,
      );
    }
    const field = path.at(-1);
    const lines = [
      ...head,
      ...(field === undefined ? [] : [`FIELD: ${field} <${typeName(schema)}>`, '', '']),
      'DESCRIPTION:',
      ...paragraphs(schema, root, '    '),
      '    ',
    ];
    const fields = fieldLines(inner(schema, root), { root, depth: 1, recursive: flags.on('recursive'), above: [] });
    if (fields.length > 0) lines.push('FIELDS:', ...fields);
    io.out(`${lines.join('\n')}\n\n`);
    return 0;
  },
  complete: completeField,
};

function completeField({ words }: Typed, context: ShellContext): readonly string[] {
  const word = words.at(-1) ?? '';
  if (words.length > 1) return [];
  if (!word.includes('.')) return context.sandbox.store.kinds.all.flatMap((kind) => [kind.plural, kind.singular]);
  const stem = word.slice(0, word.lastIndexOf('.'));
  const { kind, path } = splitWord(context, stem);
  if (!kind.schema) return [];
  const root = schemaOf(kind);
  const schema = walk({ start: root, root }, path);
  return Object.keys(schema === undefined ? {} : (inner(schema, root).properties ?? {})).map(
    (name) => `${stem}.${name}`,
  );
}

/** `virtualservices.networking.istio.io.spec` and `vs.spec`: the longest word that names a kind, then field names. */
function splitWord(context: ShellContext, word: string): { kind: KindDefinition; path: string[] } {
  const parts = word.split('.');
  for (let length = parts.length; length > 0; length--) {
    const kind = context.sandbox.store.kinds.find(parts.slice(0, length).join('.'));
    if (kind) return { kind, path: parts.slice(length).filter((part) => part !== '') };
  }
  return { kind: findKind(context, parts[0] ?? ''), path: [] };
}

function schemaOf(kind: KindDefinition): Schema {
  const schema: JsonSchema | undefined = kind.schema?.();
  if (!schema) throw new UsageError(`error: ${kind.kind} has no description`);
  return schema as Schema;
}

/** The kind's schema in the API server's own document, where descriptions are whole. */
async function fromServer(
  kind: KindDefinition,
  version: string,
  { io, context }: { io: CommandIo; context: ShellContext },
): Promise<Described> {
  const path = kind.group === '' ? `api/${version}` : `apis/${kind.group}/${version}`;
  const root = JSON.parse(await askApi({ path: `/openapi/v3/${path}`, signal: io.signal }, context)) as Schema & {
    components: {
      schemas: Readonly<Record<string, Schema & { 'x-kubernetes-group-version-kind'?: readonly { kind: string }[] }>>;
    };
  };
  const start = Object.values(root.components.schemas).find((schema) =>
    schema['x-kubernetes-group-version-kind']?.some((each) => each.kind === kind.kind),
  );
  if (!start) throw new UsageError(`error: couldn't find resource for "${kind.group}/${version}, Kind=${kind.kind}"`);
  return { start, root };
}

/** Behind a reference, and behind the single part of an `allOf`. */
function resolve(schema: Schema, root: Schema): Schema {
  const [only, ...more] = schema.allOf ?? [];
  if (only && more.length === 0 && !schema.properties) return resolve(only, root);
  const [, path] = /^#\/(.+)$/.exec(schema.$ref ?? '') ?? [];
  if (path === undefined) return schema;
  let found: unknown = root;
  for (const key of path.split('/')) found = (found as Record<string, unknown> | undefined)?.[key];
  return found as Schema;
}

/** The schema whose fields stand below: that of a list's items or a map's values. */
function inner(schema: Schema, root: Schema): Schema {
  let at = resolve(schema, root);
  for (;;) {
    const values = typeof at.additionalProperties === 'object' ? at.additionalProperties : undefined;
    const next = at.items ?? (at.properties ? undefined : values);
    if (!next) return at;
    at = resolve(next, root);
  }
}

/** Undefined when a field is not there. */
function walk({ start, root }: Described, path: readonly string[]): Schema | undefined {
  let at = start;
  for (const name of path) {
    const { properties = {} } = inner(at, root);
    const next = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (!next) return undefined;
    at = next;
  }
  return at;
}

/** What is said of a field, then of its type, of its items' type. */
function descriptions(schema: Schema, root: Schema): string[] {
  const values = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  const parts = [schema.items, values, ...(schema.allOf ?? [])].filter((part) => part !== undefined);
  const referred = schema.$ref === undefined ? [] : descriptions(resolve({ $ref: schema.$ref }, root), root);
  return [
    ...(schema.description ? [schema.description] : []),
    ...parts.flatMap((part) => descriptions(part, root)),
    ...referred,
  ];
}

/** Of a field only its own words, or, where it has none, those of its type. */
const shortly = (schema: Schema, root: Schema): string =>
  schema.description ?? descriptions(schema, root)[0] ?? '<no description>';

function paragraphs(schema: Schema, root: Schema, indent: string): string[] {
  const texts = descriptions(schema, root);
  return (texts.length > 0 ? texts : ['<empty>']).flatMap((text) => wrap(text, indent));
}

function typeName(schema: Schema): string {
  if (schema.items) return `[]${typeName(schema.items)}`;
  if (typeof schema.additionalProperties === 'object') return `map[string]${typeName(schema.additionalProperties)}`;
  const [only, ...more] = schema.allOf ?? [];
  if (only && more.length === 0 && !schema.properties) return typeName(only);
  if (schema.$ref !== undefined) return schema.$ref.split('.').at(-1) ?? 'Object';
  return schema.type === 'object' || schema.type === undefined ? 'Object' : schema.type;
}

/** Some types hold themselves. */
const MAX_DEPTH = 20;

interface Printing {
  readonly root: Schema;
  readonly depth: number;
  readonly recursive: boolean;
  /** Types around this one, which are not opened again. */
  readonly above: readonly Schema[];
}

function fieldLines(schema: Schema, printing: Printing): string[] {
  const { root, depth, recursive } = printing;
  const indent = '  '.repeat(depth);
  const fields = Object.entries(schema.properties ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return fields.flatMap(([name, field]) => {
    const required = schema.required?.includes(name) ? ' -required-' : '';
    const title = `${indent}${name}\t<${typeName(field)}>${required}`;
    const below = inner(field, root);
    const values = below.enum?.map(String).join(', ');
    const choice = values ? [`${indent}enum: ${values}`] : [];
    if (recursive) {
      if (depth >= MAX_DEPTH || printing.above.includes(below)) return [title, ...choice];
      return [
        title,
        ...choice,
        ...fieldLines(below, { ...printing, depth: depth + 1, above: [...printing.above, below] }),
      ];
    }
    return [title, ...choice, ...wrap(shortly(field, root), `${indent}  `), ''];
  });
}

const WIDTH = 80;

/** Lines of the text stay lines, with the blanks that they begin with. */
function wrap(text: string, indent: string): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line.trimEnd(), indent));
}

function wrapLine(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const [piece, blanks = '', word = ''] of text.matchAll(/([ \t]*)([^ \t]+)/g)) {
    if (line !== '' && indent.length + line.length + piece.length > WIDTH) {
      lines.push(indent + line);
      line = word;
    } else line += line === '' ? piece : blanks + word;
  }
  return [...lines, indent + line];
}
