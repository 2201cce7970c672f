import type { MetadataKind, ResourceMetadata } from '../format/subject.ts';
import type { Exchange } from './exchange.ts';

/** The `metadata` of a resource that a request met. */
export function metadataOf(exchange: Exchange, kind: MetadataKind): ResourceMetadata | undefined {
  switch (kind) {
    case 'CLUSTER':
      return exchange.runtime.clusters.get(exchange.info.cluster)?.config.resource.metadata;
    case 'ROUTE':
      return exchange.route?.metadata;
    case 'VIRTUAL_HOST':
      return exchange.virtualHost?.metadata;
    case 'UPSTREAM_HOST':
      return exchange.endpoint?.metadata;
    case 'LISTENER':
      return exchange.connection.listener.resource.metadata;
    case 'LISTENER_FILTER_CHAIN':
      return exchange.connection.chain.resource.metadata;
  }
}
