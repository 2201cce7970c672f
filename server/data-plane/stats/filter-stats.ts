import type { HttpFilterPlan } from '../config/http-filter.ts';
import type { RbacFilterConfig } from '../config/rbac/rbac.ts';
import { FILTER_NAMES } from './declared-names.ts';
import type { Stats } from './stats.ts';

/** Declares what Envoy shows of its HTTP filters from their start; `prefix` is that of the connection manager: `http.<prefix>.` */
export function declareFilters(stats: Stats, prefix: string, filters: readonly HttpFilterPlan[]): void {
  for (const filter of filters) {
    for (const [place, names] of namesOf(prefix, filter)) stats.declare(place, names);
    if (filter.kind === 'rbac') countUnreadAddresses(stats, filter.config);
    if (filter.kind === 'parts') filter.parts.declare?.(stats, prefix);
  }
}

type Named = readonly [place: string, names: readonly string[]];

function namesOf(prefix: string, filter: HttpFilterPlan): Named[] {
  switch (filter.kind) {
    case 'cors':
    case 'fault':
      return [[`${prefix}${filter.kind}.`, FILTER_NAMES[filter.kind]]];
    case 'jwt_authn':
      return [[`${prefix}jwt_authn.${filter.config.statPrefix}`, FILTER_NAMES.jwt_authn]];
    case 'ext_authz':
      return [[`${prefix}ext_authz.${behind(filter.config.statPrefix)}`, FILTER_NAMES.ext_authz]];
    case 'local_ratelimit':
      return [[`${filter.config.statPrefix}.http_local_rate_limit.`, FILTER_NAMES.local_ratelimit]];
    case 'parts':
      return Object.entries(filter.parts.figures ?? {}).map(([place, names]) => [prefix + place, names]);
    case 'rbac':
      return rbacNames(`${prefix}rbac.`, filter.config);
    default:
      return [];
  }
}

function rbacNames(prefix: string, { rulesPrefix, shadowPrefix }: RbacFilterConfig): Named[] {
  const { rbac, shadow_rbac: shadow } = FILTER_NAMES;
  if (rulesPrefix === shadowPrefix) return [[prefix + scopeOf(rulesPrefix), [...rbac, ...shadow]]];
  return [
    [prefix + scopeOf(rulesPrefix), rbac],
    [prefix + scopeOf(shadowPrefix), shadow],
  ];
}

/** Gives the matchers of addresses in trees of RBAC their figure (Envoy: IP input matcher). */
export function countUnreadAddresses(stats: Stats, { rules, shadowRules }: RbacFilterConfig): void {
  for (const each of [...(rules?.matcher?.unread ?? []), ...(shadowRules?.matcher?.unread ?? [])])
    each.stat = stats.stat(`${each.statPrefix}.ip_parsing_failed`);
}

const behind = (scope: string): string => (scope === '' ? '' : `${scope}.`);

/** Figures of RBAC rules with a prefix stand in a scope of that name. */
export const scopeOf = (prefix: string): string => behind(prefix.replace(/\.$/, ''));
