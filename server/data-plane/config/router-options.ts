import type { Any } from '#xds';
import { readStrictHeaders } from '../http/router/strict-headers.ts';
import { type AccessLogger, type AccessLogs, readAccessLogs } from './access-log/index.ts';
import { ConfigProblem } from './problem.ts';

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
  /** They are written when a try has its stream, too. */
  readonly logsUpstreamStreams: boolean;
}

/** Reads envoy.extensions.filters.http.router.v3.Router. */
export function readRouterOptions(config: Any | undefined): RouterOptions {
  const logs = (config?.['upstream_log'] ?? []) as AccessLogs;
  const options = (config?.['upstream_log_options'] ?? {}) as Readonly<Record<string, unknown>>;
  if (options['upstream_log_flush_interval'] !== undefined)
    throw new ConfigProblem('router.upstream_log_options.upstream_log_flush_interval', 'is not supported');
  if (((config?.['upstream_http_filters'] ?? []) as readonly unknown[]).length > 0)
    throw new ConfigProblem('router.upstream_http_filters', 'is not supported');
  return {
    hidesEnvoyHeaders: config?.['suppress_envoy_headers'] === true,
    strictHeaders: readStrictHeaders(config?.['strict_check_headers']),
    respectsExpectedTime: config?.['respect_expected_rq_timeout'] === true,
    countsAnswers: config?.['dynamic_stats'] !== false,
    countsGrpcStatuses: config?.['suppress_grpc_request_failure_code_stats'] !== true,
    upstreamLogs: logs.length === 0 ? undefined : readAccessLogs(logs),
    logsUpstreamStreams: options['flush_upstream_log_on_upstream_stream'] === true,
  };
}
