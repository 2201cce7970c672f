import type { Any } from '#xds';
import type { CelExprJson } from '../../format/cel-text.ts';
import { ConfigProblem, within } from '../problem.ts';
import type { Fields } from '../values.ts';
import { anyOf, closest, type RbacCondition } from './condition.ts';
import { expressionCondition } from './expression.ts';
import { type RbacMatcher, readRbacMatcher } from './matching.ts';
import { compilePermission, type PermissionJson } from './permission.ts';
import { compilePrincipal, type PrincipalJson } from './principal.ts';
import type { RbacSubject } from './subject.ts';

export type RbacAction = 'ALLOW' | 'DENY' | 'LOG';

export interface CompiledPolicy {
  readonly name: string;
  readonly permissions: readonly RbacCondition[];
  readonly principals: readonly RbacCondition[];
  /** What must hold besides. */
  readonly condition?: RbacCondition | undefined;
}

/** envoy.config.rbac.v3.RBAC, compiled. */
export interface RbacEngine {
  readonly action: RbacAction;
  /** In the order of their names, which is Envoy's; the first that matches counts. */
  readonly policies: readonly CompiledPolicy[];
  /** A tree that chooses in place of policies; without a choice nothing is allowed. */
  readonly matcher?: RbacMatcher;
}

/** What an engine says of a subject. */
export interface RbacVerdict {
  readonly allowed: boolean;
  readonly matched: CompiledPolicy | undefined;
  /** Whether it is marked for audit; undefined: nobody asks for that. */
  readonly marked?: boolean | undefined;
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
export function readRbac(config: Any, judges: 'requests' | 'connections' = 'requests'): RbacFilterConfig {
  // As in Envoy, a tree comes before rules.
  const engine = (field: string, tree: string): RbacEngine | undefined => {
    const matcher = config[tree] as Fields | undefined;
    if (matcher !== undefined)
      return { action: 'ALLOW', policies: [], matcher: readRbacMatcher(matcher, tree, judges) };
    const given = config[field] as RbacJson | undefined;
    return given && within(field, () => compileEngine(given));
  };
  return {
    rules: engine('rules', 'matcher'),
    shadowRules: engine('shadow_rules', 'shadow_matcher'),
    rulesPrefix: String(config['rules_stat_prefix'] ?? ''),
    shadowPrefix: String(config['shadow_rules_stat_prefix'] ?? ''),
    tracksPolicies: config['track_per_rule_stats'] === true,
    // Envoy joins scopes of figures by a dot.
    statPrefix: String(config['stat_prefix'] ?? '').replace(/[^.]$/, '$&.'),
  };
}

interface RbacJson {
  readonly action?: string;
  readonly policies?: Readonly<Record<string, PolicyJson>>;
}

interface PolicyJson {
  readonly permissions?: readonly PermissionJson[];
  readonly principals?: readonly PrincipalJson[];
  readonly condition?: CelExprJson;
  readonly checked_condition?: { readonly expr?: CelExprJson };
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
  const { condition, checked_condition } = given;
  return {
    name,
    permissions: (given.permissions ?? []).map((one, i) => compilePermission(one, `permissions[${i}]`)),
    principals: (given.principals ?? []).map((one, i) => compilePrincipal(one, `principals[${i}]`)),
    condition:
      condition !== undefined
        ? expressionCondition(condition, 'condition')
        : checked_condition && expressionCondition(checked_condition.expr ?? {}, 'checked_condition.expr'),
  };
}

/** Evaluates the policies in order. ALLOW needs a match, DENY none, LOG lets everything pass. */
export function judge({ action, matcher, policies }: RbacEngine, subject: RbacSubject): RbacVerdict {
  if (matcher !== undefined) return chosen(matcher, subject);
  const matched = policies.find(
    ({ condition, permissions, principals }) =>
      permissions.some((one) => one.holds(subject)) &&
      principals.some((one) => one.holds(subject)) &&
      (condition === undefined || condition.holds(subject)),
  );
  if (action === 'LOG') return { allowed: true, matched, marked: matched !== undefined };
  return { allowed: (matched === undefined) === (action === 'DENY'), matched };
}

function chosen({ choose, logs }: RbacMatcher, subject: RbacSubject): RbacVerdict {
  const leaf = choose(subject);
  if (leaf === undefined) return { allowed: false, matched: undefined };
  const matched = { name: leaf.name, permissions: [], principals: [] };
  return { allowed: leaf.action !== 'DENY', matched, ...(logs && { marked: leaf.action === 'LOG' }) };
}

/** What a policy that does not match would need: the fewest differences. */
export const missesOf = (policy: CompiledPolicy, subject: RbacSubject): readonly string[] => [
  ...sideMisses(policy.principals, subject),
  ...sideMisses(policy.permissions, subject),
  ...(policy.condition === undefined ? [] : sideMisses([policy.condition], subject)),
];

function sideMisses(conditions: readonly RbacCondition[], subject: RbacSubject): readonly string[] {
  const side = anyOf(conditions);
  if (side.holds(subject)) return [];
  return closest(conditions.map((one) => one.misses(subject)));
}

/** The item of `from` (or `to`) that matched, where there are several. */
export const matchedIndex = (conditions: readonly RbacCondition[], subject: RbacSubject): number | undefined =>
  conditions.length < 2 ? undefined : conditions.findIndex((one) => one.holds(subject));
