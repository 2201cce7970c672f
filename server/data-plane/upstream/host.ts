import type { SocketAddress } from '#domain';
import type { EndpointConfig } from '../config/endpoint-config.ts';
import type { HostPool } from '../http/codec.ts';
import type { UpstreamCluster } from './cluster.ts';
import type { RoutePriority } from './pool-breakers.ts';
import { SuccessRate } from './success-rates.ts';

type PoolKey = RoutePriority | `tunnels/${RoutePriority}`;

/** What tells an endpoint from all others of its cluster. */
export const idOf = ({ id, key }: EndpointConfig): string => id ?? key;

/** One host of one cluster, with what this proxy learns about it. Lives on through endpoint updates that keep its address. */
export class Host {
  endpoint: EndpointConfig;
  /** The cluster that it is a host of; requests may come to it by a cluster that is made of others. */
  readonly cluster: UpstreamCluster | undefined;
  activeRequests = 0;
  /** Requests and connections of TCP for which a connection is still to be made. */
  waiting = 0;
  /** By the routes' priorities; each made at the first request, those of tunnels apart. */
  readonly pools: Partial<Record<PoolKey, HostPool>> = {};
  /** Set by active health checks, as is all up to `pendingRemoval`. */
  failedCheck = false;
  checkTimedOut = false;
  degradedByCheck = false;
  /** Its first check is not over, and the cluster leaves such hosts out. */
  awaitsFirstCheck = false;
  /** It told by itself that it is not to be used. */
  excludedByItself = false;
  /** The control plane has removed it; it stays as long as its checks pass. */
  pendingRemoval = false;
  /** By what it says of its own load, where its cluster goes by that. */
  reportedWeight: number | undefined;
  /** Set by outlier detection. */
  ejected = false;
  /** It told in an answer that it is not to be preferred. Set by outlier detection. */
  degradedByItself = false;
  degradedAt = 0;
  /** As `ejections` and `unejectedAt`, of that. */
  degradations = 0;
  undegradedAt = Number.NEGATIVE_INFINITY;
  /** Times ejected, less one for each quiet interval. */
  ejections = 0;
  ejectedAt = 0;
  ejectionJitterMs = 0;
  unejectedAt = Number.NEGATIVE_INFINITY;
  /** Ends connections of clients that are joined to it, where unhealthy hosts lose theirs. */
  readonly joined = new Set<() => void>();
  /** What `/clusters` tells of it. */
  readonly figures = { cxTotal: 0, cxConnectFail: 0, rqTotal: 0, rqSuccess: 0, rqError: 0, rqTimeout: 0 };
  /** In a row. */
  readonly failures = { consecutive5xx: 0, consecutiveGateway: 0, consecutiveLocal: 0 };
  readonly rates = { external: new SuccessRate(), local: new SuccessRate() };

  /**
   * Monotonic milliseconds; slow start counts from here: since balancing first met it in good health, or since it last passed a check while it
   * was failed. Undefined: neither has happened.
   */
  warmSince: number | undefined;

  constructor(endpoint: EndpointConfig, cluster?: UpstreamCluster) {
    this.endpoint = endpoint;
    this.cluster = cluster;
  }

  get key(): string {
    return this.endpoint.key;
  }

  /** Unique within its cluster. */
  get id(): string {
    return idOf(this.endpoint);
  }

  get weight(): number {
    return this.reportedWeight ?? this.endpoint.weight;
  }

  get address(): SocketAddress {
    return this.endpoint.address;
  }

  goesTo({ ip, port }: SocketAddress): boolean {
    const own = this.endpoint.address;
    return own.port === port && own.ip === ip;
  }

  /** What active health checks have found of `former`, which was at this address. */
  keepChecked({ failedCheck, checkTimedOut, degradedByCheck, awaitsFirstCheck }: Host): void {
    Object.assign(this, { failedCheck, checkTimedOut, degradedByCheck, awaitsFirstCheck });
  }

  answered(status: number): void {
    if (status < 500) this.figures.rqSuccess++;
    else this.figures.rqError++;
  }

  /** Lets current requests end; the next request makes new pools. */
  retirePools(): void {
    this.drainPools();
    for (const priority of Object.keys(this.pools) as PoolKey[]) delete this.pools[priority];
  }

  drainPools(): void {
    for (const pool of Object.values(this.pools)) pool.drain();
  }

  /** It stands out, or fails its checks: its connections end when they are idle, and the pools go on with others. */
  renewConnections(): void {
    for (const pool of Object.values(this.pools)) pool.renew();
  }

  /** It is unhealthy, and its cluster leaves it no connection of a client. */
  endJoined(): void {
    for (const end of [...this.joined]) end();
  }

  closePools(): void {
    for (const pool of Object.values(this.pools)) pool.close();
  }

  get healthy(): boolean {
    return this.endpoint.healthy && !this.ejected && !this.failedCheck;
  }

  /** As `override_host_status` counts it: what this proxy found out comes before what the control plane says. */
  get status(): string {
    if (this.ejected || this.failedCheck) return 'UNHEALTHY';
    return this.degradedByCheck ? 'DEGRADED' : (this.endpoint.status ?? 'HEALTHY');
  }

  /** Healthy, but to be used only where too few others are. */
  get degraded(): boolean {
    return this.endpoint.degraded || this.degradedByCheck || this.degradedByItself;
  }

  /** It counts in no share of healthy hosts. */
  get excluded(): boolean {
    return this.awaitsFirstCheck || this.excludedByItself || this.endpoint.draining;
  }
}

/** Whether a host has a pool as Envoy counts it: one without connections is none. */
export function usesPool({ pools }: Host, priority: RoutePriority): boolean {
  const pool = pools[priority];
  return pool !== undefined && (pool.activeConnections > 0 || pool.pendingStreams > 0);
}
