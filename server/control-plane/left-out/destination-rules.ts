import { parseClusterName } from '#domain';
import { type Config, fieldOf } from '../snapshot/config.ts';
import type { DestinationRuleIndex, MergedDestinationRule } from '../snapshot/destination-rules.ts';
import { hostCovers, labelsMatch, resolveHost } from '../snapshot/hosts.ts';
import type { DestinationRuleSpec } from '../snapshot/istio-types.ts';
import { firstLabel, type Inquiry, type LeftOut, placeOf } from './question.ts';
import { objectName, wholeLeftOut } from './virtual-services.ts';

type Rule = Config<DestinationRuleSpec>;

/** The DestinationRules that the chosen cluster has nothing of, and the one in force where it lacks the subset. */
export function leftOutOfCluster(inquiry: Inquiry, cluster: string): LeftOut[] {
  const chosen = parseClusterName(cluster);
  if (chosen?.direction !== 'outbound') return [];
  const { host, subset } = chosen;
  const inForce = inquiry.scope.ruleFor(host);
  const others = everyRule(inquiry.snapshot.destinationRules)
    .filter((rule) => !inForce?.from.includes(rule))
    .filter(({ spec, namespace }) => isMeant(resolveHost(spec.host, namespace), host))
    .map((rule) => wholeLeftOut(rule, ...misfitOf(rule, { host, inForce, inquiry })));
  const missing = inForce && subset && !inForce.subsets.some(({ value }) => value.name === subset);
  return missing ? [withoutSubset(inForce, subset), ...others] : others;
}

const isMeant = (pattern: string, host: string): boolean =>
  hostCovers(pattern, host) || firstLabel(pattern) === firstLabel(host);

function everyRule({ local, exported, rootLocal }: DestinationRuleIndex): Rule[] {
  const merged = [...local.values(), ...exported.values(), rootLocal].flatMap((byHost) => [...byHost.values()].flat());
  return [...new Set(merged.flatMap(({ from }) => from))];
}

interface ClusterRules {
  readonly host: string;
  readonly inForce: MergedDestinationRule | undefined;
  readonly inquiry: Inquiry;
}

/** The first field of a DestinationRule for which it does not count, and why. */
function misfitOf(
  { spec, namespace }: Rule,
  { host, inForce, inquiry }: ClusterRules,
): readonly [path: string, reason: string] {
  const { scope, snapshot } = inquiry;
  const own = resolveHost(spec.host, namespace);
  if (!hostCovers(own, host)) return ['spec.host', `is for ${own}, the route sends to ${host}`];
  const service = scope.findService(host)?.namespace;
  const root = snapshot.mesh.rootNamespace;
  if (![scope.namespace, service, root].includes(namespace)) {
    const looked = [...new Set([scope.namespace, service ?? root, root])].join(', ');
    return [
      'metadata.namespace',
      `stands in namespace ${namespace}; only ${looked} are looked at for this proxy and host`,
    ];
  }
  const exportTo = spec.exportTo ?? [];
  const isHome = namespace === scope.namespace;
  const isSeen =
    exportTo.length === 0 ||
    exportTo.some((each) => each === '*' || each === scope.namespace || (isHome && each === '.'));
  if (!isSeen)
    return ['spec.exportTo', `is exported to ${exportTo.join(', ')}; this proxy is in namespace ${scope.namespace}`];
  const selector = spec.workloadSelector?.matchLabels;
  if (selector !== undefined && !(isHome && labelsMatch(selector, scope.labels))) {
    const wanted = Object.entries(selector).map(([key, value]) => `${key}: ${value}`);
    return [
      'spec.workloadSelector',
      `selects callers of namespace ${namespace} with ${wanted.join(', ')}; not this proxy`,
    ];
  }
  if (inForce === undefined) return ['spec.host', `is not in force for ${host} at this proxy`];
  return ['spec.host', `gives way to ${objectName(inForce.owner)}, which is in force for ${inForce.host}`];
}

function withoutSubset(rule: MergedDestinationRule, subset: string): LeftOut {
  const known = rule.subsets.map(({ value }) => value.name).join(', ') || 'none';
  return {
    name: rule.from.map(objectName).join(', '),
    reason: `has no subset ${subset}; it defines ${known}`,
    origin: placeOf(fieldOf(rule.owner, 'spec.subsets')),
  };
}
