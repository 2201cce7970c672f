import type { FilterChain } from '#xds';
import type { PortProtocol } from '../../snapshot/protocol.ts';
import type { OutboundScope } from '../scope.ts';

export const MONGO_FILTER = 'envoy.filters.network.mongo_proxy';

/** Reads along for statistics what a database's own protocol says; the lab's proxies, which do not read it, go without. */
export function codecFilters(
  { istioProxy }: Pick<OutboundScope, 'istioProxy'>,
  protocol: PortProtocol,
  statPrefix: string,
): FilterChain['filters'] {
  if (!istioProxy || protocol !== 'mongo') return [];
  return [
    {
      name: MONGO_FILTER,
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.filters.network.mongo_proxy.v3.MongoProxy',
        stat_prefix: statPrefix,
      },
    },
  ];
}
