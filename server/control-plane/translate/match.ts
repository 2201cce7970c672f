import type { HeaderMatcher, RouteMatch } from '#xds';
import { compareText } from '../snapshot/config.ts';
import type { HttpMatch, StringMatch } from '../snapshot/istio-types.ts';
import { isPresenceMatch, stringMatcher } from './string-match.ts';

/**
 * A match block as a route match. `prefix: /foo` is a raw text prefix: it also accepts `/foobar`.
 * Source: TranslateRouteMatch in istio pilot/pkg/networking/core/route.
 */
export function translateMatch(match: HttpMatch | undefined): RouteMatch {
  if (match === undefined) return { prefix: '/' };
  const headers = [
    ...Object.entries(match.headers ?? {}).map(([name, wanted]) => headerMatcher(name, wanted)),
    ...Object.entries(match.withoutHeaders ?? {}).map(([name, refused]) => absentMatcher(name, refused)),
  ].sort((a, b) => compareText(a.name, b.name));
  const pseudo = [
    [':method', match.method],
    [':authority', match.authority],
    [':scheme', match.scheme],
  ] as const;
  for (const [name, wanted] of pseudo) if (wanted !== undefined) headers.push(headerMatcher(name, wanted));
  const parameters = Object.entries(match.queryParams ?? {}).sort(([a], [b]) => compareText(a, b));
  return {
    ...pathMatch(match.uri),
    case_sensitive: !(match.ignoreUriCase ?? false),
    ...(headers.length > 0 && { headers }),
    ...(parameters.length > 0 && {
      query_parameters: parameters.map(([name, wanted]) =>
        isPresenceMatch(wanted) ? { name, present_match: true } : { name, string_match: stringMatcher(wanted) },
      ),
    }),
  };
}

function pathMatch(uri: StringMatch | undefined): RouteMatch {
  if (uri?.exact !== undefined) return { path: uri.exact };
  if (uri?.prefix !== undefined) return { prefix: uri.prefix };
  if (uri?.regex !== undefined) return { safe_regex: { regex: uri.regex } };
  return { prefix: '/' };
}

function headerMatcher(name: string, wanted: StringMatch): HeaderMatcher {
  return isPresenceMatch(wanted) ? { name, present_match: true } : { name, string_match: stringMatcher(wanted) };
}

/** `withoutHeaders`: a missing header counts as an empty one, so it does not have the refused value. */
function absentMatcher(name: string, refused: StringMatch): HeaderMatcher {
  const matcher = { ...headerMatcher(name, refused), invert_match: true };
  return isPresenceMatch(refused) ? matcher : { ...matcher, treat_missing_header_as_empty: true };
}

/** Whether nothing gets past a route with this match: prefix `/` or regex `.*`, and no further condition. */
export function isCatchAll(match: RouteMatch): boolean {
  const anyPath = match.prefix === '/' || match.path_separated_prefix === '/' || match.safe_regex?.regex === '.*';
  return anyPath && (match.headers ?? []).length === 0 && (match.query_parameters ?? []).length === 0;
}
