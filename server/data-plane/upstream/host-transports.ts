import { isDeepStrictEqual } from 'node:util';
import type { CompiledCluster } from '../config/cluster-config.ts';
import type { EndpointConfig } from '../config/endpoint-config.ts';
import { tlsForHost, type UpstreamTls } from '../config/tls-settings.ts';
import type { ClientHeader } from '../config/upstream-transport.ts';
import type { ClusterStats } from './cluster-stats.ts';
import type { Host } from './host.ts';

type Labels = EndpointConfig['socketMatch'];

/** How the hosts of one cluster are reached: each as its labels say, or others in their place. */
export class HostTransports {
  readonly #config: CompiledCluster;
  readonly #stats: ClusterStats;

  constructor(config: CompiledCluster, stats: ClusterStats) {
    this.#config = config;
    this.#stats = stats;
  }

  /** How connections to `host` are secured; undefined for plaintext. */
  tlsFor(host: Host, labels = host.endpoint.socketMatch): UpstreamTls | undefined {
    const match = this.#matchOf(labels);
    const tls = match === undefined ? this.#config.tls : match.tls;
    return tls && tlsForHost(tls, host.endpoint.hostname);
  }

  /** With which header connections to `host` begin; undefined: with none. */
  clientHeaderFor(host: Host, labels = host.endpoint.socketMatch): ClientHeader | undefined {
    return (this.#matchOf(labels) ?? this.#config).clientHeader;
  }

  /** A host is reached as these labels say. */
  count(labels: Labels): void {
    this.#stats.count(`${this.#matchOf(labels)?.name ?? 'default'}.total_match_count`);
  }

  /** As in Envoy, an assignment makes each of its hosts anew, even those that go on as they were, which then take over their metadata. */
  countUpdate(former: EndpointConfig, endpoint: EndpointConfig): void {
    if (this.#config.type !== 'EDS') return;
    this.count(endpoint.socketMatch);
    if (!isDeepStrictEqual(former.metadata, endpoint.metadata)) this.count(endpoint.socketMatch);
  }

  #matchOf(labels: Labels): CompiledCluster['tlsMatches'][number] | undefined {
    return this.#config.tlsMatches.find(({ match }) => Object.entries(match).every(([key, to]) => labels[key] === to));
  }
}
