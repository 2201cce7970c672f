import type { Clock, Random, SocketAddress } from '#domain';
import { formatAddress } from '#domain';
import type { CompiledCluster } from '../config/cluster-config.ts';
import { type EndpointConfig, NO_LOCALITY } from '../config/endpoint-config.ts';
import type { UpstreamTls } from '../config/tls-settings.ts';
import type { Resolve } from '../doors.ts';
import type { HostPool } from '../http/codec.ts';
import type { Stats } from '../stats/stats.ts';
import { ClusterStats } from './cluster-stats.ts';
import { DnsHosts } from './dns-hosts.ts';
import { Host } from './host.ts';
import { createLoadBalancer, type LoadBalancer, type Pick } from './load-balancer.ts';
import { OutlierDetector } from './outlier-detection.ts';
import {
  type CircuitBreakers,
  createCircuitBreakers,
  PRIORITIES,
  type RoutePriority,
  registerBreakers,
} from './pool-breakers.ts';
import { type Candidates, PrioritySet } from './priority.ts';

/** Hosts that an ORIGINAL_DST cluster remembers; the least recently used one goes first. */
const MAX_ORIGINAL_HOSTS = 256;

/** Makes the pool of one host; injected, so that the cluster knows no socket. */
export type PoolFactory = (cluster: UpstreamCluster, host: Host, priority: RoutePriority) => HostPool;

export interface ClusterOptions {
  readonly config: CompiledCluster;
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: Stats;
  readonly createPool: PoolFactory;
  readonly resolve: Resolve;
}

/** What a pick needs to know of the request. */
export interface PickContext {
  readonly originalDestination: SocketAddress | undefined;
  /** Hosts that earlier tries used, with the number of re-draws allowed to avoid them. */
  readonly avoid: ReadonlySet<string>;
  readonly redraws: number;
  /** What the route's hash policies make of the request; asked only by balancers that hash. */
  readonly hash: () => bigint | undefined;
}

/** For what has no route that could name something to hash. */
export const NO_HASH = (): undefined => undefined;

export interface HostChoice extends Pick {
  readonly candidates: Candidates | undefined;
}

/** One cluster in force: its hosts, balancer, breakers and outlier detection. A new configuration makes a new cluster. */
export class UpstreamCluster {
  readonly config: CompiledCluster;
  readonly breakers: Readonly<Record<RoutePriority, CircuitBreakers>>;
  readonly stats: ClusterStats;
  readonly #hosts = new Map<string, Host>();
  readonly #balancer: LoadBalancer;
  readonly #clock: Clock;
  /** The balancer goes by a hash of the request. */
  readonly #hashes: boolean;
  readonly #random: Random;
  readonly #outlier: OutlierDetector | undefined;
  readonly #dns: DnsHosts | undefined;
  readonly #createPool: PoolFactory;
  #priorities: PrioritySet;
  /** The original destination used last, the last of `#hosts` too. */
  #lastOriginal: Host | undefined;
  #drained = false;

  constructor(options: ClusterOptions) {
    const { config, clock, random, stats } = options;
    this.config = config;
    const { DEFAULT, HIGH } = config.breakers;
    this.breakers = {
      DEFAULT: createCircuitBreakers(DEFAULT, DEFAULT.retryBudget),
      HIGH: createCircuitBreakers(HIGH, HIGH.retryBudget),
    };
    this.stats = new ClusterStats(stats, config.name);
    this.#random = random;
    this.#clock = clock;
    this.#balancer = createLoadBalancer({ config: config.balancing, random, clock });
    this.#hashes = config.balancing.policy === 'RING_HASH' || config.balancing.policy === 'MAGLEV';
    this.#createPool = options.createPool;
    this.#priorities = this.#prioritize();
    this.#outlier =
      config.outlier &&
      new OutlierDetector({
        policy: config.outlier,
        clock,
        stats,
        prefix: this.stats.prefix,
        hosts: () => this.hosts,
        changed: () => this.#rebalance(),
      });
    this.#dns =
      config.dns &&
      new DnsHosts({
        config: config.dns,
        clock,
        resolve: options.resolve,
        stats: this.stats,
        onHosts: (endpoints) => this.setEndpoints(endpoints),
      });
    this.#registerGauges(stats);
  }

  start(): void {
    this.#outlier?.start();
    this.#dns?.start();
  }

  get hosts(): readonly Host[] {
    return [...this.#hosts.values()];
  }

  /** Replaces the members. A host that keeps its address keeps its state; one that leaves ends its current requests. */
  setEndpoints(endpoints: readonly EndpointConfig[]): void {
    const kept = new Set(endpoints.map((endpoint) => endpoint.key));
    this.#lastOriginal = undefined;
    for (const [key, host] of this.#hosts) {
      if (kept.has(key)) continue;
      this.#hosts.delete(key);
      host.drainPools();
    }
    for (const endpoint of endpoints) {
      const host = this.#hosts.get(endpoint.key);
      if (host === undefined) this.#hosts.set(endpoint.key, new Host(endpoint, this.#clock.monotonic()));
      else this.#update(host, endpoint);
    }
    this.#rebalance();
  }

  /** Chooses a host, or undefined when none may be used. */
  pick(context: PickContext): HostChoice | undefined {
    if (this.config.type === 'ORIGINAL_DST') return this.#originalHost(context.originalDestination);
    const hash = this.#hashes ? context.hash() : undefined;
    const draw = (): number => (hash === undefined ? this.#random.below(100) : Number(hash % 100n));
    const candidates = this.#priorities.candidates(draw);
    if (candidates === undefined) return undefined;
    if (candidates.panic) this.stats.panic.value++;
    const { hosts, source } = candidates;
    let pick = this.#balancer.pick(hosts, source, { hash, attempt: 0 });
    for (let attempt = 1; attempt < context.redraws && context.avoid.has(pick.host.key); attempt++) {
      pick = this.#balancer.pick(hosts, source, { hash, attempt });
    }
    return { host: pick.host, why: pick.why, candidates };
  }

  poolOf(host: Host, priority: RoutePriority): HostPool {
    host.pools[priority] ??= this.#createPool(this, host, priority);
    return host.pools[priority];
  }

  /** How this cluster secures connections to `host`; undefined for plaintext. */
  tlsFor(host: Host): UpstreamTls | undefined {
    const labels = host.endpoint.socketMatch;
    const match = this.config.tlsMatches.find((entry) =>
      Object.entries(entry.match).every(([key, value]) => labels[key] === value),
    );
    return match === undefined ? this.config.tls : match.tls;
  }

  report(host: Host, result: Parameters<OutlierDetector['report']>[1]): void {
    this.#outlier?.report(host, result);
  }

  /** Lets current requests end and opens no more connections. */
  drain(): void {
    if (this.#drained) return;
    this.#drained = true;
    this.#outlier?.stop();
    this.#dns?.stop();
    for (const host of this.#hosts.values()) host.drainPools();
  }

  close(): void {
    this.drain();
    for (const host of this.#hosts.values()) host.closePools();
  }

  #update(host: Host, endpoint: EndpointConfig): void {
    const secured = JSON.stringify(host.endpoint.socketMatch) !== JSON.stringify(endpoint.socketMatch);
    host.endpoint = endpoint;
    if (!secured) return;
    host.retirePools();
  }

  #originalHost(destination: SocketAddress | undefined): HostChoice | undefined {
    if (destination === undefined) return undefined;
    const host = this.#lastOriginal?.goesTo(destination) ? this.#lastOriginal : this.#rememberOriginal(destination);
    return { host, why: () => `the connection's original destination ${host.key}`, candidates: undefined };
  }

  #rememberOriginal(destination: SocketAddress): Host {
    const key = formatAddress(destination);
    const host = this.#hosts.get(key) ?? new Host(originalEndpoint(key, destination));
    this.#hosts.delete(key);
    this.#hosts.set(key, host);
    if (this.#hosts.size > MAX_ORIGINAL_HOSTS) this.#forgetIdle();
    this.#lastOriginal = host;
    return host;
  }

  #forgetIdle(): void {
    for (const [key, host] of this.#hosts) {
      if (host.activeRequests > 0) continue;
      if (host === this.#lastOriginal) continue;
      this.#hosts.delete(key);
      host.drainPools();
      return;
    }
  }

  #rebalance(): void {
    this.#priorities = this.#prioritize();
  }

  #prioritize(): PrioritySet {
    const { panicThreshold, byLocality } = this.config.balancing;
    // A hashing balancer weighs localities itself.
    return new PrioritySet({ hosts: this.hosts, panicThreshold, byLocality: byLocality && !this.#hashes });
  }

  #registerGauges(stats: Stats): void {
    const gauge = (name: string, read: () => number): void => stats.gauge(this.stats.prefix + name, read);
    const count = (test: (host: Host) => boolean): number => this.hosts.filter(test).length;
    gauge('membership_total', () => this.#hosts.size);
    gauge('membership_healthy', () => count((host) => host.healthy));
    gauge('membership_excluded', () => 0);
    const sum = (used: (breakers: CircuitBreakers) => number): number =>
      PRIORITIES.reduce((all, priority) => all + used(this.breakers[priority]), 0);
    gauge('upstream_rq_active', () => sum(({ requests }) => requests));
    gauge('upstream_rq_pending_active', () => sum(({ pendingRequests }) => pendingRequests));
    gauge('upstream_cx_active', () => sum(({ connections }) => connections));
    for (const priority of PRIORITIES) {
      const { trackRemaining } = this.config.breakers[priority];
      const prefix = `${this.stats.prefix}circuit_breakers.${priority.toLowerCase()}.`;
      registerBreakers(stats, prefix, { breakers: this.breakers[priority], trackRemaining });
    }
  }
}

function originalEndpoint(key: string, address: SocketAddress): EndpointConfig {
  return {
    key,
    address,
    hostname: '',
    weight: 1,
    priority: 0,
    locality: NO_LOCALITY,
    healthy: true,
    socketMatch: {},
    workload: '',
    metadata: undefined,
    origins: undefined,
  };
}
