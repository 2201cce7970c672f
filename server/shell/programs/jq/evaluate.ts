import { RE2JS } from 're2js';
import type { Filter } from './parse.ts';

/** An error of the program that is run, as jq words it. */
export class JqError extends Error {}

/** Results that one filter may give, so that `[.[] | .[]]` over itself ends. */
const MOST_RESULTS = 100_000;
const MOST_PATTERN = 1000;

export const typeOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value === 'object' ? 'object' : typeof value;

const isTrue = (value: unknown): boolean => value !== null && value !== false;
const toText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** All results of a filter for one input, in order. */
export function evaluate(filter: Filter, input: unknown): unknown[] {
  const results = evaluateOne(filter, input);
  if (results.length > MOST_RESULTS) throw new JqError('the filter gives too many results');
  return results;
}

function evaluateOne(filter: Filter, input: unknown): unknown[] {
  switch (filter.kind) {
    case 'identity':
      return [input];
    case 'literal':
      return [filter.value];
    case 'field':
      return evaluate(filter.of, input).flatMap((value) =>
        evaluate(filter.key, input).map((key) => fieldOf(value, key)),
      );
    case 'slice':
      return evaluate(filter.of, input).map((value) =>
        sliceOf(value, first(filter.from, input), first(filter.to, input)),
      );
    case 'each':
      return evaluate(filter.of, input).flatMap(itemsOf);
    case 'try':
      try {
        return evaluate(filter.of, input);
      } catch (error) {
        if (error instanceof JqError) return [];
        throw error;
      }
    case 'pipe':
      return evaluate(filter.left, input).flatMap((value) => evaluate(filter.right, value));
    case 'comma':
      return [...evaluate(filter.left, input), ...evaluate(filter.right, input)];
    case 'binary':
      return binary(filter, input);
    case 'array':
      return [filter.of === undefined ? [] : evaluate(filter.of, input)];
    case 'object':
      return objects(filter.entries, input);
    case 'text':
      return [
        filter.parts
          .map((part) => (typeof part === 'string' ? part : toText(evaluate(part, input)[0] ?? null)))
          .join(''),
      ];
    case 'call':
      return call(filter.name, filter.args, input);
  }
}

const first = (filter: Filter | undefined, input: unknown): unknown =>
  filter === undefined ? undefined : evaluate(filter, input)[0];

function fieldOf(value: unknown, key: unknown): unknown {
  if (value === null) return null;
  if (typeof key === 'string' && typeOf(value) === 'object') {
    return Object.hasOwn(value as object, key) ? (value as Record<string, unknown>)[key] : null;
  }
  if (typeof key === 'number' && Array.isArray(value)) return value.at(Math.trunc(key)) ?? null;
  const words = typeof key === 'string' ? `string "${key}"` : typeOf(key);
  throw new JqError(`Cannot index ${typeOf(value)} with ${words}`);
}

function sliceOf(value: unknown, from: unknown, to: unknown): unknown {
  if (value === null) return null;
  if (typeof value !== 'string' && !Array.isArray(value))
    throw new JqError(`Cannot index ${typeOf(value)} with object`);
  return value.slice(
    from === undefined || from === null ? 0 : Number(from),
    to === undefined || to === null ? undefined : Number(to),
  );
}

function itemsOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (typeOf(value) === 'object') return Object.values(value as object);
  throw new JqError(
    `Cannot iterate over ${typeOf(value)}${value === null ? '' : ` (${JSON.stringify(value).slice(0, 11)})`}`,
  );
}

function objects(entries: Extract<Filter, { kind: 'object' }>['entries'], input: unknown): unknown[] {
  return entries.reduce<Record<string, unknown>[]>(
    (made, { key, value }) =>
      made.flatMap((object) =>
        evaluate(key, input).flatMap((name) =>
          evaluate(value, input).map((held) => ({ ...object, [String(name)]: held })),
        ),
      ),
    [{}],
  );
}

/** jq's order: null, false, true, numbers, text, arrays, objects. */
function compare(a: unknown, b: unknown): number {
  const rank = (value: unknown): number =>
    value === null
      ? 0
      : value === false
        ? 1
        : value === true
          ? 2
          : ({ number: 3, string: 4, array: 5 }[typeOf(value)] ?? 6);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let at = 0; at < Math.min(a.length, b.length); at++) {
      const order = compare(a[at], b[at]);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  const [left, right] = [toText(a), toText(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function binary({ operator, left, right }: Extract<Filter, { kind: 'binary' }>, input: unknown): unknown[] {
  if (operator === '//') {
    const kept = evaluate({ kind: 'try', of: left }, input).filter(isTrue);
    return kept.length > 0 ? kept : evaluate(right, input);
  }
  return evaluate(left, input).flatMap((a) => {
    if (operator === 'and' && !isTrue(a)) return [false];
    if (operator === 'or' && isTrue(a)) return [true];
    return evaluate(right, input).map((b) => combine(operator, a, b));
  });
}

function combine(operator: string, a: unknown, b: unknown): unknown {
  const order = compare(a, b);
  const compared = {
    '==': order === 0,
    '!=': order !== 0,
    '<': order < 0,
    '<=': order <= 0,
    '>': order > 0,
    '>=': order >= 0,
  }[operator];
  if (compared !== undefined) return compared;
  if (operator === 'and' || operator === 'or') return isTrue(b);
  if (operator === '+') {
    if (a === null) return b;
    if (b === null) return a;
    if (typeof a === 'number' && typeof b === 'number') return a + b;
    if (typeof a === 'string' && typeof b === 'string') return a + b;
    if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
    if (typeOf(a) === 'object' && typeOf(b) === 'object') return { ...(a as object), ...(b as object) };
  }
  if (typeof a === 'number' && typeof b === 'number') {
    if ((operator === '/' || operator === '%') && b === 0)
      throw new JqError(`number (${a}) and number (${b}) cannot be divided because the divisor is zero`);
    return { '-': a - b, '*': a * b, '/': a / b, '%': a % b }[operator];
  }
  if (operator === '-' && Array.isArray(a) && Array.isArray(b))
    return a.filter((item) => !b.some((other) => compare(item, other) === 0));
  throw new JqError(`${typeOf(a)} and ${typeOf(b)} cannot be combined by ${operator}`);
}

type Builtin = (input: unknown, args: readonly Filter[]) => unknown[];

const list = (input: unknown): unknown[] => itemsOf(input);
const by = (filter: Filter | undefined) => (value: unknown) =>
  filter === undefined ? value : (evaluate(filter, value)[0] ?? null);
const sorted = (input: unknown, filter: Filter | undefined): unknown[] =>
  [...list(input)].sort((a, b) => compare(by(filter)(a), by(filter)(b)));

function grouped(input: unknown, filter: Filter | undefined): unknown[][] {
  const groups: unknown[][] = [];
  for (const item of sorted(input, filter)) {
    const last = groups.at(-1);
    if (last !== undefined && compare(by(filter)(last[0]), by(filter)(item)) === 0) last.push(item);
    else groups.push([item]);
  }
  return groups;
}

function lengthOf(input: unknown): number {
  if (input === null) return 0;
  if (typeof input === 'string') return [...input].length;
  if (typeof input === 'number') return Math.abs(input);
  if (typeof input === 'boolean') throw new JqError(`boolean (${input}) has no length`);
  return Array.isArray(input) ? input.length : Object.keys(input as object).length;
}

function pattern(args: readonly Filter[], input: unknown): RE2JS {
  const text = String(first(args[0], input));
  if (text.length > MOST_PATTERN) throw new JqError('the pattern is too long');
  try {
    return RE2JS.compile(text);
  } catch (error) {
    throw new JqError(`${text} is not a pattern: ${error instanceof Error ? error.message : error}`);
  }
}

const text = (input: unknown, name: string): string => {
  if (typeof input !== 'string') throw new JqError(`${name} needs text, not ${typeOf(input)}`);
  return input;
};
function objectOf(input: unknown): object {
  itemsOf(input);
  return input as object;
}
const keysOf = (input: unknown): (string | number)[] =>
  Array.isArray(input) ? input.map((_, at) => at) : Object.keys(objectOf(input)).sort();
const entries = (input: unknown): unknown[] => Object.entries(objectOf(input)).map(([key, value]) => ({ key, value }));

const builtins: Readonly<Record<string, Builtin>> = {
  length: (input) => [lengthOf(input)],
  keys: (input) => [keysOf(input)],
  values: (input) => (input === null ? [] : [input]),
  not: (input) => [!isTrue(input)],
  type: (input) => [typeOf(input)],
  empty: () => [],
  add: (input) => [list(input).reduce((sum, item) => combine('+', sum, item), null)],
  first: (input, args) => (args.length > 0 ? evaluate(args[0]!, input).slice(0, 1) : [fieldOf(input, 0)]),
  last: (input) => [fieldOf(input, -1)],
  reverse: (input) => [[...list(input)].reverse()],
  sort: (input) => [sorted(input, undefined)],
  sort_by: (input, [filter]) => [sorted(input, filter)],
  group_by: (input, [filter]) => [grouped(input, filter)],
  unique: (input) => [grouped(input, undefined).map(([item]) => item)],
  unique_by: (input, [filter]) => [grouped(input, filter).map(([item]) => item)],
  min: (input) => [sorted(input, undefined)[0] ?? null],
  max: (input) => [sorted(input, undefined).at(-1) ?? null],
  map: (input, [filter]) => [list(input).flatMap((item) => evaluate(filter!, item))],
  select: (input, [filter]) => (evaluate(filter!, input).some(isTrue) ? [input] : []),
  any: (input, [filter]) => [list(input).some((item) => isTrue(by(filter)(item)))],
  all: (input, [filter]) => [list(input).every((item) => isTrue(by(filter)(item)))],
  has: (input, args) => [keysOf(input).some((key) => key === first(args[0], input))],
  to_entries: (input) => [entries(input)],
  from_entries: (input) => [
    Object.fromEntries(
      list(input).map((item) => [String(fieldOf(item, 'key') ?? fieldOf(item, 'name')), fieldOf(item, 'value')]),
    ),
  ],
  tostring: (input) => [toText(input)],
  tonumber: (input) => {
    const value = Number(input);
    if (Number.isNaN(value)) throw new JqError(`${JSON.stringify(input)} cannot be parsed as a number`);
    return [value];
  },
  test: (input, args) => [pattern(args, input).matcher(text(input, 'test')).find()],
  startswith: (input, args) => [text(input, 'startswith').startsWith(String(first(args[0], input)))],
  endswith: (input, args) => [text(input, 'endswith').endsWith(String(first(args[0], input)))],
  contains: (input, args) => [text(input, 'contains').includes(String(first(args[0], input)))],
  split: (input, args) => [text(input, 'split').split(String(first(args[0], input)))],
  join: (input, args) => [
    list(input)
      .map((item) => (item === null ? '' : toText(item)))
      .join(String(first(args[0], input))),
  ],
  fromjson: (input) => [JSON.parse(text(input, 'fromjson')) as unknown],
  tojson: (input) => [JSON.stringify(input)],
};

/** How many filters a builtin needs; those that are not named take none. */
const NEEDS: Readonly<Record<string, number>> = Object.fromEntries(
  [
    'sort_by',
    'group_by',
    'unique_by',
    'map',
    'select',
    'has',
    'test',
    'startswith',
    'endswith',
    'contains',
    'split',
    'join',
  ].map((name) => [name, 1]),
);

export const builtinNames: readonly string[] = Object.keys(builtins);

function call(name: string, args: readonly Filter[], input: unknown): unknown[] {
  const builtin = Object.hasOwn(builtins, name) ? builtins[name] : undefined;
  if (builtin === undefined || args.length < (NEEDS[name] ?? 0))
    throw new JqError(`${name}/${args.length} is not defined here`);
  return builtin(input, args);
}
