import type { ResponseFlag } from '../http/response-flags.ts';

/** Fields of envoy.data.accesslog.v3.ResponseFlags; some flags have none. */
const FIELDS: Readonly<Partial<Record<ResponseFlag, string>>> = {
  LH: 'failed_local_healthcheck',
  UH: 'no_healthy_upstream',
  UT: 'upstream_request_timeout',
  LR: 'local_reset',
  UR: 'upstream_remote_reset',
  UF: 'upstream_connection_failure',
  UC: 'upstream_connection_termination',
  UO: 'upstream_overflow',
  NR: 'no_route_found',
  DI: 'delay_injected',
  FI: 'fault_injected',
  RL: 'rate_limited',
  RLSE: 'rate_limit_service_error',
  DC: 'downstream_connection_termination',
  URX: 'upstream_retry_limit_exceeded',
  SI: 'stream_idle_timeout',
  IH: 'invalid_envoy_request_headers',
  DPE: 'downstream_protocol_error',
  UMSDR: 'upstream_max_stream_duration_reached',
  RFCF: 'response_from_cache_filter',
  NFCF: 'no_filter_config_found',
  DT: 'duration_timeout',
  UPE: 'upstream_protocol_error',
  NC: 'no_cluster_found',
  OM: 'overload_manager',
  DF: 'dns_resolution_failure',
  DR: 'downstream_remote_reset',
};

/** Undefined where no flag is set. */
export function flagsJson(flags: readonly ResponseFlag[]): object | undefined {
  if (flags.length === 0) return undefined;
  const entries = flags.flatMap((flag): [string, unknown][] => {
    if (flag === 'UAEX') return [['unauthorized_details', { reason: 'EXTERNAL_SERVICE' }]];
    const field = FIELDS[flag];
    return field === undefined ? [] : [[field, true]];
  });
  return Object.fromEntries(entries);
}
