import type { Clock, Random } from '#domain';
import type { CompiledCluster } from '../config/cluster-config.ts';
import type { EndpointConfig } from '../config/endpoint-config.ts';
import type { Resolve } from '../doors.ts';
import type { Stats } from '../stats/stats.ts';
import { type PoolFactory, UpstreamCluster } from './cluster.ts';

export interface ClusterManagerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: Stats;
  readonly createPool: PoolFactory;
  readonly resolve: Resolve;
}

/** All clusters in force, by name. */
export class ClusterManager {
  readonly #options: ClusterManagerOptions;
  readonly #clusters = new Map<string, UpstreamCluster>();

  constructor(options: ClusterManagerOptions) {
    this.#options = options;
  }

  get(name: string): UpstreamCluster | undefined {
    return this.#clusters.get(name);
  }

  all(): readonly UpstreamCluster[] {
    return [...this.#clusters.values()];
  }

  /** A changed configuration makes a new cluster, as in Envoy: breakers and ejections begin anew, current requests end on the old. */
  set(config: CompiledCluster, endpoints: readonly EndpointConfig[]): void {
    const current = this.#clusters.get(config.name);
    if (current?.config === config) {
      current.setEndpoints(endpoints);
      return;
    }
    const { random, ...rest } = this.#options;
    const cluster = new UpstreamCluster({ config, random: random.stream(config.name), ...rest });
    if (config.dns === undefined) cluster.setEndpoints(endpoints);
    cluster.start();
    this.#clusters.set(config.name, cluster);
    current?.drain();
  }

  remove(name: string): void {
    const cluster = this.#clusters.get(name);
    if (cluster === undefined) return;
    this.#clusters.delete(name);
    cluster.drain();
    this.#options.stats.remove(cluster.stats.prefix);
  }

  close(): void {
    for (const cluster of this.#clusters.values()) cluster.close();
  }
}
