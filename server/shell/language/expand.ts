import { LimitReached } from './limit.ts';
import type { Word, WordPart } from './words.ts';

const MAX_WORDS = 20_000;
/** Characters of one word, and of one variable. */
export const MAX_WORD = 1_048_576;

/** What a word may stand for. */
export interface Values {
  variable(name: string): string;
  substitution(script: string): Promise<string>;
}

function valueOf(part: WordPart, values: Values): string | Promise<string> {
  if (part.type === 'text') return part.text;
  return part.type === 'variable' ? values.variable(part.name) : values.substitution(part.script);
}

/** The word as one text: for assignments, file names, here-documents, where nothing is split. */
export async function expandWhole(word: Word, values: Values): Promise<string> {
  let text = '';
  for (const part of word) {
    text += await valueOf(part, values);
    if (text.length > MAX_WORD) throw new LimitReached('a word of the command is longer than 1 MiB');
  }
  return text;
}

/** The word as the fields it makes: an unquoted variable or substitution is split at blanks, `{1..3}` is counted out. */
export async function expandFields(word: Word, values: Values): Promise<string[]> {
  const counted = countOut(word);
  if (counted) return counted;
  const fields: string[] = [];
  let current: string | undefined;
  let length = 0;
  for (const part of word) {
    const text = await valueOf(part, values);
    length += text.length;
    if (length > MAX_WORD) throw new LimitReached('a word of the command is longer than 1 MiB');
    if (part.quoted || part.type === 'text') {
      current = (current ?? '') + text;
      continue;
    }
    const [first = '', ...more] = text.split(/[ \t\n]+/);
    if (first !== '') current = (current ?? '') + first;
    for (const piece of more) {
      if (current !== undefined) fields.push(current);
      current = piece === '' ? undefined : piece;
    }
  }
  if (current !== undefined) fields.push(current);
  if (fields.length > MAX_WORDS) throw new LimitReached('the command has too many words');
  return fields;
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
