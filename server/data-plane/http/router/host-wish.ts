import type { SocketAddress } from '#domain';
import type { HostSource } from '../../config/named-hosts.ts';
import type { Fields } from '../../config/values.ts';
import type { PickContext } from '../../upstream/pick-context.ts';
import type { RoutePriority } from '../../upstream/pool-breakers.ts';
import type { Exchange } from '../exchange.ts';
import type { UpstreamCallOptions } from './call-options.ts';
import { namedHosts } from './named-hosts.ts';
import { destinationOf } from './original-destination.ts';
import { requestCriteria } from './request-criteria.ts';
import { hashRequest } from './request-hash.ts';
import type { RetryHosts } from './retry-hosts.ts';

/** What a call tells its cluster's balancer before each try. */
export abstract class HostWish implements PickContext {
  protected readonly options: UpstreamCallOptions;
  /** What later tries avoid. */
  tried: RetryHosts | undefined;
  /** Hosts that are named and were not tried yet. */
  #named: string[] | undefined;
  #hash: { readonly value: bigint | undefined } | undefined;

  constructor(options: UpstreamCallOptions) {
    this.options = options;
  }

  get originalDestination(): SocketAddress | undefined {
    return destinationOf(this.options.exchange, this.options.cluster);
  }

  get priority(): RoutePriority {
    return this.options.action.priority;
  }

  /** Further tries may go elsewhere. */
  get wanted(): Exchange['wantedHost'] {
    const { info, wantedHost } = this.options.exchange;
    return info.attempts === 0 ? wantedHost : undefined;
  }

  /** Each try takes the next one. Source: OverrideHostLoadBalancer in Envoy. */
  named(sources: readonly HostSource[], isThere: (key: string) => boolean): string | undefined {
    this.#named ??= namedHosts(this.options.exchange, sources);
    for (let key = this.#named.shift(); key !== undefined; key = this.#named.shift()) if (isThere(key)) return key;
    return undefined;
  }

  criteria(): Fields | undefined {
    return requestCriteria(this.options.exchange, this.options.action);
  }

  /** Asked once: a cookie that is made for the hash must not be made again for the next try. */
  hash(): bigint | undefined {
    const { action, cluster, exchange } = this.options;
    this.#hash ??= { value: hashRequest(exchange, cluster.config.balancing.hashPolicies ?? action.hashPolicies) };
    return this.#hash.value;
  }
}
