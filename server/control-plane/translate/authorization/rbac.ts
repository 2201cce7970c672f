import { MeshworkError } from '#domain';
import type { Any } from '#xds';
import type { AuthorizationPolicy } from '../../snapshot/authorization-policies.ts';
import { Unsupported } from './attributes.ts';
import type { Rbac, RbacPolicy } from './rbac-types.ts';
import { rulePolicy } from './rule-policy.ts';

export interface RbacInput {
  readonly policies: readonly AuthorizationPolicy[];
  readonly action: 'ALLOW' | 'DENY' | 'LOG';
  readonly forTcp: boolean;
  /** The mesh's own first. */
  readonly trustDomains: readonly string[];
  /** Before every policy's name; empty for what RBAC decides by itself. */
  readonly prefix: string;
}

/** What is enforced and what is only evaluated; undefined where no policy asks for it. */
export interface RbacRules {
  readonly enforced: Rbac | undefined;
  readonly shadow: Rbac | undefined;
}

/** The name by which logs and statistics call a rule. */
export const ruleName = (policy: AuthorizationPolicy, index: number): string =>
  `ns[${policy.namespace}]-policy[${policy.name}]-rule[${index}]`;

/** Matches nothing: what a policy without rules allows, or denies. */
const NEVER: RbacPolicy = { permissions: [{ not_rule: { any: true } }], principals: [{ not_id: { any: true } }] };

/** The rules of all policies of one action. */
export function rbacRules(input: RbacInput): RbacRules {
  const of = (dryRun: boolean): Rbac | undefined => {
    const chosen = input.policies.filter((policy) => policy.dryRun === dryRun);
    return chosen.length === 0
      ? undefined
      : rbac(input.action, Object.assign({}, ...chosen.map((one) => named(one, input))));
  };
  return { enforced: of(false), shadow: of(true) };
}

/** ALLOW is the protocol's default and stays unsaid. */
export const rbac = (action: RbacInput['action'], policies: Rbac['policies']): Rbac => ({
  ...(action !== 'ALLOW' && { action }),
  policies,
});

function named(policy: AuthorizationPolicy, input: RbacInput): Record<string, RbacPolicy> {
  const { action, forTcp, trustDomains, prefix } = input;
  const rules = policy.spec.rules ?? [];
  if (rules.length === 0) return { [prefix + ruleName(policy, 0)]: NEVER };
  const built: Record<string, RbacPolicy> = {};
  for (const [i, rule] of rules.entries()) {
    if (rule === null || rule === undefined) continue;
    try {
      built[prefix + ruleName(policy, i)] = rulePolicy(rule, {
        action,
        forTcp,
        trustDomains,
        namespace: policy.namespace,
      });
    } catch (thrown) {
      // The rule matches nothing: the error of an ALLOW rule means fewer requests allowed.
      if (!(thrown instanceof Unsupported)) throw thrown;
    }
  }
  return built;
}

/** The configuration of an RBAC filter. */
export function rbacConfig(type: string, rules: RbacRules & { statPrefix?: string; shadowPrefix?: string }): Any {
  const { enforced, shadow, statPrefix, shadowPrefix } = rules;
  if (enforced === undefined && shadow === undefined)
    throw new MeshworkError('control-plane.rbac', 'an RBAC filter without rules would allow everything');
  return {
    '@type': type,
    ...(enforced && { rules: stated(enforced) }),
    ...(shadow && { shadow_rules: stated(shadow) }),
    ...(statPrefix !== undefined && { stat_prefix: statPrefix }),
    ...(shadowPrefix !== undefined && { shadow_rules_stat_prefix: shadowPrefix }),
  };
}

/** Protobuf has no empty map. */
function stated({ policies, ...rest }: Rbac): Partial<Rbac> {
  return Object.keys(policies).length === 0 ? rest : { ...rest, policies };
}
