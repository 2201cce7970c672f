import { formatAddress, type SocketAddress } from '#domain';
import { DEFAULT_OVERPROVISIONING, type EndpointConfig, NO_LOCALITY } from '../config/endpoint-config.ts';
import { Host } from './host.ts';

/** Hosts that are remembered; the least recently used one goes first. */
const MOST_HOSTS = 256;

/** The hosts of an ORIGINAL_DST cluster: each is one that a connection was made to. */
export class OriginalHosts {
  /** The cluster's, in the order of their use. */
  readonly #hosts: Map<string, Host>;
  readonly #onNew: (host: Host) => void;
  /** The one used last, the last of `#hosts` too. */
  #last: Host | undefined;

  constructor(hosts: Map<string, Host>, onNew: (host: Host) => void) {
    this.#hosts = hosts;
    this.#onNew = onNew;
  }

  at(destination: SocketAddress): Host {
    return this.#last?.goesTo(destination) ? this.#last : this.#remember(destination);
  }

  /** The cluster's hosts become others. */
  forgetLast(): void {
    this.#last = undefined;
  }

  #remember(destination: SocketAddress): Host {
    const key = formatAddress(destination);
    const known = this.#hosts.get(key);
    const host = known ?? new Host(endpointAt(key, destination));
    if (known === undefined) this.#onNew(host);
    this.#hosts.delete(key);
    this.#hosts.set(key, host);
    if (this.#hosts.size > MOST_HOSTS) this.#forgetIdle();
    this.#last = host;
    return host;
  }

  #forgetIdle(): void {
    for (const [key, host] of this.#hosts) {
      if (host.activeRequests > 0) continue;
      if (host === this.#last) continue;
      this.#hosts.delete(key);
      host.drainPools();
      return;
    }
  }
}

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
