import { balancingLabels, canonicalText, matchesLabels } from '../config/labels.ts';
import type { SubsetConfig, SubsetSelector } from '../config/subset-config.ts';
import type { Fields } from '../config/values.ts';
import type { ClusterStats } from './cluster-stats.ts';
import type { Host } from './host.ts';
import type { HostGroup } from './host-group.ts';
import type { HostChoice, PickContext } from './pick-context.ts';
import type { PlaceWeight } from './priority.ts';

/** Criterion that holds other criteria, to be tried one after the other. */
const FALLBACKS = 'fallback_list';

interface Subset {
  /** The first one of each priority, the highest first, where a subset stands for its one host. */
  readonly hosts: Host[];
  /** Undefined where a subset stands for its one host. */
  readonly group: HostGroup | undefined;
}

type Fallback = Pick<SubsetSelector, 'fallback' | 'fallbackKeys'>;

export interface HostSubsetsOptions {
  readonly config: SubsetConfig;
  readonly stats: ClusterStats;
  readonly createGroup: () => HostGroup;
}

/**
 * The hosts of a cluster by their metadata `envoy.lb`: a request whose criteria name a subset chooses among its hosts only. Source:
 * subset_lb.cc.
 */
export class HostSubsets {
  readonly #config: SubsetConfig;
  readonly #stats: ClusterStats;
  readonly #createGroup: () => HostGroup;
  readonly #selectors: ReadonlyMap<string, Fallback>;
  readonly #any: HostGroup | undefined;
  readonly #default: HostGroup | undefined;
  #subsets: ReadonlyMap<string, Subset> = new Map();

  constructor({ config, stats, createGroup }: HostSubsetsOptions) {
    this.#config = config;
    this.#stats = stats;
    this.#createGroup = createGroup;
    this.#selectors = fallbacksOf(config.selectors);
    const wants = (fallback: SubsetSelector['fallback']): boolean =>
      config.fallback === fallback || [...this.#selectors.values()].some((each) => each.fallback === fallback);
    this.#any = wants('ANY_ENDPOINT') || config.panicModeAny ? createGroup() : undefined;
    this.#default = wants('DEFAULT_SUBSET') ? createGroup() : undefined;
  }

  /** In `priorities` members are others, or their health, weights or metadata are. */
  setHosts(hosts: readonly Host[], priorities: ReadonlySet<number>): void {
    this.#any?.setHosts(hosts, { priorities });
    const ofDefault = hosts.filter((host) => this.#isDefault(host));
    this.#default?.setHosts(ofDefault, { priorities });
    const next = new Map<string, Subset>();
    let duplicates = 0;
    // As in Envoy, where each priority tells its own, and the last one stays.
    const told = Math.max(...priorities);
    for (const host of hosts) {
      for (const selector of this.#config.selectors) {
        for (const key of subsetsOf(host, selector.keys, this.#config.listAsAny)) {
          const subset = next.get(key) ?? this.#renewed(key, selector);
          next.set(key, subset);
          if (subset.group === undefined && subset.hosts.some((other) => isOfOnePriority(other, host))) {
            if (host.endpoint.priority === told) duplicates++;
          } else if (!subset.hosts.includes(host)) subset.hosts.push(host);
        }
      }
    }
    const places = this.#config.scalesWeights ? countPlaces(hosts) : undefined;
    for (const { group, hosts: members } of next.values()) {
      if (group === undefined) members.sort((a, b) => a.endpoint.priority - b.endpoint.priority);
      else group.setHosts(members, { priorities, placeWeight: places && scaled(places, members) });
    }
    this.#count(next, duplicates);
    this.#subsets = next;
  }

  /** Weights are others, and the hosts are not. */
  reweigh(): void {
    for (const group of this.#groups()) group.reweigh();
  }

  /** The hosts of the local cluster are others or their health is. */
  localChanged(): void {
    for (const group of this.#groups()) group.localChanged();
  }

  #groups(): readonly HostGroup[] {
    const subsets = [...this.#subsets.values()].map(({ group }) => group);
    return [this.#any, this.#default, ...subsets].filter((group) => group !== undefined);
  }

  /** Undefined when no host may be used. */
  choose(context: PickContext): HostChoice | undefined {
    const criteria = context.criteria?.();
    const others = this.#config.metadataFallbacks ? criteria?.[FALLBACKS] : undefined;
    if (criteria === undefined || others === undefined) return this.#choose(context, criteria);
    const { [FALLBACKS]: _, ...own } = criteria;
    const list = Array.isArray(others) ? (others as readonly Fields[]) : [];
    if (list.length === 0) return this.#choose(context, own);
    for (const other of list) {
      const choice = this.#choose(context, { ...own, ...other });
      if (choice !== undefined) return choice;
    }
    return undefined;
  }

  #choose(context: PickContext, given: Fields | undefined): HostChoice | undefined {
    const criteria = given && this.#config.allowsRedundantKeys ? this.#reduced(given) : given;
    if (criteria !== undefined) {
      const subset = this.#subsets.get(keyOf(Object.keys(criteria).sort(), criteria));
      if (subset !== undefined && subset.hosts.length > 0) {
        this.#stats.count('lb_subsets_selected');
        return subset.group === undefined ? onlyHost(subset.hosts[0]!) : subset.group.choose(context);
      }
      const own = this.#selectors.get(Object.keys(criteria).sort().join('\n'));
      if (own !== undefined && own.fallback !== 'NOT_DEFINED') return this.#fallBack(context, criteria, own);
    }
    return this.#fallBackAsCluster(context);
  }

  /** As the selector with the keys of the request's criteria says. */
  #fallBack(context: PickContext, criteria: Fields, own: Fallback): HostChoice | undefined {
    switch (own.fallback) {
      case 'ANY_ENDPOINT':
        return this.#any?.choose(context);
      case 'DEFAULT_SUBSET':
        return this.#default?.choose(context);
      case 'KEYS_SUBSET':
        return this.#choose(
          context,
          Object.fromEntries(Object.entries(criteria).filter(([key]) => own.fallbackKeys.has(key))),
        );
      default:
        return undefined;
    }
  }

  #fallBackAsCluster(context: PickContext): HostChoice | undefined {
    const { fallback, panicModeAny } = this.#config;
    if (fallback === 'NO_FALLBACK') return undefined;
    const choice = (fallback === 'ANY_ENDPOINT' ? this.#any : this.#default)?.choose(context);
    if (choice !== undefined) {
      this.#stats.count('lb_subsets_fallback');
      return choice;
    }
    const panicked = panicModeAny ? this.#any?.choose(context) : undefined;
    if (panicked !== undefined) this.#stats.count('lb_subsets_fallback_panic');
    return panicked;
  }

  /** Only the keys of the first selector whose keys are all there. */
  #reduced(criteria: Fields): Fields {
    const selector = this.#config.selectors.find(({ keys }) => keys.every((key) => Object.hasOwn(criteria, key)));
    return selector === undefined
      ? criteria
      : Object.fromEntries(selector.keys.map((key) => [key, criteria[key]] as const));
  }

  #renewed(key: string, { singleHost }: SubsetSelector): Subset {
    const former = this.#subsets.get(key);
    return { hosts: [], group: former === undefined ? (singleHost ? undefined : this.#createGroup()) : former.group };
  }

  #isDefault({ endpoint }: Host): boolean {
    const { defaultSubset, listAsAny } = this.#config;
    return matchesLabels(defaultSubset, balancingLabels(endpoint.metadata), listAsAny);
  }

  #count(next: ReadonlyMap<string, Subset>, duplicates: number): void {
    const made = [...next.keys()].filter((key) => !this.#subsets.has(key)).length;
    const gone = [...this.#subsets.keys()].filter((key) => !next.has(key)).length;
    this.#stats.level('lb_subsets_active').value += made - gone;
    this.#stats.add('lb_subsets_created', made);
    this.#stats.add('lb_subsets_removed', gone);
    this.#stats.level('lb_subsets_single_host_per_subset_duplicate').value = duplicates;
  }
}

const isOfOnePriority = (one: Host, other: Host): boolean => one.endpoint.priority === other.endpoint.priority;

const placeOf = ({ endpoint }: Host): string => `${endpoint.priority}/${endpoint.locality.key}`;

function countPlaces(hosts: readonly Host[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const host of hosts) counts.set(placeOf(host), (counts.get(placeOf(host)) ?? 0) + 1);
  return counts;
}

/** Weights of localities in proportion to how many of their hosts are members. */
function scaled(all: ReadonlyMap<string, number>, members: readonly Host[]): PlaceWeight {
  const counts = countPlaces(members);
  return (host) => {
    const place = placeOf(host);
    return Math.round((host.endpoint.locality.weight * (counts.get(place) ?? 0)) / (all.get(place) ?? 1));
  };
}

const onlyHost = (host: Host): HostChoice => ({
  host,
  why: () => `the only host of the subset: ${host.key}`,
  candidates: undefined,
});

/** The names of the subsets that a host belongs to by these keys: none where it lacks one, several where a list stands for its values. */
function subsetsOf(host: Host, keys: readonly string[], listAsAny: boolean): readonly string[] {
  const own = balancingLabels(host.endpoint.metadata);
  if (own === undefined || keys.length === 0 || !keys.every((key) => Object.hasOwn(own, key))) return [];
  let found: Fields[] = [{}];
  for (const key of keys) {
    const value = own[key];
    const values = listAsAny && Array.isArray(value) ? value : [value];
    found = found.flatMap((each) => values.map((one: unknown) => ({ ...each, [key]: one })));
  }
  return found.map((values) => keyOf(keys, values));
}

/** `keys` are sorted. */
const keyOf = (keys: readonly string[], values: Fields): string =>
  JSON.stringify(keys.map((key) => [key, canonicalText(values[key])]));

/**
 * What selectors say of requests without a subset, by their keys. As in Envoy, a selector whose keys another one's begin with comes first or
 * has no say.
 */
function fallbacksOf(selectors: readonly SubsetSelector[]): ReadonlyMap<string, Fallback> {
  const found = new Map<string, Fallback>();
  for (const { keys, fallback, fallbackKeys } of selectors) {
    for (let length = 1; length <= keys.length; length++) {
      const path = keys.slice(0, length).join('\n');
      if (found.has(path)) continue;
      found.set(path, length === keys.length ? { fallback, fallbackKeys } : { fallback: 'NOT_DEFINED', fallbackKeys });
    }
  }
  return found;
}
