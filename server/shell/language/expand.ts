import { type ArithmeticVariables, evaluate } from './arithmetic.ts';
import { isPattern, matchPaths, type Piece, replaced, trimmed } from './glob.ts';
import { ExpansionFailed, LimitReached } from './limit.ts';
import type { Change, Word, WordPart } from './words.ts';

const MAX_WORDS = 20_000;
/** Characters of one word, and of one variable. */
export const MAX_WORD = 1_048_576;
export const DEFAULT_IFS = ' \t\n';

/** What a word may stand for. */
export interface Values extends ArithmeticVariables {
  substitution(script: string): Promise<string>;
  /** Paths that a pattern may name: those from the root, or those from here. */
  paths(absolute: boolean): readonly string[];
}

/** A variable after what its braces do to it. `quoted`: the text comes from a quoted word and is not split. */
async function variableOf(
  { name, change, quoted }: WordPart & { readonly type: 'variable' },
  values: Values,
): Promise<Piece> {
  const value = values.variable(name);
  if (change === undefined) return { text: value ?? '', quoted };
  if (change.operator === 'length') return { text: String((value ?? '').length), quoted };
  if (change.operator === 'slice') return { text: await sliced(value ?? '', change, values), quoted };
  if ('by' in change) {
    const by = { with: await expandWhole(change.by, values), all: change.operator === '//' };
    return { text: replaced(value ?? '', await piecesOf(change.word, values), by), quoted };
  }
  switch (change.operator) {
    case '#':
    case '##':
    case '%':
    case '%%':
      return { text: trimmed(value ?? '', change.operator, await piecesOf(change.word, values)), quoted };
  }
  const there = change.operator.startsWith(':') ? Boolean(value) : value !== undefined;
  if (there !== change.operator.endsWith('+')) return { text: there ? (value ?? '') : '', quoted };
  const text = await expandWhole(change.word, values);
  if (change.operator.endsWith('=')) values.assign(name, text);
  if (change.operator.endsWith('?')) throw new ExpansionFailed(`${name}: ${text || 'parameter null or not set'}`, 127);
  return { text, quoted: quoted || change.word.some((part) => part.quoted) };
}

async function sliced(value: string, change: Change & { readonly operator: 'slice' }, values: Values): Promise<string> {
  const number = async (word: Word): Promise<number> => Number(evaluate(await expandWhole(word, values), values));
  const from = await number(change.from);
  const start = from < 0 ? value.length + from : from;
  if (start < 0) return '';
  if (change.length === undefined) return value.slice(start);
  const length = await number(change.length);
  return length < 0 ? value.slice(start, length) : value.slice(start, start + length);
}

/** The text of one part. */
async function pieceOf(part: WordPart, values: Values): Promise<Piece> {
  const { quoted } = part;
  switch (part.type) {
    case 'text':
      return { text: part.text, quoted };
    case 'variable':
      return variableOf(part, values);
    case 'substitution':
      return { text: await values.substitution(part.script), quoted };
    case 'arithmetic':
      return { text: String(evaluate(await expandWhole(part.expression, values), values)), quoted };
  }
}

/** The word's parts as text: what a pattern is read from. */
export async function piecesOf(word: Word, values: Values): Promise<Piece[]> {
  const pieces: Piece[] = [];
  let length = 0;
  for (const part of word) {
    const piece = await pieceOf(part, values);
    pieces.push(piece);
    length += piece.text.length;
    if (length > MAX_WORD) throw new LimitReached('a word of the command is longer than 1 MiB');
  }
  return pieces;
}

/** The word as one text: for assignments, file names, here-documents, where nothing is split. */
export const expandWhole = async (word: Word, values: Values): Promise<string> => textOf(await piecesOf(word, values));

const textOf = (pieces: readonly Piece[]): string => pieces.map(({ text }) => text).join('');

/**
 * The word as the fields it makes: an unquoted variable or substitution is split at blanks, `{1..3}` is counted out, and a pattern
 * stands for the files that it matches, or for itself where there are none.
 */
export async function expandFields(word: Word, values: Values): Promise<string[]> {
  const counted = countOut(word);
  if (counted) return counted;
  const fields: Piece[][] = [];
  let current: Piece[] | undefined;
  let length = 0;
  const add = (piece: Piece): void => {
    current = [...(current ?? []), piece];
  };
  const end = (): void => {
    if (current !== undefined) fields.push(current);
    current = undefined;
  };
  for (const part of word) {
    const all = allArguments(part, values);
    if (all) {
      for (const [index, text] of all.entries()) {
        if (index > 0) end();
        add({ text, quoted: true });
      }
      continue;
    }
    const piece = await pieceOf(part, values);
    length += piece.text.length;
    if (length > MAX_WORD) throw new LimitReached('a word of the command is longer than 1 MiB');
    if (piece.quoted || part.type === 'text') add(piece);
    else {
      const [first = '', ...more] = split(piece.text, values.variable('IFS') ?? DEFAULT_IFS);
      if (first !== '') add({ text: first, quoted: false });
      for (const text of more) {
        end();
        if (text !== '') add({ text, quoted: false });
      }
    }
    if (fields.length > MAX_WORDS) throw new LimitReached('the command has too many words');
  }
  end();
  return fields.flatMap((pieces) => found(pieces, values));
}

/** `"$@"`: each argument as a field of its own. */
function allArguments(part: WordPart, values: Values): string[] | undefined {
  if (part.type !== 'variable' || part.name !== '@' || part.change) return undefined;
  const count = Number(values.variable('#'));
  return Array.from({ length: count }, (_, i) => values.variable(String(i + 1)) ?? '');
}

/** Blanks in a row part two fields, any other separator does so each time. */
export function split(text: string, separators: string): string[] {
  if (separators === '') return [text];
  const blanks = [...separators].every((char) => DEFAULT_IFS.includes(char));
  const fields: string[] = [];
  let field = '';
  let inGap = false;
  for (const char of text) {
    if (!separators.includes(char)) {
      field += char;
      inGap = false;
    } else if (!blanks || !inGap) {
      fields.push(field);
      field = '';
      inGap = true;
    }
  }
  return [...fields, field];
}

function found(pieces: readonly Piece[], values: Values): string[] {
  if (!isPattern(pieces)) return [textOf(pieces)];
  const files = matchPaths(pieces, values.paths(pieces[0]?.text.startsWith('/') ?? false));
  return files.length > 0 ? files : [textOf(pieces)];
}

/** `{1..10}` alone in a word, as tutorials write loops. */
function countOut(word: Word): string[] | undefined {
  const [only, ...more] = word;
  if (only?.type !== 'text' || only.quoted || more.length > 0) return undefined;
  const [, from, to] = /^\{(-?\d{1,15})\.\.(-?\d{1,15})\}$/.exec(only.text) ?? [];
  if (from === undefined || to === undefined) return undefined;
  const first = Number(from);
  const count = Math.abs(Number(to) - first) + 1;
  if (count > MAX_WORDS) throw new LimitReached('the command has too many words');
  const step = Number(to) < first ? -1 : 1;
  return Array.from({ length: count }, (_, i) => String(first + i * step));
}
