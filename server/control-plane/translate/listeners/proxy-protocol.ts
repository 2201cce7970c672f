import type { TransportSocket } from '#xds';
import { RAW_BUFFER } from '../clusters/tls-client.ts';
import type { IstioCluster } from '../envoy-types.ts';

type Sockets = Pick<IstioCluster, 'transport_socket' | 'transport_socket_matches'>;

/** Wraps a cluster's sockets so that each connection begins with a PROXY protocol header that names the client. */
export function withProxyProtocol(sockets: Sockets, settings: { readonly version?: 'V1' | 'V2' } | undefined): Sockets {
  if (settings === undefined) return sockets;
  const wrap = (transport_socket: TransportSocket): TransportSocket => ({
    name: 'envoy.transport_sockets.upstream_proxy_protocol',
    typed_config: {
      '@type':
        'type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport',
      config: settings.version === 'V2' ? { version: 'V2' } : {},
      transport_socket,
    },
  });
  const { transport_socket, transport_socket_matches } = sockets;
  if (transport_socket_matches === undefined)
    return { transport_socket: wrap(transport_socket ?? { ...RAW_BUFFER, name: 'raw_buffer' }) };
  return {
    transport_socket_matches: transport_socket_matches.map((match) => ({
      ...match,
      transport_socket: wrap(match.transport_socket),
    })),
  };
}
