import { ConfigProblem } from './problem.ts';
import { durationMs, type Fields, record } from './values.ts';

/** What is wrong with a value, in Envoy's words; undefined: nothing. `field` is where it stands. */
export type Bound = ((value: unknown, field: string) => string | undefined) & {
  /** Asked about a field that is absent, too, where the message around it is there. */
  readonly ofAbsent?: boolean;
};

/** A rule of Envoy's API (its `validate` options): the names down to a field, and what holds of it. Lists are gone through. */
export type Rule = readonly [path: readonly string[], bound: Bound];

/** `a/b/c`: the names down to a field. */
export const rule = (path: string, bound: Bound): Rule => [path.split('/'), bound];

const longerThan =
  (ms: number, words: string): Bound =>
  (value, field) =>
    durationMs(value as string, field, 0) > ms ? undefined : `value must be greater than ${words}`;
export const longerThanZero = longerThan(0, '0s');
export const longerThanOneMs = longerThan(1, '1ms');
export const atLeastOneMs: Bound = (value, field) =>
  durationMs(value as string, field, 0) >= 1 ? undefined : 'value must be greater than or equal to 1ms';
export const notNegative: Bound = (value, field) =>
  durationMs(value as string, field, 0) >= 0 ? undefined : 'value must be greater than or equal to 0s';
export const inside =
  (least: number, most: number): Bound =>
  (value) =>
    Number(value) >= least && Number(value) <= most ? undefined : `value must be inside range [${least}, ${most}]`;
/** The size of a head. */
export const headKb: Bound = (value) =>
  Number(value) > 0 && Number(value) <= 8192 ? undefined : 'value must be inside range (0, 8192]';
/** A duration; `words` are Envoy's for both ends. */
export const withinMs =
  (least: number, most: number, words: string): Bound =>
  (value, field) => {
    const ms = durationMs(value as string, field, 0);
    return ms >= least && ms <= most ? undefined : `value must be inside range ${words}`;
  };
export const upTo =
  (most: number): Bound =>
  (value) =>
    Number(value) <= most ? undefined : `value must be less than or equal to ${most}`;
export const atLeast =
  (least: number): Bound =>
  (value) =>
    Number(value) >= least ? undefined : `value must be greater than or equal to ${least}`;
export const aboveZero: Bound = (value) => (Number(value) > 0 ? undefined : 'value must be greater than 0');

const ofAbsent = (bound: Bound): Bound => Object.assign(bound, { ofAbsent: true });
/** A text with at least one letter. */
export const filled = ofAbsent((value) =>
  value === undefined || value === '' ? 'value length must be at least 1 characters' : undefined,
);
/** A list with at least one item. */
export const someItems = ofAbsent((value) =>
  Array.isArray(value) && value.length > 0 ? undefined : 'value must contain at least 1 item(s)',
);
/** A list. */
export const atMostItems = (most: number): Bound =>
  ofAbsent((value) =>
    Array.isArray(value) && value.length > most ? `value must contain no more than ${most} item(s)` : undefined,
  );
export const onlyTrue: Bound = (value) => (value === true ? undefined : 'value must equal true');
export const required = ofAbsent((value) => (value === undefined ? 'value is required' : undefined));
/** What a header's name or value may be. */
export const oneLine: Bound = (value) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  typeof value === 'string' && /[\x00\n\r]/.test(value)
    ? String.raw`value does not match regex pattern "^[^\u0000\n\r]*$"`
    : undefined;

/** Holds a message against rules. Throws ConfigProblem. */
export function checkRules(message: unknown, rules: readonly Rule[]): void {
  for (const [path, bound] of rules) check(message, path, 0, bound, '');
}

function check(value: unknown, path: readonly string[], at: number, bound: Bound, field: string): void {
  if (value === undefined || value === null) return;
  if (at === path.length) {
    judge(value, bound, field);
    return;
  }
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) check(item, path, at, bound, `${field}[${i}]`);
    return;
  }
  const name = path[at]!;
  const child = record(value)?.[name];
  const place = field === '' ? name : `${field}.${name}`;
  if (at === path.length - 1 && bound.ofAbsent === true) judge(child ?? undefined, bound, place);
  else if (at === path.length - 1 && Array.isArray(child))
    for (const [i, item] of child.entries()) judge(item, bound, `${place}[${i}]`);
  else check(child, path, at + 1, bound, place);
}

function judge(value: unknown, bound: Bound, field: string): void {
  const fault = bound(value, field);
  if (fault !== undefined) throw new ConfigProblem(field, fault);
}

/** Fields of maps cannot be named in a path. */
export const valuesOf = (message: unknown, name: string): readonly (readonly [string, Fields])[] =>
  Object.entries(record(record(message)?.[name]) ?? {}).map(([key, value]) => [key, record(value) ?? {}]);
