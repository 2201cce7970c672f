import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { frontmatter, loadTerms, root } from './load.ts';

/** A piece of prose that a learner reads, and where it stands. */
export interface Prose {
  readonly place: string;
  readonly text: string;
}

// Fields whose text is not prose: names, code, IPA, spellings that are wrong on purpose.
const notProse = new Set([
  'id',
  'term',
  'ipa',
  'ipaUk',
  'respelling',
  'respellingUk',
  'misspellings',
  'code',
  'text',
  'evidence',
  'lab',
  'labs',
  'objectives',
  'answer',
  'choices',
  'gap',
  'flag',
  'line',
  'file',
  'probe',
  'topology',
  'terms',
  'related',
  'who',
  'specific',
  'claim',
  'url',
  'href',
  'from',
  'to',
  'kind',
  'role',
  'figure',
  'topic',
  'aliases',
  'host',
  'traffic',
  'parts',
  'says',
  'right',
]);
// `text` is prose where it stands beside a name or an option, and code where it stands in a term's `stands`.
const prosaicText = new Set(['models', 'rubric', 'points', 'options', 'objectives', 'weeks']);

/** Every text in a parsed file that is read as prose. */
export function proseOf(value: unknown, place: string, inside = ''): Prose[] {
  if (typeof value === 'string') return [{ place, text: value }];
  if (Array.isArray(value)) return value.flatMap((each, index) => proseOf(each, `${place}[${index}]`, inside));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => {
    const skipped = notProse.has(key) && !(key === 'text' && prosaicText.has(inside));
    return skipped ? [] : proseOf(each, `${place}.${key}`, key);
  });
}

/** Markdown without code, links' addresses, components and tables. */
export function plainMarkdown(text: string): string {
  return text
    .replace(/```[\s\S]*?```/g, '')
    .replace(/^(?:import|export) .*$/gm, '')
    .replace(/^\|.*$/gm, '')
    .replace(/<Code[\s\S]*?\/>/g, '')
    .replace(/\{`[\s\S]*?`\}/g, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/`[^`]*`/g, 'X')
    .replace(/\]\([^)]*\)/g, ']')
    .replace(/[#*_[\]{}|]/g, ' ');
}

const files = (folder: string, ending: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file));
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** All prose of the course: words, lessons, questions, exercises, labs' texts. */
export function allProse(): Prose[] {
  const words = loadTerms().flatMap(({ file, data, body }) => [
    ...proseOf({ definition: data.definition, gist: data.gist, how: data.confusedWith.map(({ how }) => how) }, file),
    { place: `${file}, note`, text: plainMarkdown(body) },
  ]);
  const yaml = [
    ...files('lessons', '.yaml').filter((file) => !file.endsWith('course.yaml')),
    ...files('glossary/cards', '.yaml'),
  ].flatMap((file) => proseOf(parse(read(file)), file));
  const texts = [...files('lessons', '.mdx'), ...files('labs', 'text.md')].map((file) => {
    const { body } = frontmatter(read(file));
    return { place: file, text: plainMarkdown(body || read(file)) };
  });
  return [...words, ...yaml, ...texts];
}
