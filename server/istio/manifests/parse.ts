import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { type Diagnostic, errorMessage, type KubeObject, type SourceLocation } from '#domain';
import { diagnostic } from '../diagnostics/diagnostic.ts';
import type { ManifestFile, ParsedDocument, ParseResult, UnreadableDocument } from './document.ts';
import { splitJsonStream } from './json-stream.ts';
import { kubernetesTags } from './kubernetes-yaml.ts';
import { limitProblem, MANIFEST_LIMITS, type ManifestLimits, withinTotal } from './limits.ts';
import { fieldPositions, innermost, locationOf, nearest, nodeLocation, type TextPlace } from './positions.ts';

/** What is wrong in one YAML document, and its value when nothing is. */
interface Reading {
  readonly problems: Diagnostic[];
  readonly value?: unknown;
}

function syntaxProblem(error: YAMLError, place: TextPlace): Diagnostic {
  const location = locationOf(place, error.pos[0], error.pos[1]);
  if (error.code === 'TAB_AS_INDENT') return diagnostic('MW0006', { location });
  if (/call stack/i.test(error.message)) {
    return diagnostic('MW0003', { values: { limit: MANIFEST_LIMITS.depth }, location });
  }
  return diagnostic('MW0005', { values: { what: error.message }, location });
}

/** After a first place that cannot be read, the parser only guesses what the rest was meant to be. */
function firstGuess(problems: readonly Diagnostic[]): Diagnostic[] {
  const first = problems.find(({ code }) => code === 'MW0005');
  return problems.filter((one) => one.code !== 'MW0005' || one === first);
}

function duplicateKeys(map: YAMLMap, place: TextPlace): Diagnostic[] {
  const seen = new Set<unknown>();
  const problems: Diagnostic[] = [];
  for (const { key } of map.items) {
    if (!isScalar(key)) continue;
    if (seen.has(key.value) && key.value !== '<<') {
      const location = nodeLocation(place, key);
      problems.push(diagnostic('MW0007', { values: { key: String(key.value) }, location }));
    }
    seen.add(key.value);
  }
  return problems;
}

/** Duplicate keys, unknown and too many aliases, depth: what the parser itself lets pass. */
function structureProblems(document: Document, place: TextPlace): Diagnostic[] {
  const problems: Diagnostic[] = [];
  const anchors = new Set<string>();
  let aliases = 0;
  visit(document, {
    Alias: (_, alias: Alias) => {
      aliases++;
      if (!anchors.has(alias.source)) {
        const location = nodeLocation(place, alias);
        problems.push(diagnostic('MW0011', { values: { anchor: alias.source }, location }));
      }
    },
    Node: (_, node, ancestors) => {
      if (!isAlias(node) && 'anchor' in node && typeof node.anchor === 'string') anchors.add(node.anchor);
      if (isMap(node)) problems.push(...duplicateKeys(node, place));
      if (ancestors.length <= MANIFEST_LIMITS.depth * 2) return undefined;
      const location = nodeLocation(place, node);
      problems.push(diagnostic('MW0003', { values: { limit: MANIFEST_LIMITS.depth }, location }));
      return visit.BREAK;
    },
  });
  if (aliases > MANIFEST_LIMITS.aliases) {
    const location = locationOf(place, document.range?.[0] ?? 0, document.range?.[0] ?? 0);
    problems.push(diagnostic('MW0004', { values: { what: `${aliases} aliases` }, location }));
  }
  return problems;
}

function readDocument(document: Document, place: TextPlace): Reading {
  const syntax = document.errors.map((error) => syntaxProblem(error, place));
  if (syntax.length > 0) return { problems: firstGuess(syntax).slice(0, 10) };
  const problems = structureProblems(document, place);
  if (problems.length > 0) return { problems: problems.slice(0, 20) };
  try {
    return { problems, value: document.toJS({ maxAliasCount: MANIFEST_LIMITS.aliases }) as unknown };
  } catch (error) {
    // ReferenceError: aliases multiply beyond the limit. Other errors: values that do not fit, such as `<<` of a text.
    const code = error instanceof ReferenceError ? 'MW0004' : 'MW0005';
    const location = locationOf(place, document.range?.[0] ?? 0, document.range?.[0] ?? 0);
    return { problems: [diagnostic(code, { values: { what: errorMessage(error) }, location })] };
  }
}

const typeWord = (value: unknown): string =>
  Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a single ${typeof value}`;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

interface Source {
  readonly place: TextPlace;
  readonly index: number;
  readonly node: Node;
}

/** The object as a document, or what it lacks to be one. */
function toDocument(value: unknown, source: Source): ParsedDocument | Diagnostic[] {
  const { place, node } = source;
  const range = nodeLocation(place, node);
  if (!isObject(value)) return [diagnostic('MW0008', { values: { what: typeWord(value) }, location: range })];
  let memo: ReturnType<typeof fieldPositions> | undefined;
  const fields = (): ReturnType<typeof fieldPositions> => {
    memo ??= fieldPositions(place, node);
    return memo;
  };
  const locate = (path: string): SourceLocation => nearest(fields(), path).position.value;
  const locateKey = (path: string): SourceLocation => {
    const { position } = nearest(fields(), path);
    return position.key ?? position.value;
  };
  const missing = (['apiVersion', 'kind'] as const).filter(
    (field) => typeof value[field] !== 'string' || value[field] === '',
  );
  if (missing.length > 0) {
    const firstLine = { ...range, endLine: range.line, endColumn: Math.max(range.column + 1, 2) };
    return missing.map((field) => diagnostic('MW0009', { values: { field }, location: firstLine }));
  }
  const metadata = value['metadata'];
  const name = isObject(metadata) ? (metadata['name'] ?? metadata['generateName']) : undefined;
  if (typeof name !== 'string' || name === '') {
    return [diagnostic('MW0010', { location: locateKey('metadata.name') })];
  }
  return {
    file: place.file,
    index: source.index,
    object: value as unknown as KubeObject,
    range,
    fields,
    locate,
    locateKey,
    fieldAt: (line, column) => innermost(fields(), line, column),
  };
}

/** The objects of one YAML document: itself, or the items of a List. */
function objectsOf(value: unknown, source: Source): { readonly value: unknown; readonly source: Source }[] {
  const isList = isObject(value) && value['kind'] === 'List' && Array.isArray(value['items']);
  if (!isList || !isMap(source.node)) return [{ value, source }];
  const items = source.node.get('items', true) as Node | undefined;
  const nodes = items && 'items' in items && Array.isArray(items.items) ? (items.items as Node[]) : [];
  return (value['items'] as unknown[]).map((item, index) => ({
    value: item,
    source: { ...source, node: nodes[index] ?? source.node },
  }));
}

const stated = (value: unknown): string => (typeof value === 'string' ? value : '');

function unreadable(
  value: unknown,
  at: { readonly file: string; readonly index: number },
  problems: readonly Diagnostic[],
): UnreadableDocument {
  const object = isObject(value) ? value : {};
  const metadata = isObject(object['metadata']) ? object['metadata'] : {};
  return {
    ...at,
    kind: stated(object['kind']),
    namespace: stated(metadata['namespace']),
    name: stated(metadata['name']),
    fields: object,
    diagnostics: problems,
  };
}

interface FileResult {
  readonly documents: ParsedDocument[];
  readonly unreadable: UnreadableDocument[];
}

/** Characters that YAML has no place for. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const CONTROL = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u0084\u0086-\u009F]/;

/** A lab's own files are read at its start by everybody who asks what they say, and their text never changes. */
const readBefore = new WeakMap<ManifestFile, FileResult>();

function parsedFile(file: ManifestFile, limits: ManifestLimits): FileResult {
  if (limits !== MANIFEST_LIMITS) return parseFile(file, limits);
  let result = readBefore.get(file);
  if (!result) {
    result = parseFile(file, limits);
    readBefore.set(file, result);
  }
  return result;
}

function parseFile({ file, text }: ManifestFile, limits: ManifestLimits): FileResult {
  const result: FileResult = { documents: [], unreadable: [] };
  const limit = limitProblem(file, text, limits);
  if (limit) return { documents: [], unreadable: [unreadable(undefined, { file, index: 0 }, [limit])] };
  let index = 0;
  for (const part of splitJsonStream(text)) index = parseText({ file, text: part }, index, result);
  return result;
}

/** Reads the documents of a text, of which the first has this index; gives the index behind the last. */
function parseText({ file, text }: ManifestFile, first: number, result: FileResult): number {
  const lines = new LineCounter();
  const place: TextPlace = { file, text, lines };
  const options = {
    lineCounter: lines,
    uniqueKeys: false,
    merge: true,
    prettyErrors: false,
    logLevel: 'silent',
    customTags: kubernetesTags,
  } as const;
  const yaml = parseAllDocuments(text, options);
  const control = CONTROL.exec(text)?.index;
  if (control !== undefined) {
    const location = locationOf(place, control, control + 1);
    const problem = diagnostic('MW0005', { values: { what: 'control characters are not allowed' }, location });
    result.unreadable.push(unreadable(undefined, { file, index: first }, [problem]));
    return first + 1;
  }
  if (!Array.isArray(yaml)) return first;
  for (const [offset, document] of yaml.entries()) {
    const index = first + offset;
    const { problems, value } = readDocument(document, place);
    if (problems.length > 0) result.unreadable.push(unreadable(value, { file, index }, problems));
    const node = document.contents as Node | null;
    if (problems.length > 0 || node === null || value === null || value === undefined) continue;
    for (const each of objectsOf(value, { place, index, node })) {
      const made = toDocument(each.value, each.source);
      if (Array.isArray(made)) result.unreadable.push(unreadable(each.value, { file, index }, made));
      else result.documents.push(made);
    }
  }
  return first + yaml.length;
}

/**
 * Reads manifests: several documents a file, comments, anchors, `kind: List`. Never throws: what cannot be read is a diagnostic with its
 * line. A document with a problem is left out, the others are there. Kinds and fields are not checked here (`validateDocument`).
 */
export function parseManifests(files: readonly ManifestFile[], limits: ManifestLimits = MANIFEST_LIMITS): ParseResult {
  const { read, refused } = withinTotal(files, limits);
  const results = read.map((file) => parsedFile(file, limits));
  const unread = results.flatMap((result) => result.unreadable);
  const tooMuch = refused.map((problem) =>
    unreadable(undefined, { file: problem.location?.file ?? '', index: 0 }, [problem]),
  );
  const all = [...unread, ...tooMuch];
  return {
    documents: results.flatMap((result) => result.documents),
    unreadable: all,
    diagnostics: all.flatMap((each) => each.diagnostics),
  };
}
