import type { HttpMatch, HttpRoute, StringMatch } from '../snapshot/istio-types.ts';
import type { GeneratedRule } from './http-rules.ts';

/**
 * The Gateway API's order among rules of one host: exact path, longest prefix, regex; then a method, more headers, more query
 * parameters. What is equal keeps its place. Source: sortHTTPRoutes in istio pilot/pkg/config/kube/gateway.
 */
export function sortRules<Rule extends GeneratedRule<HttpRoute>>(rules: readonly Rule[]): Rule[] {
  return [...rules].sort((a, b) => {
    const [first] = a.spec.match ?? [];
    const [second] = b.spec.match ?? [];
    if (first === undefined || second === undefined) return Number(first === undefined) - Number(second === undefined);
    return compareMatches(first, second);
  });
}

const compareMatches = (a: HttpMatch, b: HttpMatch): number =>
  pathRank(b.uri) - pathRank(a.uri) ||
  pathLength(b.uri) - pathLength(a.uri) ||
  Number(b.method !== undefined) - Number(a.method !== undefined) ||
  count(b.headers) - count(a.headers) ||
  count(b.queryParams) - count(a.queryParams);

function pathRank(uri: StringMatch | undefined): number {
  if (uri?.exact !== undefined) return 3;
  if (uri?.prefix !== undefined) return 2;
  return uri?.regex === undefined ? -1 : 1;
}

const pathLength = (uri: StringMatch | undefined): number =>
  Buffer.byteLength(uri?.exact ?? uri?.prefix ?? uri?.regex ?? '');

const count = (fields: Readonly<Record<string, unknown>> | undefined): number => Object.keys(fields ?? {}).length;
