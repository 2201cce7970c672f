import type { StringMatcher } from '#xds';
import { ConfigProblem } from './problem.ts';
import { compileStringMatch } from './string-match.ts';

/** envoy.type.matcher.v3.ValueMatcher. */
export interface ValueMatcherJson {
  readonly null_match?: object;
  readonly double_match?: {
    readonly exact?: number;
    readonly range?: { readonly start?: number; readonly end?: number };
  };
  readonly string_match?: StringMatcher;
  readonly bool_match?: boolean;
  readonly present_match?: boolean;
  readonly list_match?: { readonly one_of?: ValueMatcherJson };
  readonly or_match?: { readonly value_matchers?: readonly ValueMatcherJson[] };
}

/** envoy.type.matcher.v3.MetadataMatcher. */
export interface MetadataMatcherJson {
  readonly filter?: string;
  readonly path?: readonly { readonly key?: string }[];
  readonly value?: ValueMatcherJson;
  readonly invert?: boolean;
}

/** Reads what filters have left behind, by filter name. */
export type ReadMetadata = (filter: string) => Readonly<Record<string, unknown>> | undefined;

/** A compiled MetadataMatcher with its wording. */
export interface MetadataMatch {
  readonly accepts: (read: ReadMetadata) => boolean;
  readonly seen: (read: ReadMetadata) => unknown;
  /** `envoy.filters.http.jwt_authn payload.iss` */
  readonly subject: string;
  readonly wanted: string;
}

export function compileMetadataMatch(given: MetadataMatcherJson, field: string): MetadataMatch {
  const filter = given.filter ?? '';
  const keys = (given.path ?? []).map(({ key }) => key ?? '');
  if (given.value === undefined) throw new ConfigProblem(`${field}.value`, 'is missing');
  const value = compileValueMatch(given.value, `${field}.value`);
  const seen = (read: ReadMetadata): unknown => valueAt(read(filter), keys);
  const invert = given.invert === true;
  return {
    seen,
    accepts: (read) => value.accepts(seen(read)) !== invert,
    subject: `${filter} ${keys.join('.')}`,
    wanted: invert ? `anything but ${value.wanted}` : value.wanted,
  };
}

/** The value under a path of keys; undefined where there is none. */
export function valueAt(from: unknown, keys: readonly string[]): unknown {
  let at = from;
  for (const key of keys) {
    if (typeof at !== 'object' || at === null || Array.isArray(at) || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}

interface ValueMatch {
  readonly accepts: (value: unknown) => boolean;
  readonly wanted: string;
}

function compileValueMatch(given: ValueMatcherJson, field: string): ValueMatch {
  if (given.string_match !== undefined) {
    const match = compileStringMatch(given.string_match, `${field}.string_match`);
    return { accepts: (value) => typeof value === 'string' && match.accepts(value), wanted: match.wanted };
  }
  if (given.or_match !== undefined) {
    const each = (given.or_match.value_matchers ?? []).map((one, i) =>
      compileValueMatch(one, `${field}.or_match.value_matchers[${i}]`),
    );
    const wanted = [...new Set(each.map((one) => one.wanted))].join(' or ');
    return { accepts: (value) => each.some((one) => one.accepts(value)), wanted };
  }
  if (given.list_match !== undefined) {
    if (given.list_match.one_of === undefined) throw new ConfigProblem(`${field}.list_match`, 'has no one_of');
    const item = compileValueMatch(given.list_match.one_of, `${field}.list_match.one_of`);
    return { accepts: (value) => Array.isArray(value) && value.some((one) => item.accepts(one)), wanted: item.wanted };
  }
  return compilePlainMatch(given, field);
}

function compilePlainMatch(given: ValueMatcherJson, field: string): ValueMatch {
  if (given.bool_match !== undefined) {
    return { accepts: (value) => value === given.bool_match, wanted: String(given.bool_match) };
  }
  if (given.present_match !== undefined) {
    const wanted = given.present_match;
    // As in Envoy, a wish for absence is never fulfilled: `invert` is the way to say it.
    return { accepts: (value) => wanted && value !== undefined, wanted: wanted ? 'there' : 'absent' };
  }
  if (given.null_match !== undefined) return { accepts: (value) => value === null, wanted: 'null' };
  const double = given.double_match;
  if (double?.exact !== undefined) return { accepts: (value) => value === double.exact, wanted: `${double.exact}` };
  if (double?.range !== undefined) {
    const { start = 0, end = 0 } = double.range;
    return {
      accepts: (value) => typeof value === 'number' && value >= start && value < end,
      wanted: `a number from ${start} to below ${end}`,
    };
  }
  throw new ConfigProblem(field, 'no kind of match is set');
}
