import { type Clock, formatAddress, type SocketAddress, type Timer } from '#domain';
import { DEFAULT_OVERPROVISIONING, type EndpointConfig, NO_LOCALITY } from '../config/endpoint-config.ts';
import { Host } from './host.ts';

/** What a timer can wait; longer is for ever. */
const LONGEST_MS = 0x7fffffff;

/** Hosts that are remembered at once; the least recently used one goes first. */
const MOST_HOSTS = 256;

export interface OriginalHostsOptions {
  /** The cluster's, in the order of their use. */
  readonly hosts: Map<string, Host>;
  readonly clock: Clock;
  /** How often hosts are looked through that nobody may need any more. */
  readonly cleanupMs: number;
  readonly added: (host: Host) => void;
  /** All that go at once. */
  readonly removed: (hosts: readonly Host[]) => void;
}

/**
 * The hosts of an ORIGINAL_DST cluster: each is one that a connection was made to. One that nobody has asked for since they were last looked
 * through, and that has no connections, is forgotten. Source: original_dst_cluster.cc.
 */
export class OriginalHosts {
  readonly #options: OriginalHostsOptions;
  readonly #startedAt: number;
  /** Asked for since hosts were last looked through. */
  readonly #asked = new Set<Host>();
  /** The one used last, the last of the cluster's too. */
  #last: Host | undefined;
  #timer: Timer | undefined;

  constructor(options: OriginalHostsOptions) {
    this.#options = options;
    this.#startedAt = options.clock.monotonic();
  }

  at(destination: SocketAddress): Host {
    const host = this.#last?.goesTo(destination) ? this.#last : this.#remember(destination);
    this.#asked.add(host);
    return host;
  }

  /** The cluster's hosts become others. */
  forgetLast(): void {
    this.#last = undefined;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #remember(destination: SocketAddress): Host {
    const { added, hosts } = this.#options;
    const key = formatAddress(destination);
    const known = hosts.get(key);
    const host = known ?? new Host(endpointAt(key, destination));
    if (known === undefined) added(host);
    hosts.delete(key);
    hosts.set(key, host);
    if (hosts.size > MOST_HOSTS) this.#forgetIdle();
    this.#last = host;
    if (this.#timer === undefined) this.#lookThroughLater();
    return host;
  }

  #forgetIdle(): void {
    for (const host of this.#options.hosts.values()) {
      if (host.activeRequests + host.waiting > 0) continue;
      if (host === this.#last) continue;
      this.#options.removed([host]);
      return;
    }
  }

  /** In the rhythm that began with the cluster; there is no timer while there are no hosts. */
  #lookThroughLater(): void {
    const { clock, cleanupMs } = this.#options;
    if (cleanupMs > LONGEST_MS) return;
    const sinceLast = (clock.monotonic() - this.#startedAt) % cleanupMs;
    this.#timer = clock.after(cleanupMs - sinceLast, () => this.#lookThrough());
  }

  #lookThrough(): void {
    const { hosts, removed } = this.#options;
    const gone = [...hosts.values()].filter((host) => !this.#asked.has(host) && !isInUse(host));
    if (gone.length > 0) removed(gone);
    this.#asked.clear();
    this.forgetLast();
    this.#timer = undefined;
    if (hosts.size > 0) this.#lookThroughLater();
  }
}

/** Some pool of it has a connection, or somebody waits for one. */
const isInUse = ({ activeRequests, waiting, pools }: Host): boolean =>
  activeRequests + waiting > 0 ||
  Object.values(pools).some((pool) => pool.activeConnections > 0 || pool.pendingStreams > 0);

function endpointAt(key: string, address: SocketAddress): EndpointConfig {
  return {
    key,
    address,
    hostname: '',
    weight: 1,
    priority: 0,
    locality: NO_LOCALITY,
    healthy: true,
    degraded: false,
    draining: false,
    overprovisioning: DEFAULT_OVERPROVISIONING,
    weighsHealth: false,
    check: { disabled: true, address, hostname: '' },
    socketMatch: {},
    workload: '',
    metadata: undefined,
    origins: undefined,
  };
}
