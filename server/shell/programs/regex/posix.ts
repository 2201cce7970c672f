import { RE2JS } from 're2js';

const MAX_PATTERN = 1000;

/** How a pattern is written: POSIX basic, POSIX extended, or RE2 itself. */
export type Dialect = 'basic' | 'extended' | 're2';

export interface PatternOptions {
  readonly dialect: Dialect;
  readonly ignoreCase?: boolean;
  /** Of the leftmost matches the longest; RE2's own patterns take the first otherwise. */
  readonly longest?: boolean;
}

/** A list in brackets: a closing bracket may stand first, and classes stand inside. */
const LIST = /\[\^?\]?(?:\[:[a-z]+:\]|\[\.[^\]]*\.\]|\[=[^\]]*=\]|[^\]])*\]/y;
/** What GNU's patterns have besides POSIX, and RE2 writes otherwise or likewise. */
const GNU: Readonly<Record<string, string>> = {
  w: '\\w',
  W: '\\W',
  s: '\\s',
  S: '\\S',
  b: '\\b',
  B: '\\B',
  '<': '\\b',
  '>': '\\b',
  '`': '\\A',
  "'": '\\z',
  n: '\\n',
  t: '\\t',
};
/** Signs that mean something in an extended pattern, and in a basic one behind a backslash. */
const SIGNS = '(){}|+?';

/**
 * A POSIX pattern, compiled by RE2, so that its cost is bounded by its length times the text's. The longest of the leftmost matches is
 * found. Unlike POSIX, there are no back references. Throws an Error with what is wrong. Source: POSIX, Regular Expressions.
 */
export function compilePattern(
  pattern: string,
  { dialect, ignoreCase, longest = dialect !== 're2' }: PatternOptions,
): RE2JS {
  if (pattern.length > MAX_PATTERN) throw new Error(`a pattern has at most ${MAX_PATTERN} characters`);
  const source = dialect === 're2' ? pattern : toRe2(pattern, dialect === 'extended');
  const flags = (ignoreCase ? RE2JS.CASE_INSENSITIVE : 0) | (longest ? RE2JS.LONGEST_MATCH : 0);
  return RE2JS.compile(source === '' ? '(?:)' : dialect === 're2' ? source : `(?s:${source})`, flags);
}

/** Rewrites a pattern, sign by sign. */
export function toRe2(pattern: string, extended: boolean): string {
  let source = '';
  /** Nothing to repeat stands before: at the start, behind `(` and `|`, and behind `^` of a basic pattern. */
  let fresh = true;
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] ?? '';
    const next = pattern[at + 1];
    if (char === '[') {
      LIST.lastIndex = at;
      const [list] = LIST.exec(pattern) ?? [];
      if (list === undefined) throw new Error('unmatched [, [^, [:, [., or [=');
      source += listToRe2(list);
      at += list.length - 1;
      fresh = false;
    } else if (char === '\\') {
      if (next === undefined) throw new Error('trailing backslash');
      at += 1;
      const isSign = SIGNS.includes(next) && !extended;
      source += isSign ? sign(next, fresh) : escaped(next);
      fresh = isSign && '(|'.includes(next);
    } else if (char === '*') {
      source += fresh ? (extended ? '' : '\\*') : '*';
      fresh = false;
    } else if (char === '^') {
      source += extended || fresh ? '^' : '\\^';
      fresh = extended || fresh;
    } else if (char === '$') {
      source +=
        extended || next === undefined || pattern.startsWith('\\)', at + 1) || pattern.startsWith('\\|', at + 1)
          ? '$'
          : '\\$';
      fresh = false;
    } else if (extended && SIGNS.includes(char)) {
      source += char === '{' && !/^\{\d*(?:,\d*)?\}/.test(pattern.slice(at)) ? '\\{' : sign(char, fresh);
      fresh = '(|'.includes(char);
    } else {
      source += char === '.' ? '.' : RE2JS.quote(char);
      fresh = false;
    }
  }
  return source;
}

const sign = (char: string, fresh: boolean): string => (fresh && '+?{'.includes(char) ? `\\${char}` : char);

function escaped(char: string): string {
  if (/[1-9]/.test(char)) throw new Error('back references (\\1) in a pattern are not part of this terminal');
  return Object.hasOwn(GNU, char) ? (GNU[char] ?? '') : RE2JS.quote(char);
}

/** In a list of POSIX a backslash stands for itself. */
function listToRe2(list: string): string {
  const [, negated, members = ''] = /^\[(\^?)(.*)\]$/s.exec(list) ?? [];
  const source = members.replace(/\[:[a-z]+:\]|\[[.=]([^\]]*)[.=]\]|[\\[\]^]/g, (found, single: string | undefined) => {
    if (found.startsWith('[:')) return found;
    return `\\${single ?? found}`;
  });
  return `[${negated}${source}]`;
}
