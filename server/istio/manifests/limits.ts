import type { Diagnostic, SourceLocation } from '#domain';
import { diagnostic } from '../diagnostics/diagnostic.ts';

/** Bounds of what is read. */
export interface ManifestLimits {
  readonly bytes: number;
  readonly lines: number;
  /** Lines and separators together: a measure of the nodes that a parser would build. */
  readonly nodes: number;
  readonly documents: number;
  readonly depth: number;
  readonly aliases: number;
  readonly files: number;
}

/** What a manifest in the editor may be at most. Each bound keeps reading it within some tens of milliseconds. */
export const MANIFEST_LIMITS: ManifestLimits = Object.freeze({
  bytes: 1024 * 1024,
  lines: 6000,
  nodes: 15_000,
  documents: 200,
  depth: 64,
  aliases: 100,
  files: 100,
});

/** What the command line reads at most: whole folders of charts and samples, for one user who can wait. */
export const FILE_LIMITS: ManifestLimits = Object.freeze({
  bytes: 64 * 1024 * 1024,
  lines: 1_000_000,
  nodes: 2_000_000,
  documents: 20_000,
  depth: 64,
  aliases: 100,
  files: 10_000,
});

const start = (file: string): SourceLocation => ({ file, line: 1, column: 1, endLine: 1, endColumn: 2 });

interface Counts {
  lines: number;
  separators: number;
  aliases: number;
  documents: number;
  depth: number;
}

/** Counts in one pass over the characters. Text in quotes and comments counts too: the bounds are far above what is real. */
function count(text: string): Counts {
  const counts: Counts = { lines: 1, separators: 0, aliases: 0, documents: 1, depth: 0 };
  let brackets = 0;
  let dashes = 0;
  let previous = 10;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const opens = previous === 32 || previous === 10 || previous === 44 || previous === 91;
    if (code === 10) {
      counts.lines++;
      dashes = 0;
      if (text.startsWith('---', i + 1)) counts.documents++;
    } else if (code === 91 || code === 123) brackets++;
    else if (code === 93 || code === 125) brackets = Math.max(0, brackets - 1);
    else if (code === 44) counts.separators++;
    else if (code === 42 && opens) counts.aliases++;
    // `- - - x` and `? ? ? x` nest without indentation.
    else if ((code === 45 || code === 63) && opens) dashes++;
    counts.depth = Math.max(counts.depth, brackets, dashes);
    previous = code;
  }
  return counts;
}

const tooManyBytes = (limits: ManifestLimits): string => `more than ${limits.bytes / 1024 / 1024} MiB`;

/** Why the text must not be given to the parser; undefined when it may. */
export function limitProblem(
  file: string,
  text: string,
  limits: ManifestLimits = MANIFEST_LIMITS,
): Diagnostic | undefined {
  const location = start(file);
  const tooLarge = (what: string): Diagnostic => diagnostic('MW0001', { values: { what }, location });
  if (text.length > limits.bytes || Buffer.byteLength(text) > limits.bytes) {
    return tooLarge(tooManyBytes(limits));
  }
  const counts = count(text);
  if (counts.documents > limits.documents) {
    return diagnostic('MW0002', { values: { count: counts.documents, limit: limits.documents }, location });
  }
  if (counts.lines > limits.lines) return tooLarge(`${counts.lines} lines, ${limits.lines} are allowed`);
  if (counts.lines + counts.separators > limits.nodes) return tooLarge('too many values');
  if (counts.depth > limits.depth) {
    return diagnostic('MW0003', { values: { limit: limits.depth }, location });
  }
  if (counts.aliases > limits.aliases * 2) {
    return diagnostic('MW0004', { values: { what: `${counts.aliases} aliases` }, location });
  }
  return undefined;
}

/** The files that may be read together: those beyond the limits of one apply are refused, each with the reason. */
export function withinTotal<File extends { readonly file: string; readonly text: string }>(
  files: readonly File[],
  limits: ManifestLimits = MANIFEST_LIMITS,
): { readonly read: File[]; readonly refused: Diagnostic[] } {
  const read: File[] = [];
  const refused: Diagnostic[] = [];
  let characters = 0;
  for (const each of files) {
    characters += each.text.length;
    const what =
      read.length >= limits.files ? `more than ${limits.files} files` : `${tooManyBytes(limits)} in all files`;
    if (read.length < limits.files && (characters <= limits.bytes || read.length === 0)) read.push(each);
    else refused.push(diagnostic('MW0001', { values: { what }, location: start(each.file) }));
  }
  return { read, refused };
}
