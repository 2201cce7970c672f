import type { HostPool, PooledRequest } from '../http/codec.ts';
import type { UpstreamCluster } from './cluster.ts';
import type { RoutePriority } from './pool-breakers.ts';

/** Connections that one stream may be the cause of. */
const MOST = 3;

/**
 * Before a stream is asked for: makes connections to the hosts that will come next, for so many streams as `predictive_preconnect_ratio`
 * expects. Source: maybePreconnect in cluster_manager_impl.cc of Envoy.
 */
export function preconnect(cluster: UpstreamCluster, priority: RoutePriority, request: PooledRequest): void {
  const { config, foresight } = cluster;
  const ratio = config.predictiveRatio;
  for (let made = 0; made < MOST; made++) {
    const { streams, active, free } = connectionsOf(foresight.clusters ?? [cluster]);
    // With the stream that is about to come.
    if ((streams + 1) * ratio <= free + active) return;
    const host = foresight.foresee();
    if (host === undefined || !cluster.poolOf(host, priority).preconnect(ratio, request)) return;
  }
}

interface Use {
  /** That wait or are under way. */
  streams: number;
  /** Those that are under way. */
  active: number;
  /** For how many more there is room. */
  free: number;
}

/** Of all connections of these clusters. As in Envoy, idle ones of one cluster leave none to be made for another. */
function connectionsOf(clusters: Iterable<UpstreamCluster>): Use {
  const use: Use = { streams: 0, active: 0, free: 0 };
  for (const { hosts } of clusters)
    for (const { pools } of hosts) for (const pool of Object.values(pools)) add(pool, use);
  return use;
}

function add({ pendingStreams, activeStreams, freeStreams }: HostPool, use: Use): void {
  use.streams += pendingStreams + activeStreams;
  use.active += activeStreams;
  use.free += freeStreams;
}
