import type { Clock, Random } from '#domain';
import type { Cluster, ClusterLoadAssignment } from '#xds';
import { type CompiledCluster, compileCluster } from '../config/cluster-config.ts';
import { type EndpointConfig, readDrops } from '../config/endpoint-config.ts';
import type { LocalCluster, Resolve } from '../doors.ts';
import type { RuntimeValues } from '../runtime-values.ts';
import { Stats } from '../stats/stats.ts';
import { UpstreamCluster } from './cluster.ts';
import type { PoolFactory } from './cluster-options.ts';
import { followRuntime } from './follow-runtime.ts';
import type { ProbeFactory } from './health-check/probe.ts';
import { StaleAssignments } from './stale-assignments.ts';
import type { LocalHosts } from './zone-routing.ts';

export interface ClusterManagerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: Stats;
  /** What Envoy's runtime says; absent: nothing. */
  readonly values?: RuntimeValues | undefined;
  readonly createPool: PoolFactory;
  readonly createProbe: ProbeFactory;
  readonly resolve: Resolve;
  readonly onLog: (line: string) => void;
  /** As the bootstrap names it; absent: zones do not count. */
  readonly localCluster?: LocalCluster | undefined;
}

/** Services apart that are kept; of more the oldest goes. */
const MOST_APART = 32;

/** All clusters in force, by name. */
export class ClusterManager {
  readonly #options: ClusterManagerOptions;
  readonly #clusters = new Map<string, UpstreamCluster>();
  readonly #apart = new Map<string, UpstreamCluster>();
  /** Clusters whose hosts have not all been checked yet. */
  readonly #warming = new Map<string, UpstreamCluster>();
  /** Of each name: the clusters that were replaced. */
  readonly #former = new Map<string, () => readonly UpstreamCluster[]>();
  readonly #stale: StaleAssignments;
  readonly #local: LocalHosts | undefined;
  #onWarm: (() => void) | undefined;

  constructor(options: ClusterManagerOptions) {
    this.#options = options;
    this.#stale = new StaleAssignments(options.clock);
    this.#local = options.localCluster && this.#localHosts(options.localCluster);
    const { values } = options;
    values?.onChange(() => {
      for (const clusters of [this.#warming, this.#clusters])
        for (const cluster of clusters.values()) followRuntime(cluster, values);
    });
  }

  get(name: string): UpstreamCluster | undefined {
    return this.#clusters.get(name);
  }

  /** A service that is no cluster of the proxy: its figures are nowhere shown. Made at its first call, which is told. */
  apart(resource: Cluster, onNew: () => void): UpstreamCluster {
    const known = this.#apart.get(resource.name);
    if (known !== undefined) return known;
    const config = compileCluster(resource, '');
    const { random, ...rest } = this.#options;
    const cluster = new UpstreamCluster({ config, random: random.stream(config.name), ...rest, stats: new Stats() });
    if (config.dns === undefined) cluster.setEndpoints(config.endpoints);
    cluster.start();
    cluster.serve();
    const [oldest] = this.#apart;
    if (oldest !== undefined && this.#apart.size === MOST_APART) {
      this.#apart.delete(oldest[0]);
      oldest[1].drain();
    }
    this.#apart.set(config.name, cluster);
    onNew();
    return cluster;
  }

  all(): readonly UpstreamCluster[] {
    return [...this.#clusters.values()];
  }

  /**
   * A changed configuration makes a new cluster, as in Envoy: breakers and ejections begin anew, current requests end on the old. Where
   * hosts are looked up or checked, the new one serves once that is over for the first time; until then the old one does.
   */
  set(config: CompiledCluster, endpoints: readonly EndpointConfig[], policy?: ClusterLoadAssignment['policy']): void {
    const newest = this.#warming.get(config.name) ?? this.#clusters.get(config.name);
    if (newest?.config === config) {
      newest.drops = readDrops(policy);
      newest.setEndpoints(endpoints);
      this.#stale.arrived(newest, policy);
      return;
    }
    this.#warming.get(config.name)?.drain();
    if (newest !== undefined) this.#forgetOldTable(newest.config, config);
    const { random, ...rest } = this.#options;
    const formers = this.#formersOf(config.name, newest);
    const cluster = new UpstreamCluster({
      config,
      random: random.stream(config.name),
      clusterOf: (name) => this.#clusters.get(name),
      clusters: () => this.#clusters.values(),
      formers,
      // As in Envoy, that cluster has no zones for itself.
      local: config.name === this.#options.localCluster?.name ? undefined : this.#local,
      onBalanced: () => {
        if (this.#clusters.get(config.name) === cluster) this.#localMayDiffer(config.name);
      },
      ...rest,
    });
    cluster.drops = readDrops(policy);
    const { values } = this.#options;
    if (values?.rulesBreakers === true || values?.rulesOutliers === true) followRuntime(cluster, values);
    this.#warming.set(config.name, cluster);
    if (config.dns === undefined) cluster.setEndpoints(endpoints);
    this.#stale.arrived(cluster, policy);
    cluster.start();
    cluster.whenChecked(() => this.#serve(cluster));
  }

  remove(name: string): void {
    const warming = this.#warming.get(name);
    const cluster = this.#clusters.get(name);
    if (warming === undefined && cluster === undefined) return;
    this.#warming.delete(name);
    this.#clusters.delete(name);
    this.#stale.forget(name);
    this.#former.delete(name);
    warming?.drain();
    cluster?.drain();
    this.#options.stats.remove(`cluster.${name}.`);
    this.#tellIfWarm();
  }

  /** Those that one of this name replaces, as long as they are not over. */
  #formersOf(name: string, newest: UpstreamCluster | undefined): () => readonly UpstreamCluster[] {
    const known = this.#former.get(name)?.() ?? [];
    let left = newest === undefined || known.includes(newest) ? known : [...known, newest];
    const formers = (): readonly UpstreamCluster[] => {
      if (left.some((each) => each.isOver)) left = left.filter((each) => !each.isOver);
      return left;
    };
    this.#former.set(name, formers);
    return formers;
  }

  /** Figures of a table that the next balancer does not have. */
  #forgetOldTable(former: CompiledCluster, { balancing, name }: CompiledCluster): void {
    const { stats } = this.#options;
    const { policy } = former.balancing;
    if (policy !== balancing.policy && policy === 'RING_HASH') stats.remove(`cluster.${name}.ring_hash_lb.`);
    if (policy !== balancing.policy && policy === 'MAGLEV') stats.remove(`cluster.${name}.maglev_lb.`);
  }

  /** Calls back once no cluster waits for the first checks of its hosts, perhaps at once. */
  whenWarm(settled: () => void): void {
    this.#onWarm = settled;
    this.#tellIfWarm();
  }

  close(): void {
    this.#stale.close();
    for (const clusters of [this.#warming, this.#clusters, this.#apart])
      for (const cluster of clusters.values()) cluster.close();
  }

  /** Hosts of the local cluster, healthy or not, of which this proxy is one; 1 where there is none. */
  get localSize(): number {
    const levels = this.#clusters.get(this.#options.localCluster?.name ?? '')?.levels ?? [];
    return Math.max(
      1,
      levels.reduce((sum, { all }) => sum + all.length, 0),
    );
  }

  #localHosts({ name, region = '', zone = '', subZone = '' }: LocalCluster): LocalHosts {
    const knowsPlace = [region, zone, subZone].some((part) => part !== '');
    return {
      locality: knowsPlace ? `${region}/${zone}/${subZone}` : undefined,
      level: () => this.#clusters.get(name)?.levels[0],
    };
  }

  /** Zones have other shares in all clusters when the local one has other hosts. */
  #localMayDiffer(name: string): void {
    if (name !== this.#options.localCluster?.name) return;
    for (const cluster of [...this.#clusters.values(), ...this.#warming.values()]) cluster.localChanged();
  }

  #serve(cluster: UpstreamCluster): void {
    const { name } = cluster.config;
    if (this.#warming.get(name) !== cluster) return;
    this.#warming.delete(name);
    const former = this.#clusters.get(name);
    this.#clusters.set(name, cluster);
    cluster.serve();
    former?.drain();
    this.#localMayDiffer(name);
    this.#tellIfWarm();
  }

  #tellIfWarm(): void {
    if (this.#warming.size > 0) return;
    const settled = this.#onWarm;
    this.#onWarm = undefined;
    settled?.();
  }
}
