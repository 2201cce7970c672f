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

/**
 * Keeps the hosts of a STRICT_DNS or LOGICAL_DNS cluster: asks for its names again and again, each in its own time. While a name does not
 * resolve, its last addresses stay. Source: strict_dns_cluster.cc, logical_dns_cluster.cc.
 */
export class DnsHosts {
  readonly #options: DnsHostsOptions;
  readonly #lookups: readonly NameLookup[];
  readonly #known = new Map<NamedEndpoint, readonly string[]>();
  /** Names that have not been answered at all. */
  readonly #unknown: Set<NamedEndpoint>;
  #settled: (() => void) | undefined;

  constructor(options: DnsHostsOptions) {
    this.#options = options;
    const { clock, config, random, stats } = options;
    this.#unknown = new Set(config.names);
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

  /** Calls back once each name has been answered, well or not; perhaps at once. */
  whenKnown(settled: () => void): void {
    if (this.#unknown.size === 0) settled();
    else this.#settled = settled;
  }

  #ask({ name }: NamedEndpoint): Promise<ResolvedName> {
    return isIP(name) === 0 ? this.#options.resolve(name) : Promise.resolve({ addresses: [name], ttlS: 0 });
  }

  /** `addresses`: undefined where the name does not resolve. */
  #answered(name: NamedEndpoint, addresses: readonly string[] | undefined): void {
    const { config, stats } = this.#options;
    if (addresses !== undefined) {
      const wanted = config.everyAddress ? addresses : addresses.slice(0, 1);
      if (sameAddresses(wanted, this.#known.get(name) ?? [])) stats.count('update_no_rebuild');
      else {
        this.#known.set(name, wanted);
        this.#tell();
      }
    }
    this.#unknown.delete(name);
    if (this.#unknown.size > 0) return;
    const settled = this.#settled;
    this.#settled = undefined;
    settled?.();
  }

  #tell(): void {
    const { config, onHosts } = this.#options;
    onHosts(
      config.names.flatMap((name) =>
        (this.#known.get(name) ?? []).map((ip) => placedAt({ ip, port: name.port }, name.settings)),
      ),
    );
  }
}

/** The order in which a name server tells them counts for nothing. */
const sameAddresses = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.toSorted().join() === right.toSorted().join();
