import type { SocketAddress } from '#domain';
import { valueAt } from '../../config/metadata-match.ts';
import type { OriginalDstConfig } from '../../config/original-dst.ts';
import { originalDestination } from '../../listener/connection-context.ts';
import type { UpstreamCluster } from '../../upstream/cluster.ts';
import type { Exchange } from '../exchange.ts';
import { readAddress } from '../filter-state.ts';

/** Under which a filter says it. */
const OVERRIDE = 'envoy.network.transport_socket.original_dst_address';

/**
 * The address that a request is for: what filters have left, then what they said in metadata, then what its header says, then where its client connected to. What is no address
 * counts, and is not looked at. Source: OriginalDstCluster::LoadBalancer::chooseHost in original_dst_cluster.cc.
 */
export function destinationOf(exchange: Exchange, { config, stats }: UpstreamCluster): SocketAddress | undefined {
  const wanted = exchange.filterState?.valueOf(OVERRIDE)?.address ?? originalDestination(exchange.connection);
  if (config.originalDst === undefined || exchange.filterState?.of(OVERRIDE) !== undefined) return wanted;
  for (const text of told(exchange, config.originalDst)) {
    const address = readAddress(text);
    if (address !== undefined) return address;
    stats.count('original_dst_host_invalid');
  }
  return wanted;
}

function* told(exchange: Exchange, { header, metadata }: OriginalDstConfig): Generator<string> {
  const value = metadata && valueAt(exchange.dynamicMetadata?.of(metadata.namespace), metadata.path);
  if (typeof value === 'string') yield value;
  const given = header === '' ? undefined : exchange.head.headers.get(header);
  if (given !== undefined) yield given;
}
