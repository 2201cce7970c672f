import type { Any, InternalRedirectPolicy } from '#xds';
import { ConfigProblem } from './problem.ts';

/** Which redirects of a host the proxy follows by itself. */
export interface InternalRedirects {
  readonly limit: number;
  readonly statuses: ReadonlySet<number>;
  readonly crossScheme: boolean;
  /** Headers of the redirect that the next request takes along. */
  readonly copied: readonly string[];
  readonly predicates: readonly RedirectPredicate[];
}

/** What else must hold of the route that a redirect leads to. */
export type RedirectPredicate =
  /** No route is used twice. */
  | { readonly kind: 'previous_routes' }
  | { readonly kind: 'allow_listed'; readonly routes: ReadonlySet<string> }
  /** From http to https, not back. */
  | { readonly kind: 'safe_cross_scheme' };

const TYPE = 'type.googleapis.com/envoy.extensions.internal_redirect.';
const FOLLOWABLE: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Reads envoy.config.route.v3.InternalRedirectPolicy. Throws ConfigProblem. */
export function readInternalRedirects(given: InternalRedirectPolicy): InternalRedirects {
  const statuses = (given.redirect_response_codes ?? []).filter((status) => FOLLOWABLE.has(status));
  return {
    limit: given.max_internal_redirects ?? 1,
    statuses: new Set((given.redirect_response_codes ?? []).length === 0 ? [302] : statuses),
    crossScheme: given.allow_cross_scheme_redirect === true,
    copied: (given.response_headers_to_copy ?? []).map((name) => name.toLowerCase()),
    predicates: (given.predicates ?? []).map(({ name = '', typed_config }, i) =>
      readPredicate(name, typed_config, `internal_redirect_policy.predicates[${i}]`),
    ),
  };
}

function readPredicate(name: string, config: Any | undefined, field: string): RedirectPredicate {
  switch (config?.['@type']) {
    case `${TYPE}previous_routes.v3.PreviousRoutesConfig`:
      return { kind: 'previous_routes' };
    case `${TYPE}allow_listed_routes.v3.AllowListedRoutesConfig`:
      return { kind: 'allow_listed', routes: new Set((config['allowed_route_names'] ?? []) as string[]) };
    case `${TYPE}safe_cross_scheme.v3.SafeCrossSchemeConfig`:
      return { kind: 'safe_cross_scheme' };
    default:
      throw new ConfigProblem(field, `Didn't find a registered implementation for '${name}'`);
  }
}
