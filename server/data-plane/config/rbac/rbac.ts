import type { Any } from '#xds';
import { ConfigProblem, within } from '../problem.ts';
import { anyOf, closest, type RbacCondition } from './condition.ts';
import { compilePermission, type PermissionJson } from './permission.ts';
import { compilePrincipal, type PrincipalJson } from './principal.ts';
import type { RbacSubject } from './subject.ts';

export type RbacAction = 'ALLOW' | 'DENY' | 'LOG';

export interface CompiledPolicy {
  readonly name: string;
  readonly permissions: readonly RbacCondition[];
  readonly principals: readonly RbacCondition[];
}

/** envoy.config.rbac.v3.RBAC, compiled. */
export interface RbacEngine {
  readonly action: RbacAction;
  /** In the order of their names, which is Envoy's; the first that matches counts. */
  readonly policies: readonly CompiledPolicy[];
}

/** What an engine says of a subject. */
export interface RbacVerdict {
  readonly allowed: boolean;
  readonly matched: CompiledPolicy | undefined;
}

/** An RBAC filter, for HTTP or for connections. */
export interface RbacFilterConfig {
  readonly rules: RbacEngine | undefined;
  readonly shadowRules: RbacEngine | undefined;
  readonly rulesPrefix: string;
  readonly shadowPrefix: string;
  /** Each policy that matches is counted by its name. */
  readonly tracksPolicies: boolean;
  /** Of the network filter only: `tcp.` */
  readonly statPrefix: string;
}

/** Reads envoy.extensions.filters.{http,network}.rbac.v3.RBAC. */
export function readRbac(config: Any): RbacFilterConfig {
  if (config['matcher'] !== undefined || config['shadow_matcher'] !== undefined) {
    throw new ConfigProblem('matcher', 'is not supported: use rules');
  }
  const engine = (field: string): RbacEngine | undefined => {
    const given = config[field] as RbacJson | undefined;
    return given && within(field, () => compileEngine(given));
  };
  return {
    rules: engine('rules'),
    shadowRules: engine('shadow_rules'),
    rulesPrefix: String(config['rules_stat_prefix'] ?? ''),
    shadowPrefix: String(config['shadow_rules_stat_prefix'] ?? ''),
    tracksPolicies: config['track_per_rule_stats'] === true,
    statPrefix: String(config['stat_prefix'] ?? ''),
  };
}

interface RbacJson {
  readonly action?: string;
  readonly policies?: Readonly<Record<string, PolicyJson>>;
}

interface PolicyJson {
  readonly permissions?: readonly PermissionJson[];
  readonly principals?: readonly PrincipalJson[];
  readonly condition?: unknown;
  readonly checked_condition?: unknown;
}

function compileEngine(given: RbacJson): RbacEngine {
  const action = given.action ?? 'ALLOW';
  if (action !== 'ALLOW' && action !== 'DENY' && action !== 'LOG') throw new ConfigProblem('action', `${action}?`);
  const policies = Object.entries(given.policies ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, policy]) => within(`policies.${name}`, () => compilePolicy(name, policy)));
  return { action, policies };
}

function compilePolicy(name: string, given: PolicyJson): CompiledPolicy {
  if (given.condition !== undefined || given.checked_condition !== undefined) {
    throw new ConfigProblem('condition', 'expressions are not supported');
  }
  return {
    name,
    permissions: (given.permissions ?? []).map((one, i) => compilePermission(one, `permissions[${i}]`)),
    principals: (given.principals ?? []).map((one, i) => compilePrincipal(one, `principals[${i}]`)),
  };
}

/** Evaluates the policies in order. ALLOW needs a match, DENY none, LOG lets everything pass. */
export function judge({ action, policies }: RbacEngine, subject: RbacSubject): RbacVerdict {
  const matched = policies.find(
    ({ permissions, principals }) =>
      permissions.some((one) => one.holds(subject)) && principals.some((one) => one.holds(subject)),
  );
  if (action === 'LOG') return { allowed: true, matched };
  return { allowed: (matched === undefined) === (action === 'DENY'), matched };
}

/** What a policy that does not match would need: the fewest differences. */
export const missesOf = (policy: CompiledPolicy, subject: RbacSubject): readonly string[] => [
  ...sideMisses(policy.principals, subject),
  ...sideMisses(policy.permissions, subject),
];

function sideMisses(conditions: readonly RbacCondition[], subject: RbacSubject): readonly string[] {
  const side = anyOf(conditions);
  if (side.holds(subject)) return [];
  return closest(conditions.map((one) => one.misses(subject)));
}

/** The item of `from` (or `to`) that matched, where there are several. */
export const matchedIndex = (conditions: readonly RbacCondition[], subject: RbacSubject): number | undefined =>
  conditions.length < 2 ? undefined : conditions.findIndex((one) => one.holds(subject));
