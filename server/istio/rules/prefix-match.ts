import type { Field } from './field.ts';

/** A match by prefix with the conditions that Istio's check of covered prefixes looks at. */
export interface PrefixMatch {
  readonly match: Field;
  readonly prefix: string;
  /** How messages name the rule and the match. */
  readonly words: { readonly rule: string; readonly match: string; readonly ruleIndex: number };
  readonly port: number;
  /** `exact:GET`, `prefix:/a`, or nothing. */
  readonly method: string;
  readonly authority: string;
  /** headers, queryParams and withoutHeaders, each a condition by name. */
  readonly maps: readonly ReadonlyMap<string, string>[];
}

/** Expressions do not count: as a condition they read as none. */
function condition(field: Field): string {
  const exact = field.get('exact').text;
  const prefix = field.get('prefix').text;
  if (exact !== '') return `exact:${exact}`;
  return prefix === '' ? '' : `prefix:${prefix}`;
}

/** The match, when it is one by prefix. */
export function prefixMatch(match: Field, words: PrefixMatch['words']): PrefixMatch | undefined {
  const prefix = match.at('uri.prefix').text;
  if (prefix === '') return undefined;
  const map = (name: string): ReadonlyMap<string, string> =>
    new Map(match.get(name).entries.map(([key, value]) => [key, condition(value)]));
  return {
    match,
    prefix,
    words,
    port: match.get('port').number,
    method: condition(match.get('method')) || 'exact:GET',
    authority: condition(match.get('authority')),
    maps: ['headers', 'queryParams', 'withoutHeaders'].map(map),
  };
}

const mapCovers = (earlier: ReadonlyMap<string, string>, later: ReadonlyMap<string, string>): boolean =>
  earlier.size === later.size &&
  [...earlier].every(([key, value]) => {
    const other = later.get(key);
    return other !== undefined && value.startsWith(other);
  });

/**
 * Whether the earlier match is taken to leave nothing to the later one. Follows Istio's comparison, which asks for the same port, and
 * that the earlier conditions begin with the later ones.
 */
export const coversPrefix = (earlier: PrefixMatch, later: PrefixMatch): boolean =>
  later.prefix.startsWith(earlier.prefix) &&
  later.port === earlier.port &&
  earlier.method.startsWith(later.method) &&
  earlier.authority.startsWith(later.authority) &&
  earlier.maps.every((map, index) => mapCovers(map, later.maps[index] ?? new Map()));
