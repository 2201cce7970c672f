import type { SocketAddress } from '#domain';
import type { Fields } from '../../config/values.ts';
import type { PickContext } from '../../upstream/cluster.ts';
import type { Exchange } from '../exchange.ts';
import type { UpstreamCallOptions } from './call-options.ts';
import { destinationOf } from './original-destination.ts';
import { requestCriteria } from './request-criteria.ts';
import { hashRequest } from './request-hash.ts';
import type { RetryHosts } from './retry-hosts.ts';

/** What a call tells its cluster's balancer before each try. */
export abstract class HostWish implements PickContext {
  protected readonly options: UpstreamCallOptions;
  /** What later tries avoid. */
  tried: RetryHosts | undefined;
  #hash: { readonly value: bigint | undefined } | undefined;

  constructor(options: UpstreamCallOptions) {
    this.options = options;
  }

  get originalDestination(): SocketAddress | undefined {
    return destinationOf(this.options.exchange, this.options.cluster);
  }

  /** Further tries may go elsewhere. */
  get wanted(): Exchange['wantedHost'] {
    const { info, wantedHost } = this.options.exchange;
    return info.attempts === 0 ? wantedHost : undefined;
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
