import { isIP } from 'node:net';
import type { SocketAddress } from '#domain';
import type { HttpFilterConfig } from '../config/network-filter.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { Headers } from './headers.ts';

/** What tells where a request began. */
export interface AddressedRequest {
  readonly config: Pick<HttpFilterConfig, 'useRemoteAddress' | 'trustedHops'>;
  readonly connection: Pick<ConnectionContext, 'remoteAddress'>;
  readonly head: { readonly headers: Headers };
  /** Where it was found out already. */
  readonly client?: string | undefined;
}

/**
 * The address of the original client. Inside the mesh it is the last entry of X-Forwarded-For; at the edge it is the peer's own, or the
 * entry that the trusted proxies in front have written. Called when X-Forwarded-For is complete.
 * Source: ConnectionManagerUtility::mutateRequestHeaders in Envoy.
 */
export function clientAddress({ client, config, connection, head }: AddressedRequest): string {
  if (client !== undefined) return client;
  const peer = connection.remoteAddress.ip;
  if (config.useRemoteAddress && config.trustedHops === 0) return peer;
  const listed = head.headers.joined('x-forwarded-for');
  if (listed === undefined) return peer;
  if (listed !== last.listed || config.trustedHops !== last.trustedHops) {
    last = { listed, trustedHops: config.trustedHops, address: listedAddress(listed, config.trustedHops) };
  }
  return last.address ?? peer;
}

/** The same with a port, which one that headers tell does not have. */
export function clientSocketAddress(request: AddressedRequest): SocketAddress {
  const { remoteAddress } = request.connection;
  const ip = clientAddress(request);
  return ip === remoteAddress.ip ? remoteAddress : { ip, port: 0 };
}

/** What was read last: the same clients come again and again. */
let last: { readonly listed: string; readonly trustedHops: number; readonly address: string | undefined } = {
  listed: '',
  trustedHops: 0,
  address: undefined,
};

function listedAddress(listed: string, trustedHops: number): string | undefined {
  const entries = listed.split(',').map((entry) => entry.trim());
  // At the edge the last entry is the peer, which this proxy has added itself.
  const entry = entries.at(-1 - trustedHops) ?? '';
  return isIP(entry) === 0 ? undefined : entry;
}
