import type { RouteAction } from '#xds';
import type { HttpRewrite } from '../snapshot/istio-types.ts';

/** A path rewrite. With a prefix match only the matched prefix is replaced, with an exact match the whole path. */
export function translateRewrite(
  rewrite: HttpRewrite | undefined,
): Pick<RouteAction, 'prefix_rewrite' | 'regex_rewrite'> {
  const regex = rewrite?.uriRegexRewrite;
  if (regex !== undefined) {
    return { regex_rewrite: { pattern: { regex: regex.match }, substitution: regex.rewrite } };
  }
  return rewrite?.uri ? { prefix_rewrite: rewrite.uri } : {};
}
