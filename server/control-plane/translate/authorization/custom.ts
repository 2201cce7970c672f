import type { AuthorizationPolicy } from '../../snapshot/authorization-policies.ts';
import type { BadProvider, ExtAuthzFilters } from '../http-filters/ext-authz.ts';
import { FILTER_TYPES, POLICY_FILTERS } from '../http-filters/policy-filters.ts';
import { rbac, rbacConfig, rbacRules } from './rbac.ts';
import type { MetadataMatcher } from './rbac-types.ts';

export interface CustomInput {
  /** All with action CUSTOM. */
  readonly policies: readonly AuthorizationPolicy[];
  readonly authorizers: ReadonlyMap<string, ExtAuthzFilters | BadProvider>;
  readonly trustDomains: readonly string[];
  readonly forTcp: boolean;
}

/** A filter under its name. */
export interface NamedFilter {
  readonly name: string;
  readonly typed_config: { readonly '@type': string };
}

const MATCHED_POLICY = 'istio_ext_authz_shadow_effective_policy_id';
const BAD_ACTION = '-deny-due-to-bad-CUSTOM-action';

/**
 * The filters of the action CUSTOM: an RBAC filter that only notes which rule matched, and an external authorizer that is asked when one
 * did. A provider that cannot be used, or a second one, which Istio does not support, becomes a refusal of all that the rules match.
 * Source: buildHTTP and buildTCP of authz/builder in istio pilot.
 */
export function customFilters(input: CustomInput): NamedFilter[] {
  const providers = [...new Set(input.policies.map(({ spec }) => spec.provider?.name ?? ''))].sort();
  return providers.flatMap((provider) => {
    const authorizer = input.authorizers.get(provider);
    if (providers.length > 1 || authorizer === undefined || 'problem' in authorizer) return [refusal(input, provider)];
    const config = input.forTcp ? authorizer.network : authorizer.http;
    return config === undefined ? [] : askFilters(input, provider, config);
  });
}

function rulesOf({ policies, trustDomains, forTcp }: CustomInput, provider: string) {
  return rbacRules({
    policies: policies.filter(({ spec }) => (spec.provider?.name ?? '') === provider),
    action: 'DENY',
    forTcp,
    trustDomains,
    prefix: provider === '' ? 'istio-ext-authz-' : `istio-ext-authz-${provider}-`,
  });
}

function filterOf({ forTcp }: CustomInput, rules: Omit<Parameters<typeof rbacConfig>[1], 'statPrefix'>): NamedFilter {
  return forTcp
    ? {
        name: POLICY_FILTERS.networkRbac,
        typed_config: rbacConfig(FILTER_TYPES.networkRbac, { ...rules, statPrefix: 'tcp.' }),
      }
    : { name: POLICY_FILTERS.httpRbac, typed_config: rbacConfig(FILTER_TYPES.httpRbac, rules) };
}

function refusal(input: CustomInput, provider: string): NamedFilter {
  const { policies } = rulesOf(input, provider).enforced ?? { policies: {} };
  const renamed = Object.entries(policies).map(([name, policy]) => [name + BAD_ACTION, policy]);
  return filterOf(input, { enforced: rbac('DENY', Object.fromEntries(renamed)), shadow: undefined });
}

function askFilters(input: CustomInput, provider: string, config: { readonly '@type': string }): NamedFilter[] {
  const { enforced, shadow } = rulesOf(input, provider);
  const noting = filterOf(input, {
    // The other way round on purpose: rules in force are only noted here, it is the authorizer that enforces them.
    shadow: enforced ?? rbac('DENY', {}),
    enforced: shadow !== undefined && Object.keys(shadow.policies).length > 0 ? shadow : undefined,
    shadowPrefix: 'istio_ext_authz_',
  });
  const asked: MetadataMatcher = {
    filter: noting.name,
    path: [{ key: MATCHED_POLICY }],
    value: { string_match: { prefix: `istio-ext-authz-${provider}` } },
  };
  return [
    noting,
    {
      name: input.forTcp ? POLICY_FILTERS.networkExtAuthz : POLICY_FILTERS.httpExtAuthz,
      typed_config: { ...config, filter_enabled_metadata: asked } as NamedFilter['typed_config'],
    },
  ];
}
