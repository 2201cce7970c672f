import { isIP } from 'node:net';
import type { SocketAddress } from '#domain';
import { valueAt } from '../../config/metadata-match.ts';
import type { OriginalDstConfig } from '../../config/original-dst.ts';
import { originalDestination } from '../../listener/connection-context.ts';
import type { UpstreamCluster } from '../../upstream/cluster.ts';
import type { Exchange } from '../exchange.ts';

/**
 * The address that a request is for: what filters said, then what its header says, then where its client connected to. What is no address
 * counts, and is not looked at. Source: OriginalDstCluster::LoadBalancer::chooseHost in original_dst_cluster.cc.
 */
export function destinationOf(exchange: Exchange, { config, stats }: UpstreamCluster): SocketAddress | undefined {
  const wanted = originalDestination(exchange.connection);
  if (config.originalDst === undefined) return wanted;
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

/** `10.0.0.1:80` or `[::1]:80`. */
function readAddress(text: string): SocketAddress | undefined {
  const [, host = '', digits = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  const ip = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  const port = Number(digits);
  return port > 65_535 || isIP(ip) === 0 || (isIP(ip) === 6 && ip === host) ? undefined : { ip, port };
}
