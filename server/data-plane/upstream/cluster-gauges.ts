import { SSL_CONTEXT_NAMES, SSL_NAMES } from '../stats/declared-names.ts';
import type { Stats } from '../stats/stats.ts';
import { HEADER_SCOPE, TOO_LONG } from './client-header.ts';
import type { UpstreamCluster } from './cluster.ts';
import type { TableShape } from './hashing/ring-hash.ts';
import { type Host, usesPool } from './host.ts';
import { type CircuitBreakers, PRIORITIES, registerBreakers } from './pool-breakers.ts';

/** How many hosts a cluster has, and in which state they are. */
export function registerMembership(stats: Stats, cluster: UpstreamCluster): void {
  const { prefix } = cluster.stats;
  const hosts = (): readonly Host[] => cluster.hosts;
  const count = (test: (host: Host) => boolean): number => hosts().filter(test).length;
  stats.gauge(`${prefix}membership_total`, () => hosts().length);
  stats.gauge(`${prefix}membership_healthy`, () => count((host) => host.healthy && !host.degraded));
  stats.gauge(`${prefix}membership_degraded`, () => count((host) => host.healthy && host.degraded));
  stats.gauge(`${prefix}membership_excluded`, () => cluster.excluded);
  // Envoy looks for it where lists of hosts are replaced, one priority after the other: that of the last one stays.
  if (cluster.config.type !== 'EDS' && cluster.config.type !== 'STRICT_DNS') return;
  stats.gauge(`${prefix}max_host_weight`, () => {
    const last = cluster.lastPriority;
    const weights = hosts().map(({ endpoint }) => (endpoint.priority === last ? endpoint.weight : 1));
    return last === undefined ? 0 : Math.max(1, ...weights);
  });
}

/** How connections to hosts are secured. */
export function registerTransports(stats: Stats, { config, stats: { prefix } }: UpstreamCluster): void {
  for (const name of ['default', ...config.tlsMatches.map((match) => match.name)])
    stats.declare(`${prefix}${name}.`, ['total_match_count']);
  if ([config, ...config.tlsMatches].some(({ clientHeader }) => clientHeader !== undefined))
    stats.declare(prefix + HEADER_SCOPE, [TOO_LONG]);
  if (config.tls === undefined && config.tlsMatches.every(({ tls }) => tls === undefined)) return;
  stats.declare(`${prefix}ssl.`, SSL_NAMES);
  stats.declare(`${prefix}client_ssl_socket_factory.`, SSL_CONTEXT_NAMES);
}

/** The table of a balancer that hashes. */
export function registerTable(stats: Stats, prefix: string, policy: string, shape: () => TableShape | undefined): void {
  if (policy === 'RING_HASH') {
    stats.gauge(`${prefix}ring_hash_lb.size`, () => shape()?.size ?? 0);
    stats.gauge(`${prefix}ring_hash_lb.min_hashes_per_host`, () => shape()?.fewest ?? 0);
    stats.gauge(`${prefix}ring_hash_lb.max_hashes_per_host`, () => shape()?.most ?? 0);
  } else if (policy === 'MAGLEV') {
    stats.gauge(`${prefix}maglev_lb.min_entries_per_host`, () => shape()?.fewest ?? 0);
    stats.gauge(`${prefix}maglev_lb.max_entries_per_host`, () => shape()?.most ?? 0);
  }
}

/** What is under way in a cluster and in `formers` of its name, of both priorities together; and what its breakers let through, of each. */
export function registerUse(stats: Stats, cluster: UpstreamCluster, formers: () => readonly UpstreamCluster[]): void {
  const { breakers, config } = cluster;
  const { prefix } = cluster.stats;
  const sum = (used: (breakers: CircuitBreakers) => number): number =>
    [cluster, ...formers()].reduce((all, each) => all + used(each.breakers.DEFAULT) + used(each.breakers.HIGH), 0);
  stats.gauge(`${prefix}upstream_rq_active`, () => sum(({ requests }) => requests));
  stats.gauge(`${prefix}upstream_rq_pending_active`, () => sum(({ pendingRequests }) => pendingRequests));
  stats.gauge(`${prefix}upstream_cx_active`, () => sum(({ connections }) => connections));
  for (const priority of PRIORITIES) {
    const { trackRemaining } = config.breakers[priority];
    const own = `${prefix}circuit_breakers.${priority.toLowerCase()}.`;
    const pools = (): number => cluster.hosts.filter((host) => usesPool(host, priority)).length;
    registerBreakers(stats, own, { breakers: breakers[priority], trackRemaining, pools });
  }
}
