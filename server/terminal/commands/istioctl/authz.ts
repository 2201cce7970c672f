import type { FilterChain, Listener } from '#xds';
import { UsageError } from '../../command.ts';
import { formatTable } from '../../table.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { completeDescribe, describeFlags, describeManual, describeResource } from './describe/index.ts';
import { experimentalElsewhere } from './elsewhere.ts';
import { completeProxies, findProxy } from './proxies.ts';

/** RBAC of envoy.config.rbac.v3, as far as its policies' names tell. */
interface Rules {
  readonly action?: string;
  readonly policies?: Readonly<Record<string, unknown>>;
}

interface RbacFilter {
  readonly rules?: Rules;
  readonly shadow_rules?: Rules;
}

const CUSTOM = 'istio-ext-authz-';
const NOBODY = '_anonymous_match_nothing_';
const ACTIONS = ['DENY', 'ALLOW', 'LOG', 'CUSTOM'] as const;

export const experimental: Verb = {
  name: 'experimental',
  aliases: ['x', 'exp'],
  manual: `istioctl x authz check <pod[.namespace] | deploy/name> [-n namespace]
The AuthorizationPolicies that a proxy really has, those of the mesh, its namespace and its workload together, and how many rules of each.

${describeManual}`,
  flags: describeFlags,
  run: async (flags, io, context) => {
    const [what = '', verb, word, more] = flags.words;
    const instead = Object.hasOwn(experimentalElsewhere, what) ? experimentalElsewhere[what] : undefined;
    if (instead !== undefined) throw new UsageError(`Error: istioctl experimental ${what}: ${instead}.`);
    if (what === 'describe' || what === 'des') return describeResource(flags, io, context);
    if (what !== 'authz' || verb !== 'check') {
      throw new UsageError(
        `Error: unknown command "${[what, verb].filter(Boolean).join(' ')}" for "istioctl experimental". Known: authz check, describe`,
        64,
      );
    }
    if (word === undefined) throw new UsageError('Error: expecting pod name or config dump, found: 0');
    if (more !== undefined) throw new UsageError('Error: check requires only <pod-name>[.<pod-namespace>]');
    const { proxy } = findProxy(context, namespaceOf(flags, context), word);
    await proxy.admin.refresh?.();
    const rows = policyRows(proxy.admin.listeners() as Listener[]);
    io.out(formatTable(['ACTION', 'AuthorizationPolicy', 'RULES'], rows, 3));
    return 0;
  },
  complete: (typed, context) => {
    const { words, namespace } = typed;
    if (words.length <= 1) return ['authz', 'describe'];
    if (words[0] === 'describe') return completeDescribe(typed, context);
    if (words.length === 2) return ['check'];
    return words.length === 3 ? completeProxies(namespace, context) : [];
  },
};

/** By action, then by name; a filter without a policy matches nothing and is listed too. Source: istioctl/pkg/authz/listener.go. */
function policyRows(listeners: readonly Listener[]): string[][] {
  const rulesOf = new Map<string, Set<string>>();
  const namesOf = new Map<string, Set<string>>();
  const add = (action: string, [name, rule]: readonly [string, string]): void => {
    namesOf.set(action, (namesOf.get(action) ?? new Set()).add(name));
    rulesOf.set(name, (rulesOf.get(name) ?? new Set()).add(rule));
  };
  const chains = listeners.flatMap(({ filter_chains = [] }) => filter_chains);
  for (const { rules = {}, shadow_rules: shadow = {} } of chains.flatMap(rbacFilters)) {
    const [names, action] = [Object.keys(rules.policies ?? {}), rules.action ?? 'ALLOW'];
    for (const name of names) add(action, nameAndRule(name));
    for (const name of Object.keys(shadow.policies ?? {}))
      if (name.startsWith(CUSTOM)) add('CUSTOM', nameAndRule(name));
    if (names.length === 0) add(action, [NOBODY, '0']);
  }
  return ACTIONS.flatMap((action) =>
    [...(namesOf.get(action) ?? [])].sort().map((name) => [action, name, String(rulesOf.get(name)?.size ?? 0)]),
  );
}

/** The RBAC filters of a chain, for HTTP and for TCP. */
function rbacFilters({ filters }: FilterChain): RbacFilter[] {
  return filters.flatMap(({ name, typed_config: config }): RbacFilter[] => {
    if (name === 'envoy.filters.network.rbac') return [(config ?? {}) as RbacFilter];
    const inner = (config?.['http_filters'] ?? []) as readonly {
      readonly name: string;
      readonly typed_config?: object;
    }[];
    return inner
      .filter((each) => each.name === 'envoy.filters.http.rbac')
      .map((each) => (each.typed_config ?? {}) as RbacFilter);
  });
}

/** `ns[shop]-policy[deny]-rule[0]` → `deny.shop` and `0`. */
function nameAndRule(text: string): [string, string] {
  const [, namespace = '', name = '', rule = ''] = /ns\[(.+)\]-policy\[(.+)\]-rule\[(.+)\]/.exec(text) ?? [];
  return [`${name}.${namespace}`, rule];
}
