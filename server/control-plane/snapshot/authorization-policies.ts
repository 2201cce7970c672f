import type { KubeObject } from '#domain';
import { type Config, compareConfigs, toConfig } from './config.ts';
import { isTrue } from './pilot-features.ts';
import { attaches, inNamespaces, type PolicySubject, type TargetedSpec } from './policy-target.ts';

type Values = readonly string[];

/** Who sends a request; every field that is set must hold. */
export interface PolicySource {
  readonly principals?: Values;
  readonly notPrincipals?: Values;
  readonly requestPrincipals?: Values;
  readonly notRequestPrincipals?: Values;
  readonly namespaces?: Values;
  readonly notNamespaces?: Values;
  readonly serviceAccounts?: Values;
  readonly notServiceAccounts?: Values;
  readonly trustDomains?: Values;
  readonly notTrustDomains?: Values;
  readonly ipBlocks?: Values;
  readonly notIpBlocks?: Values;
  readonly remoteIpBlocks?: Values;
  readonly notRemoteIpBlocks?: Values;
}

/** What a request asks for; every field that is set must hold. */
export interface PolicyOperation {
  readonly hosts?: Values;
  readonly notHosts?: Values;
  readonly ports?: Values;
  readonly notPorts?: Values;
  readonly methods?: Values;
  readonly notMethods?: Values;
  readonly paths?: Values;
  readonly notPaths?: Values;
}

export interface PolicyCondition {
  readonly key: string;
  readonly values?: Values;
  readonly notValues?: Values;
}

export interface PolicyRule {
  readonly from?: readonly { readonly source?: PolicySource | null }[];
  readonly to?: readonly { readonly operation?: PolicyOperation | null }[];
  readonly when?: readonly PolicyCondition[];
}

export interface AuthorizationPolicySpec extends TargetedSpec {
  readonly action?: 'ALLOW' | 'DENY' | 'AUDIT' | 'CUSTOM';
  /** A null rule, as an empty list item gives, matches nothing. */
  readonly rules?: readonly (PolicyRule | null)[];
  readonly provider?: { readonly name?: string };
}

export interface AuthorizationPolicy extends Config<AuthorizationPolicySpec> {
  /** Only evaluated and reported, not enforced: annotation `istio.io/dry-run`. */
  readonly dryRun: boolean;
}

/** All AuthorizationPolicies, the oldest first. */
export const deriveAuthorizationPolicies = (objects: readonly KubeObject[]): readonly AuthorizationPolicy[] =>
  objects
    .map((object) => ({
      ...toConfig<AuthorizationPolicySpec>(object),
      dryRun: isTrue(object.metadata.annotations?.['istio.io/dry-run']),
    }))
    .sort(compareConfigs);

/** The policies in force for one workload, by action, each list with those of the root namespace first. */
export interface PoliciesByAction {
  readonly custom: readonly AuthorizationPolicy[];
  readonly audit: readonly AuthorizationPolicy[];
  readonly deny: readonly AuthorizationPolicy[];
  readonly allow: readonly AuthorizationPolicy[];
}

export function authorizationPoliciesFor(
  all: readonly AuthorizationPolicy[],
  subject: PolicySubject,
  rootNamespace: string,
): PoliciesByAction {
  const { namespace, serviceNamespace = namespace } = subject;
  const attached = inNamespaces(all, [rootNamespace, namespace, serviceNamespace]).filter((policy) =>
    attaches(policy, subject),
  );
  const of = (action: string): AuthorizationPolicy[] =>
    attached.filter(({ spec }) => (spec.action ?? 'ALLOW') === action);
  return { custom: of('CUSTOM'), audit: of('AUDIT'), deny: of('DENY'), allow: of('ALLOW') };
}
