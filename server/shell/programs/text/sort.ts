import { type Command, UsageError } from '../../command.ts';
import { many, onOff, value } from '../../flags.ts';
import { completeFiles, input, textFlags } from './input.ts';
import { allLines } from './lines.ts';

/** How two texts are compared: letters of sort's own flags. */
interface Order {
  readonly numeric: boolean;
  readonly human: boolean;
  readonly versions: boolean;
  readonly fold: boolean;
  readonly blanks: boolean;
  readonly reverse: boolean;
}

/** From a field (and character) to a field (and character); 0: to the end. */
interface Key extends Order {
  readonly fromField: number;
  readonly fromChar: number;
  readonly toField: number;
  readonly toChar: number;
}

const LETTERS = /^[nhVfbrdgiM]*$/;

const orderOf = (letters: string): Order => ({
  numeric: /[ng]/.test(letters),
  human: letters.includes('h'),
  versions: letters.includes('V'),
  fold: letters.includes('f'),
  blanks: letters.includes('b'),
  reverse: letters.includes('r'),
});

/** Sorts by bytes, as in the locale C. Source: POSIX, sort; with GNU's -h, -V and -s. */
export const sort: Command = {
  name: 'sort',
  summary: 'sort lines',
  manual:
    'sort [-n] [-h] [-V] [-r] [-u] [-f] [-b] [-s] [-c] [-k field[,field]]… [-t separator] [-o file] [files…]   sort -k2,2nr -k1,1 sorts by the second field as a number, the largest first, then by the first.',
  run: async (args, io, world) => {
    const flags = textFlags('sort', args, {
      'numeric-sort': onOff('n'),
      'general-numeric-sort': onOff('g'),
      'human-numeric-sort': onOff('h'),
      'version-sort': onOff('V'),
      'ignore-case': onOff('f'),
      'ignore-leading-blanks': onOff('b'),
      reverse: onOff('r'),
      unique: onOff('u'),
      stable: onOff('s'),
      check: onOff('c'),
      output: value('o'),
      key: many('k'),
      'field-separator': value('t'),
    });
    const letters = [
      ['n', 'numeric-sort'],
      ['g', 'general-numeric-sort'],
      ['h', 'human-numeric-sort'],
      ['V', 'version-sort'],
      ['f', 'ignore-case'],
      ['b', 'ignore-leading-blanks'],
      ['r', 'reverse'],
    ].flatMap(([letter = '', flag = '']) => (flags.on(flag) ? [letter] : []));
    const whole = orderOf(letters.join(''));
    const separator = flags.text('field-separator')?.replace('\\t', '\t');
    if (separator !== undefined && separator.length !== 1)
      throw new UsageError(`sort: multi-character tab '${separator}'`, 2);
    const keys = flags.all('key').map((text) => readKey(text, letters.join('')));
    const byKeys = comparer(keys, whole, separator);
    const last =
      flags.on('stable') || flags.on('unique') ? () => 0 : (a: string, b: string) => signed(texts(a, b), whole.reverse);
    const lines = await allLines(input('sort', flags.words, io, world));
    if (flags.on('check')) return checkOrder(lines, byKeys, { unique: flags.on('unique'), err: io.err });
    lines.sort(
      (a, b) =>
        byKeys(a, b) ||
        (keys.length > 0 || whole.numeric || whole.human || whole.versions || whole.fold ? last(a, b) : 0),
    );
    const sorted = flags.on('unique')
      ? lines.filter((line, index) => index === 0 || byKeys(lines[index - 1] ?? '', line) !== 0)
      : lines;
    const text = sorted.map((line) => `${line}\n`).join('');
    const file = flags.text('output');
    if (file === undefined) io.out(text);
    else world.files.write(file, text);
    return 0;
  },
  complete: completeFiles,
};

function checkOrder(
  lines: readonly string[],
  by: (a: string, b: string) => number,
  { unique, err }: { unique: boolean; err: (text: string) => void },
): number {
  for (let at = 1; at < lines.length; at++) {
    const order = by(lines[at - 1] ?? '', lines[at] ?? '');
    if (order < 0 || (order === 0 && !unique)) continue;
    err(`sort: -:${at + 1}: disorder: ${lines[at]}\n`);
    return 1;
  }
  return 0;
}

function readKey(text: string, ownLetters: string): Key {
  const [, fromField, fromChar, first = '', toField, toChar, second = ''] =
    /^(\d+)(?:\.(\d+))?([A-Za-z]*)(?:,(\d+)(?:\.(\d+))?([A-Za-z]*))?$/.exec(text) ?? [];
  if (fromField === undefined || Number(fromField) < 1)
    throw new UsageError(`sort: invalid number at field start: invalid count at start of '${text}'`, 2);
  if (!LETTERS.test(first + second))
    throw new UsageError(`sort: stray character in field spec: invalid field specification '${text}'`, 2);
  // A key without letters of its own takes those of the command.
  return {
    ...orderOf(first + second || ownLetters),
    fromField: Number(fromField),
    fromChar: Number(fromChar ?? 1),
    toField: Number(toField ?? 0),
    toChar: Number(toChar ?? 0),
  };
}

function comparer(keys: readonly Key[], whole: Order, separator: string | undefined): (a: string, b: string) => number {
  if (keys.length === 0) return (a, b) => ordered(a, b, whole);
  return (a, b) => {
    for (const key of keys) {
      const order = ordered(part(a, key, separator), part(b, key, separator), key);
      if (order !== 0) return order;
    }
    return 0;
  };
}

/** Where the fields of a line begin and end; without a separator the blanks before a field belong to it. */
function bounds(line: string, separator: string | undefined): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  if (separator === undefined) {
    for (const { index, 0: text } of line.matchAll(/[ \t]*[^ \t]+|[ \t]+$/g))
      found.push({ start: index, end: index + text.length });
    return found;
  }
  let start = 0;
  for (let end = line.indexOf(separator); end >= 0; end = line.indexOf(separator, start)) {
    found.push({ start, end });
    start = end + 1;
  }
  return [...found, { start, end: line.length }];
}

function part(line: string, key: Key, separator: string | undefined): string {
  const fields = bounds(line, separator);
  const at = (field: number, char: number): number => {
    const { start, end } = fields[field - 1] ?? { start: line.length, end: line.length };
    const skipped = key.blanks ? (/^[ \t]*/.exec(line.slice(start, end))?.[0].length ?? 0) : 0;
    return Math.min(char === 0 ? end : start + skipped + char, char === 0 ? end : line.length);
  };
  const from = at(key.fromField, key.fromChar) - 1;
  const to = key.toField === 0 ? line.length : at(key.toField, key.toChar);
  const begin = fields[key.fromField - 1] === undefined ? line.length : Math.max(0, from);
  return line.slice(begin, Math.max(begin, to));
}

function ordered(a: string, b: string, order: Order): number {
  if (order.numeric) return signed(number(a) - number(b), order.reverse);
  if (order.human) return signed(sized(a) - sized(b), order.reverse);
  const bare = (text: string): string => {
    const trimmed = order.blanks ? text.replace(/^[ \t]+/, '') : text;
    return order.fold ? trimmed.toUpperCase() : trimmed;
  };
  return signed(order.versions ? versions(a, b) : texts(bare(a), bare(b)), order.reverse);
}

const signed = (order: number, reverse: boolean): number => (reverse ? -order : order);
const number = (text: string): number => Number(/^\s*(-?\d*\.?\d+)/.exec(text)?.[1] ?? 0);

/** `2K`, `1.5G`: first by the size of the suffix, then by the number. */
function sized(text: string): number {
  const [, digits, suffix = ''] = /^\s*(-?\d*\.?\d+)([kKMGTPE]?)/.exec(text) ?? [];
  const power = 'KMGTPE'.indexOf(suffix.toUpperCase());
  return Number(digits ?? 0) * 1024 ** (suffix === '' ? 0 : power + 1);
}

/** `v1.9` before `v1.10`: digits in a row count as a number. */
function versions(a: string, b: string): number {
  const parts = (text: string): string[] => text.match(/\d+|\D+/g) ?? [];
  const [left, right] = [parts(a), parts(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [x = '', y = ''] = [left[at], right[at]];
    const order = /^\d/.test(x) && /^\d/.test(y) ? Number(x) - Number(y) : texts(x, y);
    if (order !== 0) return order;
  }
  return 0;
}

/** By code points, as UTF-8 bytes compare. */
export function texts(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}
