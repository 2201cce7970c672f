import type { Any } from '#xds';
import type { MeshConfig } from '../../doors.ts';
import type { ConnectionPoolSettings } from '../../snapshot/istio-types.ts';
import { isHttp2, type PortProtocol, trafficKind } from '../../snapshot/protocol.ts';
import { protoDuration } from '../durations.ts';
import { headerCase } from '../proxy-headers.ts';

/** Key and type of the protocol options of a cluster. */
export const HTTP_PROTOCOL_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** Which HTTP version goes upstream: always HTTP/2, whatever downstream speaks, or what Envoy takes by default (HTTP/1.1). */
export type UpstreamVersion = 'http2' | 'downstream' | undefined;

export interface UpstreamProtocol {
  readonly protocol: PortProtocol;
  /** A sidecar's sniffed ports speak upstream what downstream spoke. */
  readonly sniffs: boolean;
  readonly direction: 'inbound' | 'outbound';
}

/** Source: setUpstreamProtocol and applyH2Upgrade in istio pilot. */
export function upstreamVersion(
  { protocol, sniffs, direction }: UpstreamProtocol,
  pool: ConnectionPoolSettings | undefined,
  mesh: MeshConfig,
): UpstreamVersion {
  if (pool?.http?.useClientProtocol === true) return 'downstream';
  if (isHttp2(protocol)) return 'http2';
  if (protocol === 'auto' && sniffs) return 'downstream';
  if (direction === 'inbound') return undefined;
  // Options for HTTP/1 stand already where an upgrade would put HTTP/2.
  if (Object.keys(http1Options(protocol, mesh)).length > 0) return undefined;
  const policy = pool?.http?.h2UpgradePolicy;
  if (policy === 'UPGRADE') return 'http2';
  if (policy === 'DO_NOT_UPGRADE' || trafficKind(protocol) !== 'http') return undefined;
  return mesh.h2UpgradePolicy === 'UPGRADE' ? 'http2' : undefined;
}

/** What a TLS block adds: the name asked for, and the names accepted, are taken from the request's host. */
export interface AutoNames {
  readonly auto_sni?: true;
  readonly auto_san_validation?: true;
}

export interface ProtocolOptionsInput {
  readonly version: UpstreamVersion;
  readonly pool: ConnectionPoolSettings | undefined;
  readonly names?: AutoNames | undefined;
  /** Options for HTTP/1. */
  readonly http1?: Readonly<Record<string, unknown>>;
}

/** Options for HTTP/1 of a port that may speak it. */
export const http1Options = (protocol: PortProtocol, mesh: MeshConfig): Readonly<Record<string, unknown>> =>
  isHttp2(protocol) || !['http', 'auto'].includes(trafficKind(protocol)) ? {} : headerCase(mesh);

/** How long connections live and which HTTP version they speak; undefined where Envoy's defaults do. */
export function translateProtocolOptions({ version, pool, names, http1 = {} }: ProtocolOptionsInput): Any | undefined {
  const { http, tcp } = pool ?? {};
  const idleTimeout = http?.idleTimeout ?? tcp?.idleTimeout;
  const common = {
    ...(idleTimeout && { idle_timeout: protoDuration(idleTimeout) }),
    ...(http?.maxRequestsPerConnection && { max_requests_per_connection: http.maxRequestsPerConnection }),
    ...(tcp?.maxConnectionDuration && { max_connection_duration: protoDuration(tcp.maxConnectionDuration) }),
  };
  const hasCommon =
    Object.keys(common).length > 0 || Boolean(http?.maxConcurrentStreams) || http?.http2KeepAlive !== undefined;
  const hasNames = names !== undefined && Object.keys(names).length > 0;
  const hasHttp1 = Object.keys(http1).length > 0;
  if (version === undefined && !hasCommon && !hasNames && !hasHttp1) return undefined;
  return {
    '@type': `type.googleapis.com/${HTTP_PROTOCOL_OPTIONS}`,
    ...(hasCommon && { common_http_protocol_options: common }),
    ...(hasNames && { upstream_http_protocol_options: names }),
    ...versionOptions(version, http, http1),
  };
}

function versionOptions(
  version: UpstreamVersion,
  http: ConnectionPoolSettings['http'],
  http1: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  if (version === 'downstream') {
    return { use_downstream_protocol_config: { http_protocol_options: http1, http2_protocol_options: {} } };
  }
  if (version === undefined) return { explicit_http_config: { http_protocol_options: http1 } };
  const { maxConcurrentStreams, http2KeepAlive } = http ?? {};
  return {
    explicit_http_config: {
      http2_protocol_options: {
        ...(maxConcurrentStreams && { max_concurrent_streams: maxConcurrentStreams }),
        ...(http2KeepAlive && {
          connection_keepalive: {
            ...(http2KeepAlive.interval && { interval: protoDuration(http2KeepAlive.interval) }),
            ...(http2KeepAlive.timeout && { timeout: protoDuration(http2KeepAlive.timeout) }),
          },
        }),
      },
    },
  };
}
