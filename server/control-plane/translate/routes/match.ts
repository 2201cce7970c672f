import type { HeaderMatcher, RouteMatch } from '#xds';
import { compareText } from '../../snapshot/config.ts';
import type { HttpMatch, StringMatch } from '../../snapshot/istio-types.ts';
import { claimMatcher, isClaim } from './claim-match.ts';
import { isPresenceMatch, stringMatcher } from './string-match.ts';

/**
 * A match block as a route match. `prefix: /foo` is a raw text prefix: it also accepts `/foobar`.
 * Source: TranslateRouteMatch in istio pilot/pkg/networking/core/route.
 */
export function translateMatch(
  match: HttpMatch | undefined,
  { segments = false }: { readonly segments?: boolean } = {},
): RouteMatch {
  if (match === undefined) return { prefix: '/' };
  const wanted = Object.entries(match.headers ?? {});
  const refused = Object.entries(match.withoutHeaders ?? {});
  const headers = [
    ...wanted.filter(isPlain).map(([name, value]) => headerMatcher(name, value)),
    ...refused.filter(isPlain).map(([name, value]) => absentMatcher(name, value)),
  ].sort((a, b) => compareText(a.name, b.name));
  const claims = [
    ...wanted.flatMap(([name, value]) => claimMatcher(name, value, false)),
    ...refused.flatMap(([name, value]) => claimMatcher(name, value, true)),
  ];
  const pseudo = [
    [':method', match.method],
    [':authority', match.authority],
    [':scheme', match.scheme],
  ] as const;
  for (const [name, value] of pseudo) if (value !== undefined) headers.push(headerMatcher(name, value));
  const parameters = Object.entries(match.queryParams ?? {}).sort(([a], [b]) => compareText(a, b));
  return {
    ...pathMatch(match.uri, segments),
    case_sensitive: !(match.ignoreUriCase ?? false),
    ...(claims.length > 0 && { dynamic_metadata: claims }),
    ...(headers.length > 0 && { headers }),
    ...(parameters.length > 0 && {
      query_parameters: parameters.map(([name, value]) =>
        isPresenceMatch(value) ? { name, present_match: true } : { name, string_match: stringMatcher(value) },
      ),
    }),
  };
}

const isPlain = ([name]: readonly [string, StringMatch]): boolean => !isClaim(name);

function pathMatch(uri: StringMatch | undefined, segments: boolean): RouteMatch {
  if (uri?.exact !== undefined) return { path: uri.exact };
  if (segments && uri?.prefix !== undefined && uri.prefix !== '/') {
    return { path_separated_prefix: uri.prefix.replace(/\/$/, '') };
  }
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
  const conditions = [match.headers, match.query_parameters, match.dynamic_metadata];
  return anyPath && conditions.every((each) => (each ?? []).length === 0);
}
