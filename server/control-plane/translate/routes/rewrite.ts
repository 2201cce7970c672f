import type { RouteAction, RouteMatch } from '#xds';
import type { HttpRewrite } from '../../snapshot/istio-types.ts';

interface RewriteContext {
  /** Routes of the Kubernetes Gateway API, in which `/` takes the matched prefix away. */
  readonly literal: boolean;
  readonly routeMatch: RouteMatch;
}

/** A path rewrite. With a prefix match only the matched prefix is replaced, with an exact match the whole path. */
export function translateRewrite(
  rewrite: HttpRewrite | undefined,
  { literal, routeMatch }: RewriteContext,
): Pick<RouteAction, 'prefix_rewrite' | 'regex_rewrite'> {
  const regex = rewrite?.uriRegexRewrite;
  if (regex !== undefined) {
    return { regex_rewrite: { pattern: { regex: regex.match }, substitution: regex.rewrite } };
  }
  if (literal && rewrite?.uri === '/') {
    const prefix = (routeMatch.path_separated_prefix ?? '').replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
    // The slash is kept where the whole path is taken away.
    return { regex_rewrite: { pattern: { regex: `^${prefix}(/?)(.*)` }, substitution: '/\\2' } };
  }
  return rewrite?.uri ? { prefix_rewrite: rewrite.uri } : {};
}
