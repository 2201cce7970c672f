import { isIP } from 'node:net';
import type { Clock, Random } from '#domain';
import type { DnsConfig } from '../config/dns-config.ts';
import { type EndpointConfig, type NamedEndpoint, placedAt } from '../config/endpoint-config.ts';
import type { Resolve, ResolvedName } from '../doors.ts';
import type { ClusterStats } from './cluster-stats.ts';
import { NameLookup } from './name-lookup.ts';

export interface DnsHostsOptions {
  readonly config: DnsConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly resolve: Resolve;
  readonly stats: ClusterStats;
  /** Called when the addresses differ from the last ones. */
  readonly onHosts: (endpoints: readonly EndpointConfig[]) => void;
}

/** What a name leads to. */
interface Found {
  readonly addresses: readonly string[];
  /** How often it has led elsewhere. */
  readonly changes: number;
}

const NOTHING: Found = { addresses: [], changes: 0 };

/**
 * Keeps the hosts of a STRICT_DNS or LOGICAL_DNS cluster: asks for its names again and again, each in its own time. While the name server
 * fails, a name's last addresses stay. Source: dns_cluster.cc.
 */
export class DnsHosts {
  readonly #options: DnsHostsOptions;
  readonly #lookups: readonly NameLookup[];
  readonly #found = new Map<NamedEndpoint, Found>();
  #isKnown: boolean;
  #settled: (() => void) | undefined;

  constructor(options: DnsHostsOptions) {
    this.#options = options;
    const { clock, config, random, stats } = options;
    this.#isKnown = config.names.length === 0 || !config.waitsForAnswer;
    this.#lookups = config.names.map(
      (name) =>
        new NameLookup({
          config,
          clock,
          random,
          stats,
          resolve: () => this.#ask(name),
          onAnswer: (addresses) => this.#answered(name, addresses),
        }),
    );
  }

  start(): void {
    for (const lookup of this.#lookups) lookup.start();
  }

  stop(): void {
    for (const lookup of this.#lookups) lookup.stop();
  }

  /** Calls back once the first of its names has been answered, well or not; perhaps at once. */
  whenKnown(settled: () => void): void {
    if (this.#isKnown) settled();
    else this.#settled = settled;
  }

  async #ask({ name }: NamedEndpoint): Promise<ResolvedName> {
    if (isIP(name) !== 0) return { addresses: [name], ttlS: 0 };
    const { config, resolve } = this.#options;
    const { addresses, ttlS } = await resolve(name);
    const wanted = config.onlyIpv6 ? [] : [...new Set(addresses)];
    if (wanted.length === 0 && !config.everyAddress) throw new Error(`${name} has no address`);
    return { addresses: wanted, ttlS };
  }

  /** `addresses`: undefined where the name does not resolve. */
  #answered(name: NamedEndpoint, addresses: readonly string[] | undefined): void {
    const { config, stats } = this.#options;
    if (addresses !== undefined) {
      const { addresses: known, changes } = this.#found.get(name) ?? NOTHING;
      // Which of them comes first says who is asked first, where all are one host.
      const isSame = config.everyAddress
        ? known.toSorted().join() === addresses.toSorted().join()
        : known.join() === addresses.join();
      if (isSame) stats.count('update_no_rebuild');
      else {
        this.#found.set(name, { addresses, changes: changes + 1 });
        this.#tell();
      }
    }
    this.#isKnown = true;
    const settled = this.#settled;
    this.#settled = undefined;
    settled?.();
  }

  #tell(): void {
    const { config, onHosts } = this.#options;
    onHosts(
      config.names.flatMap((name, i) => {
        const found = this.#found.get(name) ?? NOTHING;
        if (config.everyAddress) return found.addresses.map((ip) => hostAt(name, ip, String(i)));
        return [oneHost(name, found)];
      }),
    );
  }
}

/** Names may lead to the same address: each has a host there. */
const hostAt = ({ port, settings }: NamedEndpoint, ip: string, which: string): EndpointConfig => {
  const endpoint = placedAt({ ip, port }, settings);
  return { ...endpoint, id: `${which}/${endpoint.key}` };
};

/** All addresses are one host, which is another one each time. */
const oneHost = (name: NamedEndpoint, { addresses: [first = '', ...further], changes }: Found): EndpointConfig => ({
  ...hostAt(name, first, String(changes)),
  furtherAddresses: further.map((ip) => ({ ip, port: name.port })),
});
