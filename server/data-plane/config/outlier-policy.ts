import { ConfigProblem } from './problem.ts';
import { durationMs, readNumber } from './values.ts';

/** What may eject a host, by the names of Envoy's statistics. */
export type EjectionCause =
  | 'consecutive_5xx'
  | 'consecutive_gateway_failure'
  | 'consecutive_local_origin_failure'
  | 'success_rate'
  | 'local_origin_success_rate'
  | 'failure_percentage'
  | 'local_origin_failure_percentage';

/** From how many hosts and requests on a rate says something. */
export interface RateBounds {
  readonly minimumHosts: number;
  readonly requestVolume: number;
}

/** Outlier detection of a cluster. */
export interface OutlierPolicy {
  /** Failures in a row; 0: such rows are not looked at. */
  readonly consecutive5xx: number;
  readonly consecutiveGatewayFailure: number;
  readonly consecutiveLocalOriginFailure: number;
  readonly splitLocalOriginErrors: boolean;
  /** A host whose rate is so many standard deviations under the average stands out. */
  readonly successRate: RateBounds & { readonly stdevFactor: number };
  /** A host of which so many percent of requests fail stands out. */
  readonly failurePercentage: RateBounds & { readonly threshold: number };
  /** In how many percent of cases a cause has its effect; it is counted all the same. */
  readonly enforcing: Readonly<Record<EjectionCause, number>>;
  readonly intervalMs: number;
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  /** Each ejection lasts up to so much longer, by chance. */
  readonly maxJitterMs: number;
  readonly maxEjectionPercent: number;
  readonly alwaysEjectOneHost: boolean;
  /** A host whose active health check passes is let back at once. */
  readonly unejectsOnCheck: boolean;
  /** A host whose good answers say `x-envoy-degraded` is degraded for a time. */
  readonly marksDegraded: boolean;
}

/** Reads envoy.config.cluster.v3.OutlierDetection with Envoy's defaults. */
export function readOutlierPolicy(config: Record<string, unknown> | undefined): OutlierPolicy | undefined {
  if (config === undefined) return undefined;
  const duration = (key: string, fallback: number): number =>
    durationMs(config[key] as string | undefined, `outlier_detection.${key}`, fallback);
  const number = (key: string, fallback: number): number => readNumber(config[key], fallback);
  const baseEjectionMs = duration('base_ejection_time', 30_000);
  const maxEjectionMs = duration('max_ejection_time', Math.max(300_000, baseEjectionMs));
  if (maxEjectionMs < baseEjectionMs) {
    const why = "outlier detector's max_ejection_time cannot be smaller than base_ejection_time";
    throw new ConfigProblem('outlier_detection.max_ejection_time', why);
  }
  return {
    consecutive5xx: number('consecutive_5xx', 5),
    consecutiveGatewayFailure: number('consecutive_gateway_failure', 5),
    consecutiveLocalOriginFailure: number('consecutive_local_origin_failure', 5),
    splitLocalOriginErrors: config['split_external_local_origin_errors'] === true,
    successRate: {
      minimumHosts: number('success_rate_minimum_hosts', 5),
      requestVolume: number('success_rate_request_volume', 100),
      stdevFactor: number('success_rate_stdev_factor', 1900) / 1000,
    },
    failurePercentage: {
      minimumHosts: number('failure_percentage_minimum_hosts', 5),
      requestVolume: number('failure_percentage_request_volume', 50),
      threshold: number('failure_percentage_threshold', 85),
    },
    enforcing: {
      consecutive_5xx: number('enforcing_consecutive_5xx', 100),
      consecutive_gateway_failure: number('enforcing_consecutive_gateway_failure', 0),
      consecutive_local_origin_failure: number('enforcing_consecutive_local_origin_failure', 100),
      success_rate: number('enforcing_success_rate', 100),
      local_origin_success_rate: number('enforcing_local_origin_success_rate', 100),
      failure_percentage: number('enforcing_failure_percentage', 0),
      local_origin_failure_percentage: number('enforcing_failure_percentage_local_origin', 0),
    },
    intervalMs: duration('interval', 10_000),
    baseEjectionMs,
    maxEjectionMs,
    maxJitterMs: duration('max_ejection_time_jitter', 0),
    maxEjectionPercent: number('max_ejection_percent', 10),
    alwaysEjectOneHost: config['always_eject_one_host'] === true,
    marksDegraded: config['detect_degraded_hosts'] === true,
    unejectsOnCheck: config['successful_active_health_check_uneject_host'] !== false,
  };
}
