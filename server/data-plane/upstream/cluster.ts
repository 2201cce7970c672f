import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '#domain';
import type { CompiledCluster } from '../config/cluster-config.ts';
import { balancesAlike, type EndpointConfig } from '../config/endpoint-config.ts';
import type { Fraction } from '../config/values.ts';
import type { HostPool } from '../http/codec.ts';
import type { Headers } from '../http/headers.ts';
import { registerMembership, registerTable, registerTransports, registerUse } from './cluster-gauges.ts';
import type { ClusterOptions, PoolFactory } from './cluster-options.ts';
import { ClusterStats } from './cluster-stats.ts';
import { DnsHosts } from './dns-hosts.ts';
import { HealthChecker } from './health-check/health-checker.ts';
import { Host, idOf, usesPool } from './host.ts';
import { HostChooser } from './host-chooser.ts';
import { countOtherwise, isAnotherHost, isCheckedAlike, putInOrder } from './host-order.ts';
import { HostTransports } from './host-transports.ts';
import { OriginalHosts } from './original-hosts.ts';
import { OutlierDetector } from './outlier-detection.ts';
import type { HostChoice, PickContext } from './pick-context.ts';
import { type CircuitBreakers, createCircuitBreakers, type RoutePriority, UNLIMITED } from './pool-breakers.ts';
import type { LevelHosts } from './priority-loads.ts';
import type { ReportedWeights } from './reported-weights.ts';
import { UpdateWindows } from './update-windows.ts';

/** For what has no route that could name something to hash. */
export const NO_HASH = (): undefined => undefined;

const noFormers = (): readonly UpstreamCluster[] => [];

/** One cluster in force: its hosts, balancer, breakers and outlier detection. A new configuration makes a new cluster. */
export class UpstreamCluster {
  readonly config: CompiledCluster;
  readonly breakers: Readonly<Record<RoutePriority, CircuitBreakers>>;
  readonly stats: ClusterStats;
  readonly transports: HostTransports;
  readonly outlier: OutlierDetector | undefined;
  /** Requests that the control plane wants to be dropped before a host is chosen. */
  drops: Fraction | undefined;
  /** The highest number that a priority of its hosts has ever had; undefined before the first assignment. */
  lastPriority: number | undefined;
  /** Hosts that counted in no share of healthy ones when balancing last looked at them. */
  excluded = 0;
  readonly #hosts = new Map<string, Host>();
  readonly #chooser: HostChooser;
  readonly clock: Clock;
  readonly #checker: HealthChecker | undefined;
  readonly #dns: DnsHosts | undefined;
  readonly #createPool: PoolFactory;
  readonly #originals: OriginalHosts;
  readonly #limitsPools: boolean;
  readonly #windows: UpdateWindows;
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
    this.transports = new HostTransports(config, this.stats);
    this.clock = clock;
    this.#createPool = options.createPool;
    this.#limitsPools = [DEFAULT, HIGH].some(({ maxPools }) => maxPools < UNLIMITED.maxPools);
    this.#originals = new OriginalHosts({
      hosts: this.#hosts,
      clock,
      cleanupMs: config.cleanupMs,
      added: (host) => {
        this.stats.count('membership_change');
        this.#add(host);
      },
      removed: (hosts) => {
        this.stats.count('membership_change');
        for (const host of hosts) this.#remove(host);
      },
    });
    this.#chooser = this.#createChooser(options);
    this.#windows = new UpdateWindows({
      clock,
      windowMs: config.balancing.mergeWindowMs,
      stats,
      update: (priorities) => this.#chooser.setHosts(this.hosts, priorities),
    });
    this.outlier =
      config.outlier &&
      new OutlierDetector({
        policy: config.outlier,
        clock,
        random: random.stream('outlier'),
        stats,
        prefix: this.stats.prefix,
        hosts: () => this.hosts,
        changed: (host) => {
          if (host.ejected) this.#giveUp(host);
          this.#healthChanged();
        },
      });
    this.#dns =
      config.dns &&
      new DnsHosts({
        config: config.dns,
        clock,
        random: random.stream('dns'),
        resolve: options.resolve,
        stats: this.stats,
        onHosts: (endpoints) => this.setEndpoints(endpoints),
      });
    this.#checker = this.#createChecker(options);
    registerMembership(stats, this);
    registerTable(stats, this.stats.prefix, config.balancing.policy, () => this.#chooser.table);
    registerUse(stats, this, options.formers ?? noFormers);
    registerTransports(stats, this);
  }

  start(): void {
    this.outlier?.start();
    this.reports?.start();
    this.#dns?.start();
  }

  /** Where it goes by what hosts say of their load. */
  get reports(): ReportedWeights | undefined {
    return this.#chooser.reports;
  }

  /** The hosts of the local cluster are others or their health is. */
  localChanged(): void {
    this.#chooser.localChanged();
  }

  /** Requests go to it from now on. */
  serve(): void {
    if (this.#checker !== undefined) this.#healthChanged();
    this.#windows.open();
  }

  get hostCount(): number {
    return this.#hosts.size;
  }

  get hosts(): readonly Host[] {
    return [...this.#hosts.values()];
  }

  /** Calls back once each name has been looked up and the first health check of each host is over, perhaps at once. */
  whenChecked(settled: () => void): void {
    const check = (): void => (this.#checker === undefined ? settled() : this.#checker.whenKnown(settled));
    if (this.#dns === undefined) check();
    else this.#dns.whenKnown(check);
  }

  /**
   * Replaces the members. A host that keeps its address and its place keeps its state; one that leaves ends its current requests. As in
   * Envoy, a host whose health checks pass stays until they fail, unless the cluster ignores that.
   */
  setEndpoints(endpoints: readonly EndpointConfig[]): void {
    const kept = new Set(endpoints.map(idOf));
    this.lastPriority = endpoints.reduce((max, { priority }) => Math.max(max, priority), this.lastPriority ?? 0);
    this.#originals.forgetLast();
    /** Priorities whose members are others now: Envoy updates one after the other. */
    const members = new Set<number>();
    /** Those whose hosts are, or how they count. */
    const changed = new Set(countOtherwise(this.#hosts, endpoints) ? Array(this.lastPriority + 1).keys() : []);
    for (const [id, host] of this.#hosts) {
      if (kept.has(id)) continue;
      host.pendingRemoval = this.#outlives(host);
      if (host.pendingRemoval) continue;
      this.#remove(host);
      members.add(host.endpoint.priority);
    }
    for (const endpoint of endpoints) {
      const host = this.#hosts.get(idOf(endpoint));
      if (host === undefined) {
        this.#add(new Host(endpoint, this));
        members.add(endpoint.priority);
        continue;
      }
      host.pendingRemoval = false;
      const { priority } = host.endpoint;
      const isAnother = isAnotherHost(host.endpoint, endpoint, this.#checker !== undefined);
      if (isAnother) this.#replace(host, endpoint);
      else if (!this.#update(host, endpoint)) changed.add(endpoint.priority);
      if (isAnother || priority !== endpoint.priority) members.add(priority).add(endpoint.priority);
    }
    for (const _priority of members) this.stats.count('membership_change');
    const updated = new Set([...members, ...changed]);
    this.#countExcluded();
    if (updated.size === 0 && this.config.type === 'EDS') this.stats.count('update_no_rebuild');
    if (members.size > 0) this.reports?.membersChanged();
    this.#renewAll();
    putInOrder(this.#hosts, endpoints, updated);
    this.#windows.changed(updated, members);
  }

  /** Chooses a host, or undefined when none may be used, which is counted. */
  pick(context: PickContext): HostChoice | undefined {
    const choice = this.#chooser.choose(context);
    if (choice === undefined) this.stats.noHealthy.value++;
    else if (!this.ownerOf(choice.host).mayPick(choice.host, context)) return undefined;
    return choice;
  }

  /** Whose host it is that this cluster chose: another one's where it is made of others. */
  ownerOf({ cluster }: Host): UpstreamCluster {
    return cluster ?? this;
  }

  /** Whether a host that was chosen may be asked. As in Envoy, one pool too many is none: nobody else is asked. */
  mayPick(host: Host, { priority }: PickContext): boolean {
    if (!this.#limitsPools || priority === undefined || usesPool(host, priority)) return true;
    const inUse = this.hosts.filter((other) => usesPool(other, priority)).length;
    if (inUse < this.breakers[priority].limits.maxPools) return true;
    this.stats.count('upstream_cx_pool_overflow');
    return false;
  }

  /** What can be told of requests that are to come. */
  get foresight(): Pick<HostChooser, 'foresee' | 'clusters'> {
    return this.#chooser;
  }

  /** A host that its balancer chooses, as for a cluster which is made of this one and others. */
  chooseBalanced(context: PickContext): HostChoice | undefined {
    return this.#chooser.chooseBalanced(context);
  }

  /** Its hosts by priority; another list whenever they, or their health, are others. */
  get levels(): readonly LevelHosts[] {
    return this.#chooser.levels;
  }

  poolOf(host: Host, priority: RoutePriority): HostPool {
    host.pools[priority] ??= this.#createPool(this.ownerOf(host), host, priority);
    return host.pools[priority];
  }

  /** For the bytes of tunnels. */
  tunnelPoolOf(host: Host, priority: RoutePriority): HostPool {
    host.pools[`tunnels/${priority}`] ??= this.#createPool(this.ownerOf(host), host, priority, 'tunnels');
    return host.pools[`tunnels/${priority}`]!;
  }

  /** Outlier detection hears that an answer of this host said `x-envoy-degraded`. */
  reportDegraded(host: Host): void {
    this.outlier?.saysDegraded(host);
  }

  report(host: Host, result: Parameters<OutlierDetector['report']>[1]): void {
    this.outlier?.report(host, result);
  }

  /** Looks for what a host says of its own health in the answer to a request. */
  readAnswer(host: Host, headers: Headers): void {
    if (this.#checker === undefined || !headers.has('x-envoy-immediate-health-check-fail')) return;
    this.#checker.failPassively(host);
    this.#healthChanged();
  }

  /** It was drained, and nothing of it is under way any more. */
  get isOver(): boolean {
    const isIdle = ({ connections, requests, pendingRequests }: CircuitBreakers): boolean =>
      connections + requests + pendingRequests === 0;
    return this.#drained && isIdle(this.breakers.DEFAULT) && isIdle(this.breakers.HIGH);
  }

  /** Lets current requests end and opens no more connections. */
  drain(): void {
    if (this.#drained) return;
    this.#drained = true;
    this.outlier?.stop();
    this.reports?.stop();
    this.#checker?.stop();
    this.#dns?.stop();
    this.#originals.stop();
    this.#windows.close();
    for (const host of this.#hosts.values()) host.drainPools();
  }

  close(): void {
    this.drain();
    for (const host of this.#hosts.values()) host.closePools();
  }

  #createChecker({ config, clock, random, stats, createProbe, onLog }: ClusterOptions): HealthChecker | undefined {
    const policy = config.healthCheck;
    if (policy === undefined) return undefined;
    const connections = stats.stat(`${this.stats.prefix}upstream_cx_total`);
    return new HealthChecker({
      policy,
      cluster: config.name,
      clock,
      random: random.stream('health'),
      stats,
      prefix: this.stats.prefix,
      createProbe: (host) => createProbe(this, host, policy),
      hosts: () => this.hosts,
      hasTraffic: () => connections.value > 0,
      onLog,
      onResult: (host, { healthy, changed }) => {
        if (healthy) this.outlier?.checkPassed(host);
        const leaves = host.pendingRemoval && host.failedCheck;
        if (leaves) {
          this.#remove(host);
          this.stats.count('membership_change');
        }
        if (changed && !healthy) this.#giveUp(host);
        if (changed) this.#healthChanged(leaves ? host : undefined);
      },
    });
  }

  #countExcluded(): void {
    this.excluded = this.hosts.filter((host) => host.excluded).length;
  }

  /** As in Envoy, for every update of the hosts, be it one that changes none. */
  #renewAll(): void {
    if (this.config.balancing.closesOnChange) for (const host of this.#hosts.values()) host.renewConnections();
  }

  /** It has become unhealthy. */
  #giveUp(host: Host): void {
    host.renewConnections();
    if (this.config.closesUnhealthy) host.endJoined();
  }

  #outlives({ endpoint, failedCheck }: Host): boolean {
    const { dns, ignoresHealthOnRemoval } = this.config;
    if (this.#checker === undefined || ignoresHealthOnRemoval || endpoint.check.disabled) return false;
    // The one host of a name gives way to the next.
    if (dns?.everyAddress === false) return false;
    return !failedCheck && (endpoint.healthy || endpoint.draining);
  }

  #add(host: Host): void {
    this.#hosts.set(host.id, host);
    if (this.config.showsHosts) this.stats.shows(host, true);
    this.transports.count(host.endpoint.socketMatch);
    if (this.#checker === undefined) return;
    host.awaitsFirstCheck = this.config.balancing.excludesUnchecked && !host.endpoint.check.disabled;
    this.#checker.add(host);
  }

  #remove(host: Host): void {
    this.#hosts.delete(host.id);
    if (this.config.showsHosts) this.stats.shows(host, false);
    this.#checker?.remove(host);
    this.outlier?.forget(host);
    host.drainPools();
  }

  /** The same address, and another host: what is known of the former one is forgotten, but for what its checks have found. */
  #replace(former: Host, endpoint: EndpointConfig): void {
    this.#remove(former);
    const host = new Host(endpoint, this);
    this.#add(host);
    if (this.#checker !== undefined && isCheckedAlike(former.endpoint, endpoint)) host.keepChecked(former);
  }

  /** Whether balancing has nothing to look at. */
  #update(host: Host, endpoint: EndpointConfig): boolean {
    const { endpoint: former, healthy, degraded } = host;
    const secured = !isDeepStrictEqual(former.socketMatch, endpoint.socketMatch);
    this.transports.countUpdate(former, endpoint);
    host.endpoint = endpoint;
    host.reportedWeight = undefined;
    if (secured) host.retirePools();
    return balancesAlike(former, endpoint) && host.healthy === healthy && host.degraded === degraded;
  }

  #createChooser(options: ClusterOptions): HostChooser {
    const { DEFAULT, HIGH } = this.breakers;
    const underWay = (): number => DEFAULT.requests + HIGH.requests;
    return new HostChooser({ ...options, stats: this.stats, underWay, hosts: this.#hosts, originals: this.#originals });
  }

  /** As in Envoy, all priorities are looked at; `gone`: a host that left. */
  #healthChanged(gone?: Host): void {
    this.#countExcluded();
    this.#renewAll();
    const priorities = new Set(this.hosts.map(({ endpoint }) => endpoint.priority));
    const members = new Set(gone === undefined ? [] : [gone.endpoint.priority]);
    this.#windows.changed(new Set([...priorities, ...members]), members);
  }
}
