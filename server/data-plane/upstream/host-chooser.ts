import type { Clock, Random, SocketAddress } from '#domain';
import type { CompiledCluster } from '../config/cluster-config.ts';
import type { BalancingConfig } from '../config/lb-config.ts';
import type { RuntimeValues } from '../runtime-values.ts';
import type { UpstreamCluster } from './cluster.ts';
import type { ClusterStats } from './cluster-stats.ts';
import type { TableShape } from './hashing/ring-hash.ts';
import type { Host } from './host.ts';
import { HostGroup } from './host-group.ts';
import { HostSubsets } from './host-subsets.ts';
import { MemberHosts } from './member-hosts.ts';
import type { OriginalHosts } from './original-hosts.ts';
import type { HostChoice, PickContext } from './pick-context.ts';
import type { LevelHosts } from './priority-loads.ts';
import { ReportedWeights } from './reported-weights.ts';
import { type LocalHosts, ZoneRouting } from './zone-routing.ts';

const PANIC_KEY = 'upstream.healthy_panic_threshold';
const MOST_PERCENT = 100;

export interface HostChooserOptions {
  readonly config: CompiledCluster;
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: ClusterStats;
  /** What Envoy's runtime says; absent: nothing. */
  readonly values?: RuntimeValues | undefined;
  /** Requests under way in the cluster. */
  readonly underWay: () => number;
  /** The cluster's own hosts by address, as they are at any time. */
  readonly hosts: ReadonlyMap<string, Host>;
  readonly originals: OriginalHosts;
  /** Finds the clusters that this one is made of. */
  readonly clusterOf?: (name: string) => UpstreamCluster | undefined;
  /** All clusters of the proxy. */
  readonly clusters?: () => Iterable<UpstreamCluster>;
  /** Where a bootstrap names a local cluster. */
  readonly local?: LocalHosts | undefined;
  /** Balancing goes by other hosts, or by another health of them. */
  readonly onBalanced?: () => void;
}

/**
 * Who is asked in a cluster: a host that the session or the request names, the original destination, a host of a member, or what the
 * balancer says of all hosts or of a subset. It knows nothing of pools, breakers and checks.
 */
export class HostChooser {
  /** Where it goes by what hosts say of their load. */
  readonly reports: ReportedWeights | undefined;
  readonly #options: HostChooserOptions;
  readonly #all: HostGroup;
  readonly #subsets: HostSubsets | undefined;
  /** Where the cluster is made of others. */
  readonly #members: MemberHosts | undefined;

  constructor(options: HostChooserOptions) {
    this.#options = options;
    this.#members = this.#createMembers();
    const { balancing } = options.config;
    // Where there are subsets, they have all balancers.
    this.#all = this.#createGroup(
      balancing,
      balancing.subsets === undefined && balancing.policy !== 'CLUSTER_PROVIDED',
    );
    this.#subsets = this.#createSubsets();
    this.reports = this.#createReports();
  }

  /** In `priorities` members are others, or their health, weights or metadata are. */
  setHosts(hosts: readonly Host[], priorities: ReadonlySet<number>): void {
    this.#all.setHosts(hosts, { priorities });
    this.#subsets?.setHosts(hosts, priorities);
    this.#options.onBalanced?.();
  }

  /** The hosts of the local cluster are others or their health is. */
  localChanged(): void {
    this.#all.localChanged();
    this.#subsets?.localChanged();
  }

  /** Its hosts by priority; another list whenever they, or their health, are others. */
  get levels(): readonly LevelHosts[] {
    return this.#all.levels;
  }

  /** The table of a balancer that hashes. */
  get table(): TableShape | undefined {
    return this.#all.table;
  }

  /** Undefined when no host may be used. */
  choose(context: PickContext): HostChoice | undefined {
    // As in Envoy, hosts that sessions go on with are looked for among a cluster's own ones.
    if (this.#members !== undefined) return this.#members.choose(context);
    if (context.wanted !== undefined) {
      const choice = this.#wantedHost(context.wanted.key);
      if (choice !== undefined || context.wanted.strict) return choice;
    }
    return this.chooseBalanced(context);
  }

  /** All clusters of the proxy, where this one is not alone. */
  get clusters(): Iterable<UpstreamCluster> | undefined {
    return this.#options.clusters?.();
  }

  /** The host that the balancer will choose next, of those that are not foreseen yet; undefined where that cannot be told. */
  foresee(): Host | undefined {
    const { balancing, type } = this.#options.config;
    const draws = this.#members !== undefined || this.#subsets !== undefined || balancing.named !== undefined;
    return draws || type === 'ORIGINAL_DST' ? undefined : this.#all.foresee();
  }

  /** A host that the balancer chooses, whatever sessions say. */
  chooseBalanced(context: PickContext): HostChoice | undefined {
    const { config, hosts } = this.#options;
    const { named } = config.balancing;
    if (named !== undefined) {
      const host = hosts.get(context.named?.(named, (key) => hosts.has(key)) ?? '');
      if (host !== undefined) return { host, candidates: undefined, why: () => 'the request names this host' };
    }
    if (config.type === 'ORIGINAL_DST') return this.#originalHost(context.originalDestination);
    return this.#subsets === undefined ? this.#all.choose(context) : this.#subsets.choose(context);
  }

  /** Source: HostUtility::selectOverrideHost in Envoy. */
  #wantedHost(key: string): HostChoice | undefined {
    const { config, hosts } = this.#options;
    const host = hosts.get(key);
    if (host === undefined || !config.balancing.overrideStatuses.has(host.status)) return undefined;
    return { host, candidates: undefined, why: () => 'the session of the request belongs to this host' };
  }

  #originalHost(destination: SocketAddress | undefined): HostChoice | undefined {
    if (destination === undefined) return undefined;
    const { config, originals } = this.#options;
    const port = config.originalDst?.port || destination.port;
    const host = originals.at(port === destination.port ? destination : { ip: destination.ip, port });
    return { host, why: () => `the connection's original destination ${host.key}`, candidates: undefined };
  }

  #createGroup(config: BalancingConfig, hasZones = true): HostGroup {
    const { clock, random, underWay, stats, local, values } = this.#options;
    const zones =
      local && hasZones ? new ZoneRouting({ config, local, random: random.stream('zones'), stats }) : undefined;
    const { panicThreshold: given } = config;
    // As in Envoy, looked at when hosts or their health change.
    const panicThreshold = (): number => Math.min(MOST_PERCENT, values?.whole(PANIC_KEY, given) ?? given);
    return new HostGroup({ config, clock, random, underWay, panics: stats.panic, panicThreshold, zones });
  }

  #createMembers(): MemberHosts | undefined {
    const { config, random, clusterOf } = this.#options;
    const { members: names, balancing } = config;
    if (names === undefined || clusterOf === undefined) return undefined;
    return new MemberHosts({ names, clusterOf, panicThreshold: balancing.panicThreshold, random });
  }

  #createReports(): ReportedWeights | undefined {
    const config = this.#options.config.balancing.reports;
    if (config === undefined) return undefined;
    const { clock, hosts } = this.#options;
    const changed = (): void => {
      this.#all.reweigh();
      this.#subsets?.reweigh();
    };
    return new ReportedWeights({ config, clock, hosts: () => [...hosts.values()], changed });
  }

  #createSubsets(): HostSubsets | undefined {
    const { balancing } = this.#options.config;
    const { subsets: config } = balancing;
    if (config === undefined) return undefined;
    const own = { ...balancing, byLocality: balancing.byLocality && config.weighsLocalities };
    return new HostSubsets({ config, stats: this.#options.stats, createGroup: () => this.#createGroup(own) });
  }
}
