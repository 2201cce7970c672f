import { formatDuration, parseDurationMs } from '#domain';
import type { Any, CircuitBreakerThresholds } from '#xds';
import type { MeshConfig } from '../doors.ts';
import type { ConnectionPoolSettings } from '../snapshot/istio-types.ts';
import { protoDuration } from './durations.ts';
import { type IstioCluster, UNLIMITED } from './envoy-types.ts';

/** Key and type of the protocol options of a cluster. */
export const HTTP_PROTOCOL_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/**
 * Limits of connections and requests. What a learner leaves out is unlimited, retries included (Envoy's own default allows three at a
 * time), and 0 counts as left out.
 */
export function translateLimits(
  pool: ConnectionPoolSettings | undefined,
  mesh: MeshConfig,
): Pick<IstioCluster, 'connect_timeout' | 'circuit_breakers' | 'upstream_connection_options'> {
  const { tcp, http } = pool ?? {};
  const thresholds: CircuitBreakerThresholds = {
    max_connections: tcp?.maxConnections || UNLIMITED,
    max_pending_requests: http?.http1MaxPendingRequests || UNLIMITED,
    max_requests: http?.http2MaxRequests || UNLIMITED,
    max_retries: http?.maxRetries || UNLIMITED,
  };
  const keepalive = tcp?.tcpKeepalive;
  return {
    connect_timeout: tcp?.connectTimeout ? protoDuration(tcp.connectTimeout) : formatDuration(mesh.connectTimeoutMs),
    circuit_breakers: { thresholds: [thresholds] },
    ...(keepalive && { upstream_connection_options: { tcp_keepalive: keepaliveOptions(keepalive) } }),
  };
}

/** Seconds of an Istio duration (`7200s`), as Envoy's keepalive counts them. */
const seconds = (duration: string): number => Math.trunc((parseDurationMs(duration) ?? 0) / 1000);

function keepaliveOptions(
  keepalive: NonNullable<NonNullable<ConnectionPoolSettings['tcp']>['tcpKeepalive']>,
): Record<string, number> {
  return {
    ...(keepalive.probes && { keepalive_probes: keepalive.probes }),
    ...(keepalive.time && { keepalive_time: seconds(keepalive.time) }),
    ...(keepalive.interval && { keepalive_interval: seconds(keepalive.interval) }),
  };
}

export interface UpstreamProtocol {
  readonly http2: boolean;
  /** The port's protocol is sniffed: upstream speaks what downstream spoke. */
  readonly followsDownstream: boolean;
}

/** Which HTTP version goes upstream and how long its connections live; undefined where Envoy's defaults do. */
export function translateProtocolOptions(
  pool: ConnectionPoolSettings | undefined,
  protocol: UpstreamProtocol,
): Any | undefined {
  const { http, tcp } = pool ?? {};
  const follows = http?.useClientProtocol === true || protocol.followsDownstream;
  const upgraded = protocol.http2 || (http?.h2UpgradePolicy === 'UPGRADE' && http.useClientProtocol !== true);
  const http2_protocol_options = http?.maxConcurrentStreams
    ? { max_concurrent_streams: http.maxConcurrentStreams }
    : {};
  const idleTimeout = http?.idleTimeout ?? tcp?.idleTimeout;
  const common = {
    ...(idleTimeout && { idle_timeout: protoDuration(idleTimeout) }),
    ...(http?.maxRequestsPerConnection && { max_requests_per_connection: http.maxRequestsPerConnection }),
    ...(tcp?.maxConnectionDuration && { max_connection_duration: protoDuration(tcp.maxConnectionDuration) }),
  };
  const hasCommon = Object.keys(common).length > 0;
  if (!follows && !upgraded && !hasCommon) return undefined;
  return {
    '@type': `type.googleapis.com/${HTTP_PROTOCOL_OPTIONS}`,
    ...(hasCommon && { common_http_protocol_options: common }),
    ...(follows
      ? { use_downstream_protocol_config: { http_protocol_options: {}, http2_protocol_options } }
      : { explicit_http_config: upgraded ? { http2_protocol_options } : { http_protocol_options: {} } }),
  };
}

/** The limit fields behind the parts of a cluster, by field of `connectionPool`. */
export const POOL_PARTS = {
  'circuit_breakers.max_connections': ['tcp', 'maxConnections'],
  'circuit_breakers.max_pending_requests': ['http', 'http1MaxPendingRequests'],
  'circuit_breakers.max_requests': ['http', 'http2MaxRequests'],
  'circuit_breakers.max_retries': ['http', 'maxRetries'],
  connect_timeout: ['tcp', 'connectTimeout'],
  max_requests_per_connection: ['http', 'maxRequestsPerConnection'],
  idle_timeout: ['http', 'idleTimeout'],
} as const;
