import { isIPv4 } from 'node:net';
import type { Cluster } from '#xds';
import { ConfigProblem, within } from './problem.ts';
import { record } from './values.ts';

export interface GoogleGrpcJson {
  readonly target_uri?: string;
  readonly stat_prefix?: string;
  readonly channel_credentials?: Readonly<Record<string, unknown>>;
}

/** envoy.config.core.v3.GrpcService.GoogleGrpc: a service with connections of its own, which belong to no cluster of the proxy. */
export interface GoogleGrpcService {
  /** Who stands behind it, in the form of a cluster that no page shows. */
  readonly behind: Cluster;
  /** What its calls are counted under: `grpc.<prefix>.` */
  readonly statPrefix: string;
  readonly authority: string;
  readonly scheme: 'http' | 'https';
  /** False: gRPC's local credentials are for sockets in files, so no connection over TCP is ever made. */
  readonly connects: boolean;
}

const HTTPS_PORT = 443;
const HTTP2 = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** Reads google_grpc. Throws ConfigProblem for credentials that this proxy cannot prove. */
export function readGoogleGrpc(given: GoogleGrpcJson, field: string): GoogleGrpcService {
  const { target_uri: target = '', stat_prefix: statPrefix = '', channel_credentials: credentials = {} } = given;
  const empty = target === '' ? 'target_uri' : statPrefix === '' ? 'stat_prefix' : undefined;
  if (empty !== undefined) throw new ConfigProblem(`${field}.${empty}`, 'value length must be at least 1 characters');
  const refused = [...Object.keys(given), ...Object.keys(credentials)].find((name) => REFUSED.has(name));
  if (refused !== undefined) throw new ConfigProblem(`${field}.${refused}`, 'is not supported');
  const { host, port } = readTarget(target, `${field}.target_uri`);
  const ssl = record(credentials['ssl_credentials']);
  if (ssl !== undefined && isIPv4(host)) throw new ConfigProblem(`${field}.target_uri`, 'TLS needs a name to check');
  const socket = ssl && within(`${field}.channel_credentials.ssl_credentials`, () => transportSocket(ssl, host));
  const name = `google_grpc ${JSON.stringify([target, ssl])}`;
  return {
    behind: clusterOf(name, { host, port }, socket),
    statPrefix,
    authority: target.replace(/^(?:dns:(?:\/\/[^/]*)?\/?|ipv4:)/, ''),
    scheme: ssl === undefined ? 'http' : 'https',
    connects: credentials['local_credentials'] === undefined,
  };
}

const REFUSED: ReadonlySet<string> = new Set(['call_credentials', 'credentials_factory_name', 'google_default']);

/** gRPC's names: `host:port`, `dns:///host:port`, `ipv4:address:port`. */
function readTarget(target: string, field: string): { readonly host: string; readonly port: number } {
  const found = /^(?:dns:(?:\/\/[^/]*)?\/?|ipv4:)?([^:/,]+)(?::(\d+))?$/.exec(target);
  if (found?.[1] === undefined) throw new ConfigProblem(field, `${target} is no address that this proxy can dial`);
  return { host: found[1], port: Number(found[2] ?? HTTPS_PORT) };
}

interface TextSource {
  readonly inline_string?: string;
  readonly inline_bytes?: string;
}

function textOf(source: unknown, field: string): string {
  const { inline_string, inline_bytes } = (record(source) ?? {}) as TextSource;
  if (inline_string !== undefined) return inline_string;
  if (inline_bytes !== undefined) return Buffer.from(inline_bytes, 'base64').toString('utf8');
  throw new ConfigProblem(field, 'is needed here, as inline_string or inline_bytes');
}

function transportSocket(
  ssl: Readonly<Record<string, unknown>>,
  host: string,
): NonNullable<Cluster['transport_socket']> {
  const { cert_chain, private_key, root_certs } = ssl;
  const own = cert_chain !== undefined || private_key !== undefined;
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      sni: host,
      auto_sni_san_validation: true,
      common_tls_context: {
        alpn_protocols: ['h2'],
        validation_context: { trusted_ca: { inline_string: textOf(root_certs, 'root_certs') } },
        ...(own && {
          tls_certificates: [
            {
              certificate_chain: { inline_string: textOf(cert_chain, 'cert_chain') },
              private_key: { inline_string: textOf(private_key, 'private_key') },
            },
          ],
        }),
      },
    },
  };
}

const clusterOf = (
  name: string,
  { host, port }: { readonly host: string; readonly port: number },
  transport_socket: Cluster['transport_socket'],
): Cluster => ({
  name,
  type: isIPv4(host) ? 'STATIC' : 'STRICT_DNS',
  connect_timeout: '20s',
  load_assignment: {
    cluster_name: name,
    endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: host, port_value: port } } } }] }],
  },
  typed_extension_protocol_options: {
    [HTTP2]: { '@type': `type.googleapis.com/${HTTP2}`, explicit_http_config: { http2_protocol_options: {} } },
  },
  ...(transport_socket !== undefined && { transport_socket }),
});
