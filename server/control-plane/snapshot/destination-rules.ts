import type { KubeObject } from '#domain';
import { type Config, compareConfigs, toConfig } from './config.ts';
import { hostCovers, isExportedTo, isWildcard, labelsMatch, resolveHost } from './hosts.ts';
import type { DestinationRuleSpec, Subset, TrafficPolicy } from './istio-types.ts';

/** A field's value and the object and path it stands at. */
export interface Owned<Value> {
  readonly value: Value;
  readonly owner: Config<DestinationRuleSpec>;
  readonly path: string;
}

/** All DestinationRules of one namespace for one host, merged: the first policy wins, subsets are joined by name. */
export interface MergedDestinationRule {
  readonly host: string;
  readonly namespace: string;
  readonly exportTo: readonly string[] | undefined;
  readonly workloadSelector: Readonly<Record<string, string>> | undefined;
  /** The oldest of the merged rules. */
  readonly owner: Config<DestinationRuleSpec>;
  readonly trafficPolicy: Owned<TrafficPolicy> | undefined;
  readonly subsets: readonly Owned<Subset>[];
}

/** By namespace, in configuration order. */
export type DestinationRuleIndex = ReadonlyMap<string, readonly MergedDestinationRule[]>;

export function deriveDestinationRules(objects: readonly KubeObject[]): DestinationRuleIndex {
  const groups = new Map<string, Config<DestinationRuleSpec>[]>();
  for (const config of objects.map((object) => toConfig<DestinationRuleSpec>(object)).sort(compareConfigs)) {
    const { spec, namespace } = config;
    const key = JSON.stringify([
      namespace,
      resolveHost(spec.host, namespace),
      [...(spec.exportTo ?? ['*'])].sort(),
      spec.workloadSelector?.matchLabels ?? null,
    ]);
    groups.set(key, [...(groups.get(key) ?? []), config]);
  }
  const byNamespace = new Map<string, MergedDestinationRule[]>();
  for (const group of groups.values()) {
    const merged = merge(group);
    byNamespace.set(merged.namespace, [...(byNamespace.get(merged.namespace) ?? []), merged]);
  }
  return byNamespace;
}

function merge(group: readonly Config<DestinationRuleSpec>[]): MergedDestinationRule {
  const owner = group[0] as Config<DestinationRuleSpec>;
  const subsets = new Map<string, Owned<Subset>>();
  for (const config of group) {
    for (const [i, value] of (config.spec.subsets ?? []).entries()) {
      if (!subsets.has(value.name)) subsets.set(value.name, { value, owner: config, path: `spec.subsets[${i}]` });
    }
  }
  const policied = group.find((config) => config.spec.trafficPolicy !== undefined);
  return {
    host: resolveHost(owner.spec.host, owner.namespace),
    namespace: owner.namespace,
    exportTo: owner.spec.exportTo,
    workloadSelector: owner.spec.workloadSelector?.matchLabels,
    owner,
    trafficPolicy: policied?.spec.trafficPolicy && {
      value: policied.spec.trafficPolicy,
      owner: policied,
      path: 'spec.trafficPolicy',
    },
    subsets: [...subsets.values()],
  };
}

export interface DestinationRuleQuery {
  readonly host: string;
  /** Namespace of the service, where it is known. */
  readonly serviceNamespace: string | undefined;
  readonly clientNamespace: string;
  readonly clientLabels: Readonly<Record<string, string>>;
  readonly rootNamespace: string;
}

/**
 * The rule a client obeys for a host: from the client's namespace, else the service's, else the root namespace; in each, a rule that
 * selects the client beats one that selects nobody, an exact host beats a wildcard, a longer wildcard a shorter one.
 */
export function findDestinationRule(
  index: DestinationRuleIndex,
  query: DestinationRuleQuery,
): MergedDestinationRule | undefined {
  const { clientNamespace, serviceNamespace, rootNamespace } = query;
  const order = [clientNamespace, serviceNamespace, rootNamespace].filter((each) => each !== undefined);
  for (const namespace of new Set(order)) {
    const found = bestIn(index.get(namespace) ?? [], query);
    if (found !== undefined) return found;
  }
  return undefined;
}

function bestIn(
  rules: readonly MergedDestinationRule[],
  { host, clientNamespace, clientLabels }: DestinationRuleQuery,
): MergedDestinationRule | undefined {
  const candidates = rules.filter(
    (rule) =>
      hostCovers(rule.host, host) &&
      isExportedTo(rule.exportTo, rule.namespace, clientNamespace) &&
      (rule.workloadSelector === undefined ||
        (rule.namespace === clientNamespace && labelsMatch(rule.workloadSelector, clientLabels))),
  );
  const specificity = (rule: MergedDestinationRule): number =>
    (isWildcard(rule.host) ? rule.host.length : 1000) + (rule.workloadSelector === undefined ? 0 : 0.5);
  return candidates.reduce<MergedDestinationRule | undefined>(
    (best, rule) => (best === undefined || specificity(rule) > specificity(best) ? rule : best),
    undefined,
  );
}

/** Whether any rule looks at the labels of the client. */
export const selectsClients = (index: DestinationRuleIndex): boolean =>
  [...index.values()].some((rules) => rules.some((rule) => rule.workloadSelector !== undefined));
