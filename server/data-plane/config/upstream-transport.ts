import type { TransportSocket } from '#xds';
import { type FieldChoice, type HeaderField, readFieldChoice, readHeaderFields } from './header-fields.ts';
import { ConfigProblem, within } from './problem.ts';
import { readUpstreamTls, type UpstreamTls } from './tls-settings.ts';
import { type Fields, record } from './values.ts';

/** Connections to hosts begin with a PROXY protocol header that names the client. */
export interface ClientHeader {
  readonly version: 1 | 2;
  readonly added: readonly HeaderField[];
  /** Fields of the client's own header that are passed on. */
  readonly passes: FieldChoice;
}

/** How connections to hosts begin and are secured. */
export interface UpstreamTransport {
  /** Undefined: plaintext. */
  readonly tls: UpstreamTls | undefined;
  readonly clientHeader: ClientHeader | undefined;
}

const TYPE = 'type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport';

/** Reads a cluster's transport socket, with a PROXY protocol header around it or without. Throws ConfigProblem. */
export function readUpstreamTransport(socket: TransportSocket | undefined): UpstreamTransport {
  const config = socket?.typed_config as Fields | undefined;
  if (config?.['@type'] !== TYPE) return { tls: readUpstreamTls(socket), clientHeader: undefined };
  const inner = config['transport_socket'] as TransportSocket | undefined;
  if (inner === undefined) throw new ConfigProblem('transport_socket.transport_socket', 'value is required');
  return {
    tls: within('transport_socket', () => readUpstreamTls(inner)),
    clientHeader: within('transport_socket.config', () => readClientHeader(record(config['config']) ?? {})),
  };
}

const readClientHeader = (config: Fields): ClientHeader => ({
  version: config['version'] === 'V2' ? 2 : 1,
  added: readHeaderFields(config['added_tlvs']),
  passes: readFieldChoice(config['pass_through_tlvs']),
});
