import type { Clock, Random } from '#domain';
import type { CompiledCluster } from '../config/cluster-config.ts';
import type { Resolve } from '../doors.ts';
import type { HostPool } from '../http/codec.ts';
import type { RuntimeValues } from '../runtime-values.ts';
import type { Stats } from '../stats/stats.ts';
import type { UpstreamCluster } from './cluster.ts';
import type { ProbeFactory } from './health-check/probe.ts';
import type { Host } from './host.ts';
import type { RoutePriority } from './pool-breakers.ts';
import type { LocalHosts } from './zone-routing.ts';

/**
 * Makes the pool of one host; injected, so that the cluster knows no socket. `tunnels`: its connections carry the bytes of tunnels that end at
 * this proxy.
 */
export type PoolFactory = (cluster: UpstreamCluster, host: Host, priority: RoutePriority, kind?: 'tunnels') => HostPool;

export interface ClusterOptions {
  readonly config: CompiledCluster;
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: Stats;
  /** What Envoy's runtime says; absent: nothing. */
  readonly values?: RuntimeValues | undefined;
  readonly createPool: PoolFactory;
  readonly createProbe: ProbeFactory;
  readonly resolve: Resolve;
  /** Finds the clusters that this one is made of. */
  readonly clusterOf?: (name: string) => UpstreamCluster | undefined;
  /** All clusters of the proxy; absent: this one is alone. */
  readonly clusters?: () => Iterable<UpstreamCluster>;
  /** Former ones of its name, some of which still have connections or requests; absent: there are none. */
  readonly formers?: () => readonly UpstreamCluster[];
  /** Where a bootstrap names a local cluster. */
  readonly local?: LocalHosts | undefined;
  /** Balancing goes by other hosts, or by another health of them. */
  readonly onBalanced?: () => void;
  /** Takes the lines of the health check event log. */
  readonly onLog: (line: string) => void;
}
