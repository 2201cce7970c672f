import type { StringMatcher } from '#xds';
import type { StringMatch } from '../../snapshot/istio-types.ts';

/** Istio's text match as Envoy's. */
export function stringMatcher(match: StringMatch): StringMatcher {
  if (match.exact !== undefined) return { exact: match.exact };
  if (match.prefix !== undefined) return { prefix: match.prefix };
  return { safe_regex: { regex: match.regex ?? '' } };
}

/** An empty match, or the regular expression `*` (which RE2 would refuse), asks only that the name is present. */
export const isPresenceMatch = (match: StringMatch): boolean =>
  (match.exact === undefined && match.prefix === undefined && match.regex === undefined) || match.regex === '*';
