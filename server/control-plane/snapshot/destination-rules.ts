import type { KubeObject } from '#domain';
import type { MeshConfig } from '../doors.ts';
import { type Config, compareConfigs, toConfig } from './config.ts';
import { labelsMatch, mostSpecific, resolveHost, sameSet } from './hosts.ts';
import type { DestinationRuleSpec, Subset, TrafficPolicy } from './istio-types.ts';

/** A field's value and the object and path it stands at. */
export interface Owned<Value> {
  readonly value: Value;
  readonly owner: Config<DestinationRuleSpec>;
  readonly path: string;
}

/** The DestinationRules of one namespace for one host, merged: the first policy wins, subsets are joined by name. */
export interface MergedDestinationRule {
  readonly host: string;
  readonly namespace: string;
  /** Empty: not said. */
  readonly exportTo: ReadonlySet<string>;
  readonly workloadSelector: Readonly<Record<string, string>> | undefined;
  /** The first of the merged rules, by which Istio names the result. */
  readonly owner: Config<DestinationRuleSpec>;
  /** All of the merged rules, in the order in which they were joined. */
  readonly from: readonly Config<DestinationRuleSpec>[];
  readonly trafficPolicy: Owned<TrafficPolicy> | undefined;
  readonly subsets: readonly Owned<Subset>[];
}

type RulesByHost = ReadonlyMap<string, readonly MergedDestinationRule[]>;

/** The rules of each namespace as its own clients see them, as others see them, and the root namespace's private ones. */
export interface DestinationRuleIndex {
  readonly local: ReadonlyMap<string, RulesByHost>;
  readonly exported: ReadonlyMap<string, RulesByHost>;
  readonly rootLocal: RulesByHost;
  /** Whether any rule looks at the labels of the client. */
  readonly selectsClients: boolean;
}

/** Source: setDestinationRules in istio pilot. */
export function deriveDestinationRules(
  objects: readonly KubeObject[],
  { defaultDestinationRuleExportTo, rootNamespace }: MeshConfig,
  generated: readonly Config<DestinationRuleSpec>[] = [],
): DestinationRuleIndex {
  const stored = objects.map((object) => toConfig<DestinationRuleSpec>(object));
  const configs = [...stored, ...generated].sort(bySelectorThenAge);
  const local = new Map<string, MutableRules>();
  const exported = new Map<string, MutableRules>();
  const rootLocal: MutableRules = new Map();
  const privateByDefault = defaultDestinationRuleExportTo?.includes('.') === true;
  for (const config of configs) {
    const { namespace, spec } = config;
    const exportTo = new Set(spec.workloadSelector === undefined ? (spec.exportTo ?? []) : ['.']);
    const isSeenAtHome = exportTo.size === 0 || ['*', '.', namespace].some((entry) => exportTo.has(entry));
    if (isSeenAtHome) add(rulesOf(local, namespace), config, exportTo);
    const isPrivate =
      exportTo.size === 0 ? privateByDefault : exportTo.size === 1 && (exportTo.has('.') || exportTo.has(namespace));
    if (!isPrivate) add(rulesOf(exported, namespace), config, exportTo);
    else if (namespace === rootNamespace) add(rootLocal, config, exportTo);
  }
  return {
    local,
    exported,
    rootLocal,
    selectsClients: configs.some(({ spec }) => spec.workloadSelector !== undefined || comparesLabels(spec)),
  };
}

/** Failover by the labels that client and server have in common. */
const comparesLabels = ({ trafficPolicy, subsets = [] }: DestinationRuleSpec): boolean =>
  [trafficPolicy, ...subsets.map((subset) => subset.trafficPolicy)]
    .flatMap((policy) => [policy, ...(policy?.portLevelSettings ?? [])])
    .some((policy) => {
      const { localityLbSetting, zoneAwareLbSetting } = policy?.loadBalancer ?? {};
      return localityLbSetting?.failoverPriority !== undefined || zoneAwareLbSetting?.failoverPriority !== undefined;
    });

const bySelectorThenAge = (a: Config<DestinationRuleSpec>, b: Config<DestinationRuleSpec>): number =>
  Number(a.spec.workloadSelector === undefined) - Number(b.spec.workloadSelector === undefined) || compareConfigs(a, b);

type MutableRules = Map<string, MergedDestinationRule[]>;

function rulesOf(index: Map<string, MutableRules>, namespace: string): MutableRules {
  const held = index.get(namespace) ?? new Map();
  index.set(namespace, held);
  return held;
}

/**
 * Joins a rule with those of its host that are seen by the same namespaces and select the same clients, else lets it stand beside
 * them. Source: mergeDestinationRule in istio pilot.
 */
function add(rules: MutableRules, config: Config<DestinationRuleSpec>, exportTo: ReadonlySet<string>): void {
  const host = resolveHost(config.spec.host, config.namespace);
  const held = rules.get(host) ?? [];
  rules.set(host, held);
  let isAlone = true;
  for (const [i, existing] of held.entries()) {
    const isSame = sameSet(exportTo, existing.exportTo);
    const isWider = existing.exportTo.size > 0 && [...existing.exportTo].every((entry) => exportTo.has(entry));
    if (!isSame && !isWider) continue;
    const selector = config.spec.workloadSelector?.matchLabels;
    const bothSelect = existing.workloadSelector !== undefined && config.spec.workloadSelector !== undefined;
    const neitherSelects = existing.workloadSelector === undefined && config.spec.workloadSelector === undefined;
    const sameSelector = bothSelect && sameLabels(existing.workloadSelector ?? {}, selector ?? {});
    if (bothSelect && !sameSelector) {
      isAlone = true;
      continue;
    }
    isAlone = !isSame && isAlone;
    if (neitherSelects || sameSelector) isAlone = false;
    held[i] = join(existing, config);
  }
  if (isAlone) held.push(single(config, host, exportTo));
}

const sameLabels = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean =>
  labelsMatch(a, b) && labelsMatch(b, a);

const ownSubsets = (config: Config<DestinationRuleSpec>): Owned<Subset>[] =>
  (config.spec.subsets ?? []).map((value, i) => ({ value, owner: config, path: `spec.subsets[${i}]` }));

const ownPolicy = (config: Config<DestinationRuleSpec>): Owned<TrafficPolicy> | undefined =>
  config.spec.trafficPolicy && { value: config.spec.trafficPolicy, owner: config, path: 'spec.trafficPolicy' };

const single = (
  config: Config<DestinationRuleSpec>,
  host: string,
  exportTo: ReadonlySet<string>,
): MergedDestinationRule => ({
  host,
  namespace: config.namespace,
  exportTo,
  workloadSelector: config.spec.workloadSelector && (config.spec.workloadSelector.matchLabels ?? {}),
  owner: config,
  from: [config],
  trafficPolicy: ownPolicy(config),
  subsets: ownSubsets(config),
});

function join(existing: MergedDestinationRule, config: Config<DestinationRuleSpec>): MergedDestinationRule {
  const known = new Set(existing.subsets.map(({ value }) => value.name));
  return {
    ...existing,
    from: [...existing.from, config],
    trafficPolicy: joinPolicies(existing, config),
    subsets: [...existing.subsets, ...ownSubsets(config).filter(({ value }) => !known.has(value.name))],
  };
}

/** Made from a policy of the Gateway API: it fills what a rule that somebody wrote leaves open. */
const isGenerated = ({ annotations }: Config<unknown>): boolean =>
  annotations?.['internal.istio.io/parents'] !== undefined;

function joinPolicies(
  { owner, trafficPolicy }: MergedDestinationRule,
  config: Config<DestinationRuleSpec>,
): Owned<TrafficPolicy> | undefined {
  const incoming = ownPolicy(config);
  if (trafficPolicy === undefined || incoming === undefined) return trafficPolicy ?? incoming;
  if (isGenerated(owner) === isGenerated(config)) return trafficPolicy;
  const [written, generated] = isGenerated(owner) ? [incoming, trafficPolicy] : [trafficPolicy, incoming];
  const ports = written.value.portLevelSettings ?? [];
  const added = (generated.value.portLevelSettings ?? []).filter(
    ({ port }) => !ports.some((each) => each.port?.number === port?.number),
  );
  const filled = ports.map((each) => ({
    ...(generated.value.portLevelSettings ?? []).find(({ port }) => each.port?.number === port?.number),
    ...each,
  }));
  return { ...written, value: { ...generated.value, ...written.value, portLevelSettings: [...filled, ...added] } };
}

export interface DestinationRuleQuery {
  readonly host: string;
  /** Namespace of the service, where it is known. */
  readonly serviceNamespace: string | undefined;
  readonly clientNamespace: string;
  readonly clientLabels: Readonly<Record<string, string>>;
  readonly rootNamespace: string;
  /** `inbound`: the server's own view, in which selectors of clients do not count. */
  readonly direction?: 'inbound' | 'outbound';
}

/**
 * The rule a client obeys for a host: from the client's namespace, else the service's, else the root namespace; in each the most
 * specific host counts; a rule that selects the client beats one that selects nobody. Source: destinationRule in istio pilot.
 */
export function findDestinationRule(
  index: DestinationRuleIndex,
  query: DestinationRuleQuery,
): MergedDestinationRule | undefined {
  const { clientNamespace, clientLabels, direction = 'outbound' } = query;
  let general: MergedDestinationRule | undefined;
  for (const rule of candidates(index, query)) {
    if (rule.workloadSelector === undefined) general = rule;
    else if (direction === 'outbound' && rule.namespace === clientNamespace) {
      if (labelsMatch(rule.workloadSelector, clientLabels)) return rule;
    }
  }
  return general;
}

/** Of one namespace, all that a client may obey for a host. */
export function candidates(
  { local, exported, rootLocal }: DestinationRuleIndex,
  { host, serviceNamespace, clientNamespace, rootNamespace }: DestinationRuleQuery,
): readonly MergedDestinationRule[] {
  const own = clientNamespace === rootNamespace ? rootLocal : local.get(clientNamespace);
  const atHome = own && mostSpecific(host, own);
  if (atHome !== undefined) return atHome;
  for (const namespace of [serviceNamespace, rootNamespace]) {
    const rules = namespace ? exported.get(namespace) : undefined;
    const found = ((rules && mostSpecific(host, rules)) ?? []).filter(
      ({ exportTo }) => exportTo.size === 0 || exportTo.has('*') || exportTo.has(clientNamespace),
    );
    if (found.length > 0) return found;
  }
  return [];
}
