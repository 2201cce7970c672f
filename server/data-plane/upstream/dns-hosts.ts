import { isIP } from 'node:net';
import type { Clock, Timer } from '#domain';
import type { DnsConfig } from '../config/dns-config.ts';
import { type EndpointConfig, type NamedEndpoint, placedAt } from '../config/endpoint-config.ts';
import type { Resolve } from '../doors.ts';
import type { ClusterStats } from './cluster-stats.ts';

export interface DnsHostsOptions {
  readonly config: DnsConfig;
  readonly clock: Clock;
  readonly resolve: Resolve;
  readonly stats: ClusterStats;
  /** Called when the addresses differ from the last ones. */
  readonly onHosts: (endpoints: readonly EndpointConfig[]) => void;
}

/**
 * Keeps the hosts of a STRICT_DNS or LOGICAL_DNS cluster: asks for its names again and again. While a name does not resolve, its last
 * addresses stay. Source: strict_dns_cluster.cc, logical_dns_cluster.cc.
 */
export class DnsHosts {
  readonly #options: DnsHostsOptions;
  readonly #known = new Map<NamedEndpoint, readonly string[]>();
  #last = '';
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: DnsHostsOptions) {
    this.#options = options;
  }

  start(): void {
    const { config, clock, stats } = this.#options;
    Promise.all(config.names.map((name) => this.#ask(name))).then(
      (resolved) => {
        if (this.#stopped) return;
        this.#tell();
        const failed = resolved.includes(false);
        stats.count(failed ? 'update_failure' : 'update_success');
        this.#timer = clock.after(failed ? config.failureRefreshMs : config.refreshMs, () => this.start());
      },
      // `#ask` answers false for whatever goes wrong.
      () => undefined,
    );
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #ask(endpoint: NamedEndpoint): Promise<boolean> {
    if (isIP(endpoint.name) !== 0) {
      this.#known.set(endpoint, [endpoint.name]);
      return true;
    }
    try {
      const addresses = await this.#options.resolve(endpoint.name);
      this.#known.set(endpoint, this.#options.config.everyAddress ? addresses : addresses.slice(0, 1));
      return true;
    } catch {
      // The resolver's reason is the name server's, which a proxy counts and does not tell.
      return false;
    }
  }

  #tell(): void {
    const endpoints = [...this.#known].flatMap(([{ port, settings }, addresses]) =>
      addresses.map((ip) => {
        return placedAt({ ip, port }, settings);
      }),
    );
    const keys = endpoints.map(({ key }) => key).join();
    if (keys === this.#last && this.#last !== '') return;
    this.#last = keys;
    this.#options.onHosts(endpoints);
  }
}
