import { parseDurationMs } from '#domain';
import type { CircuitBreakerThresholds } from '#xds';
import type { MeshConfig } from '../../doors.ts';
import type { ConnectionPoolSettings, RetryBudget, TcpKeepalive } from '../../snapshot/istio-types.ts';
import { durationOfMs, protoDuration } from '../durations.ts';
import { type IstioCluster, UNLIMITED } from '../envoy-types.ts';

/**
 * Limits of connections and requests. What a learner leaves out is unlimited, retries included (Envoy's own default allows three at a
 * time), and 0 counts as left out.
 */
export function translateLimits(
  pool: ConnectionPoolSettings | undefined,
  mesh: MeshConfig,
  retryBudget?: RetryBudget,
): Pick<IstioCluster, 'connect_timeout' | 'circuit_breakers' | 'upstream_connection_options'> {
  const { tcp, http } = pool ?? {};
  const thresholds: CircuitBreakerThresholds = {
    max_connections: tcp?.maxConnections || UNLIMITED,
    max_pending_requests: http?.http1MaxPendingRequests || UNLIMITED,
    max_requests: http?.http2MaxRequests || UNLIMITED,
    max_retries: http?.maxRetries || UNLIMITED,
    ...(retryBudget && { retry_budget: budget(retryBudget) }),
  };
  const keepalives = [mesh.tcpKeepalive, tcp?.tcpKeepalive].filter((each) => each !== undefined && each !== null);
  return {
    connect_timeout: tcp?.connectTimeout ? protoDuration(tcp.connectTimeout) : durationOfMs(mesh.connectTimeoutMs),
    circuit_breakers: { thresholds: [thresholds] },
    ...(keepalives.length > 0 && {
      upstream_connection_options: { tcp_keepalive: Object.assign({}, ...keepalives.map(keepaliveOptions)) },
    }),
  };
}

const budget = ({ percent, budgetInterval, minRetryConcurrency }: RetryBudget): Record<string, unknown> => ({
  budget_percent: percentOf(percent ?? 20),
  ...(budgetInterval && { budget_interval: protoDuration(budgetInterval) }),
  min_retry_concurrency: minRetryConcurrency || 3,
});

/** envoy.type.v3.Percent. */
export const percentOf = (value: number): { value?: number } => (value === 0 ? {} : { value });

/** Seconds of an Istio duration (`7200s`), as Envoy's keepalive counts them. */
const seconds = (duration: string): number => Math.trunc((parseDurationMs(duration) ?? 0) / 1000);

const keepaliveOptions = (keepalive: TcpKeepalive): Record<string, number> => ({
  ...(keepalive.probes && { keepalive_probes: keepalive.probes }),
  ...(keepalive.time && { keepalive_time: seconds(keepalive.time) }),
  ...(keepalive.interval && { keepalive_interval: seconds(keepalive.interval) }),
});

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
