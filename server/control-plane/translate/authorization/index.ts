import type { PoliciesByAction } from '../../snapshot/authorization-policies.ts';
import type { MeshSnapshot } from '../../snapshot/mesh-snapshot.ts';
import { externalAuthorizers } from '../http-filters/ext-authz.ts';
import { FILTER_TYPES, POLICY_FILTERS } from '../http-filters/policy-filters.ts';
import { customFilters, type NamedFilter } from './custom.ts';
import { rbacConfig, rbacRules } from './rbac.ts';
import { meshTrustDomains } from './trust-domains.ts';

export type { NamedFilter } from './custom.ts';

/** The authorization filters of a workload: CUSTOM stands before the JWT filter, the others behind it. */
export interface AuthorizationFilters {
  readonly custom: NamedFilter[];
  readonly local: NamedFilter[];
}

/** Translates the AuthorizationPolicies of one workload, in the order CUSTOM, AUDIT, DENY, ALLOW. */
export function authorizationFilters(
  snapshot: MeshSnapshot,
  policies: PoliciesByAction,
  forTcp: boolean,
): AuthorizationFilters {
  const trustDomains = meshTrustDomains(snapshot.mesh);
  const one = (list: keyof PoliciesByAction, action: 'ALLOW' | 'DENY' | 'LOG', shadowPrefix: string): NamedFilter[] => {
    if (policies[list].length === 0) return [];
    const rules = rbacRules({ policies: policies[list], action, forTcp, trustDomains, prefix: '' });
    // Istio's prefix names the action of the shadow rules; without any it is that of ALLOW.
    const prefix = rules.shadow === undefined ? DRY_RUN_ALLOW : shadowPrefix;
    return [localFilter(rules, forTcp, prefix)];
  };
  return {
    custom:
      policies.custom.length === 0
        ? []
        : customFilters({
            policies: policies.custom,
            authorizers: externalAuthorizers(snapshot),
            trustDomains,
            forTcp,
          }),
    local: [
      ...one('audit', 'LOG', ''),
      ...one('deny', 'DENY', 'istio_dry_run_deny_'),
      ...one('allow', 'ALLOW', DRY_RUN_ALLOW),
    ],
  };
}

const DRY_RUN_ALLOW = 'istio_dry_run_allow_';

function localFilter(rules: ReturnType<typeof rbacRules>, forTcp: boolean, prefix: string): NamedFilter {
  const shadowPrefix = prefix === '' ? {} : { shadowPrefix: prefix };
  return forTcp
    ? {
        name: POLICY_FILTERS.networkRbac,
        typed_config: rbacConfig(FILTER_TYPES.networkRbac, { ...rules, statPrefix: 'tcp.', ...shadowPrefix }),
      }
    : { name: POLICY_FILTERS.httpRbac, typed_config: rbacConfig(FILTER_TYPES.httpRbac, { ...rules, ...shadowPrefix }) };
}
