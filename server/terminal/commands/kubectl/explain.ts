import type { JsonSchema, KindDefinition } from '#domain';
import { onOff } from '#shell';
import { type ShellContext, UsageError } from '../../command.ts';
import type { Typed, Verb } from '../verb.ts';
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
  readonly $ref?: string;
}

export const explain: Verb = {
  name: 'explain',
  manual: `kubectl explain <kind>[.field.field] [--recursive]
What a field is for, its type, and the fields below it: kubectl explain virtualservice.spec.http.retries`,
  flags: { recursive: onOff() },
  run: async (flags, io, context) => {
    const [word, more] = flags.words;
    if (word === undefined)
      throw new UsageError(
        'error: You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list of supported resources.',
      );
    if (more !== undefined) throw new UsageError('error: We accept only this format: explain RESOURCE');
    const { kind, path } = splitWord(context, word);
    const root = schemaOf(kind);
    const schema = walk(root, path, word);
    const field = path.at(-1);
    const lines = [
      ...(kind.group === '' ? [] : [`GROUP:      ${kind.group}`]),
      `KIND:       ${kind.kind}`,
      `VERSION:    ${kind.versions[0]}`,
      '',
      ...(field === undefined ? [] : [`FIELD: ${field} <${typeName(schema, root)}>`, '', '']),
      'DESCRIPTION:',
      ...wrap(described(schema, root) || '<empty>', '    '),
      '    ',
    ];
    const fields = fieldLines(inner(schema, root), { root, depth: 1, recursive: flags.on('recursive') });
    if (fields.length > 0) lines.push('FIELDS:', ...fields);
    io.out(`${lines.join('\n')}\n${fields.length > 0 ? '\n' : ''}`);
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
  return Object.keys(inner(walk(root, path, stem), root).properties ?? {}).map((name) => `${stem}.${name}`);
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

function resolve(schema: Schema, root: Schema): Schema {
  const [, path] = /^#\/(.+)$/.exec(schema.$ref ?? '') ?? [];
  if (path === undefined) return schema;
  let found: unknown = root;
  for (const key of path.split('/')) found = (found as Record<string, unknown> | undefined)?.[key];
  return { ...(found as Schema), ...(schema.description === undefined ? {} : { description: schema.description }) };
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

function walk(root: Schema, path: readonly string[], word: string): Schema {
  let at = root;
  for (const name of path) {
    const { properties = {} } = inner(at, root);
    const next = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (!next) throw new UsageError(`error: field "${name}" does not exist${path.length > 1 ? ` in ${word}` : ''}`);
    at = next;
  }
  return resolve(at, root);
}

const described = (schema: Schema, root: Schema): string => schema.description ?? inner(schema, root).description ?? '';

function typeName(schema: Schema, root: Schema): string {
  const at = resolve(schema, root);
  if (at.items) return `[]${typeName(at.items, root)}`;
  if (at.properties) return 'Object';
  if (typeof at.additionalProperties === 'object') return `map[string]${typeName(at.additionalProperties, root)}`;
  return at.type === 'object' || at.type === undefined ? 'Object' : at.type;
}

const MAX_DEPTH = 8;

interface Printing {
  readonly root: Schema;
  readonly depth: number;
  readonly recursive: boolean;
}

function fieldLines(schema: Schema, printing: Printing): string[] {
  const { root, depth, recursive } = printing;
  const indent = '  '.repeat(depth);
  const fields = Object.entries(schema.properties ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return fields.flatMap(([name, field]) => {
    const required = schema.required?.includes(name) ? ' -required-' : '';
    const title = `${indent}${name}\t<${typeName(field, root)}>${required}`;
    if (recursive)
      return [title, ...(depth < MAX_DEPTH ? fieldLines(inner(field, root), { ...printing, depth: depth + 1 }) : [])];
    const values = inner(field, root).enum?.map(String).join(', ');
    return [
      title,
      ...(values ? [`${indent}enum: ${values}`] : []),
      ...wrap(described(field, root) || '<no description>', `${indent}  `),
      '',
    ];
  });
}

const WIDTH = 80;

function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && indent.length + line.length + word.length + 1 > WIDTH) {
      lines.push(indent + line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line];
}
