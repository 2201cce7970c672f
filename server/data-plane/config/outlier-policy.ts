import { durationMs, readNumber } from './values.ts';

/** Outlier detection of a cluster. Counts of 0 switch a detector off. */
export interface OutlierPolicy {
  readonly consecutive5xx: number;
  readonly consecutiveGatewayFailure: number;
  readonly consecutiveLocalOriginFailure: number;
  readonly splitLocalOriginErrors: boolean;
  readonly intervalMs: number;
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  readonly maxEjectionPercent: number;
  readonly alwaysEjectOneHost: boolean;
  /** A host whose active health check passes is let back at once. */
  readonly unejectsOnCheck: boolean;
}

/** Reads envoy.config.cluster.v3.OutlierDetection with Envoy's defaults. An enforcement of 0 percent switches a detector off. */
export function readOutlierPolicy(config: Record<string, unknown> | undefined): OutlierPolicy | undefined {
  if (config === undefined) return undefined;
  const duration = (key: string, fallback: number): number =>
    durationMs(config[key] as string | undefined, `outlier_detection.${key}`, fallback);
  const number = (key: string, fallback: number): number => readNumber(config[key], fallback);
  const enforced = (key: string, fallback: number, count: number): number => (number(key, fallback) === 0 ? 0 : count);
  const baseEjectionMs = duration('base_ejection_time', 30_000);
  return {
    consecutive5xx: enforced('enforcing_consecutive_5xx', 100, number('consecutive_5xx', 5)),
    consecutiveGatewayFailure: enforced(
      'enforcing_consecutive_gateway_failure',
      0,
      number('consecutive_gateway_failure', 5),
    ),
    consecutiveLocalOriginFailure: enforced(
      'enforcing_consecutive_local_origin_failure',
      100,
      number('consecutive_local_origin_failure', 5),
    ),
    splitLocalOriginErrors: config['split_external_local_origin_errors'] === true,
    intervalMs: duration('interval', 10_000),
    baseEjectionMs,
    maxEjectionMs: Math.max(duration('max_ejection_time', 300_000), baseEjectionMs),
    maxEjectionPercent: number('max_ejection_percent', 10),
    alwaysEjectOneHost: config['always_eject_one_host'] === true,
    unejectsOnCheck: config['successful_active_health_check_uneject_host'] !== false,
  };
}
