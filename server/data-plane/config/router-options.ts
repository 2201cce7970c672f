import type { Any } from '#xds';
import { readStrictHeaders } from '../http/router/strict-headers.ts';
import { type AccessLogger, type AccessLogs, readAccessLogs } from './access-log/index.ts';
import { readUpstreamFilters, type UpstreamFilter } from './filters/upstream-filters.ts';
import { ConfigProblem } from './problem.ts';
import { durationMs } from './values.ts';

/** What the router is told besides its routes. */
export interface RouterOptions {
  /** Answers and requests go without Envoy's own `x-envoy-` headers. */
  readonly hidesEnvoyHeaders: boolean;
  /** Headers by which clients ask for something and whose values must be readable; undefined: none. */
  readonly strictHeaders: readonly string[] | undefined;
  /** The time that a proxy before this one has told its host is the limit of the answer. */
  readonly respectsExpectedTime: boolean;
  /** Answers count at their cluster, by status and by time. */
  readonly countsAnswers: boolean;
  /** Those to gRPC calls, too, where it counts by status. */
  readonly countsGrpcStatuses: boolean;
  /** Written for each try of a request at a host; undefined: nothing is. */
  readonly upstreamLogs: readonly AccessLogger[] | undefined;
  /** They are written so often while a try goes on, too; 0: never. */
  readonly upstreamLogEveryMs: number;
  /** What runs for each try; undefined: nothing does. */
  readonly upstreamFilters: readonly UpstreamFilter[] | undefined;
  /** They are written when a try has its stream, too. */
  readonly logsUpstreamStreams: boolean;
}

const INTERVAL = 'router.upstream_log_options.upstream_log_flush_interval';

/** Reads envoy.extensions.filters.http.router.v3.Router. */
export function readRouterOptions(config: Any | undefined): RouterOptions {
  const logs = (config?.['upstream_log'] ?? []) as AccessLogs;
  const options = (config?.['upstream_log_options'] ?? {}) as Readonly<Record<string, unknown>>;
  const interval = options['upstream_log_flush_interval'] as string | undefined;
  const upstreamLogEveryMs = durationMs(interval, INTERVAL, 0);
  if (interval !== undefined && upstreamLogEveryMs < 1)
    throw new ConfigProblem(INTERVAL, 'value must be greater than or equal to 0.001s');
  return {
    hidesEnvoyHeaders: config?.['suppress_envoy_headers'] === true,
    strictHeaders: readStrictHeaders(config?.['strict_check_headers']),
    respectsExpectedTime: config?.['respect_expected_rq_timeout'] === true,
    countsAnswers: config?.['dynamic_stats'] !== false,
    countsGrpcStatuses: config?.['suppress_grpc_request_failure_code_stats'] !== true,
    upstreamLogs: logs.length === 0 ? undefined : readAccessLogs(logs),
    upstreamLogEveryMs,
    upstreamFilters: readUpstreamFilters(config?.['upstream_http_filters'], 'router.upstream_http_filters'),
    logsUpstreamStreams: options['flush_upstream_log_on_upstream_stream'] === true,
  };
}
