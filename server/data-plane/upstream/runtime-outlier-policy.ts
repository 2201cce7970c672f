import type { EjectionCause, OutlierPolicy } from '../config/outlier-policy.ts';
import type { RuntimeValues } from '../runtime-values.ts';

const PREFIX = 'outlier_detection.';
/** Causes whose key is not their own name. */
const ENFORCING_KEYS: Partial<Record<EjectionCause, string>> = {
  local_origin_failure_percentage: 'failure_percentage_local_origin',
};

/**
 * What outlier detection goes by at this moment: the runtime's word, and where it has none that of the cluster. One word holds for all
 * clusters. Source: the keys in outlier_detection_impl.h of Envoy.
 */
export function outlierPolicyNow(given: OutlierPolicy, values: RuntimeValues): OutlierPolicy {
  const whole = (key: string, configured: number): number => values.whole(PREFIX + key, configured);
  const { successRate, failurePercentage } = given;
  const enforcing = Object.entries(given.enforcing).map(([cause, percent]): [string, number] => [
    cause,
    whole(`enforcing_${ENFORCING_KEYS[cause as EjectionCause] ?? cause}`, percent),
  ]);
  return {
    ...given,
    consecutive5xx: whole('consecutive_5xx', given.consecutive5xx),
    consecutiveGatewayFailure: whole('consecutive_gateway_failure', given.consecutiveGatewayFailure),
    consecutiveLocalOriginFailure: whole('consecutive_local_origin_failure', given.consecutiveLocalOriginFailure),
    successRate: {
      minimumHosts: whole('success_rate_minimum_hosts', successRate.minimumHosts),
      requestVolume: whole('success_rate_request_volume', successRate.requestVolume),
      // The key says thousandths, as the field does.
      stdevFactor: whole('success_rate_stdev_factor', successRate.stdevFactor * 1000) / 1000,
    },
    failurePercentage: {
      minimumHosts: whole('failure_percentage_minimum_hosts', failurePercentage.minimumHosts),
      requestVolume: whole('failure_percentage_request_volume', failurePercentage.requestVolume),
      threshold: whole('failure_percentage_threshold', failurePercentage.threshold),
    },
    enforcing: Object.fromEntries(enforcing) as OutlierPolicy['enforcing'],
    intervalMs: whole('interval_ms', given.intervalMs),
    baseEjectionMs: whole('base_ejection_time_ms', given.baseEjectionMs),
    maxEjectionMs: whole('max_ejection_time_ms', given.maxEjectionMs),
    maxJitterMs: whole('max_ejection_time_jitter_ms', given.maxJitterMs),
    maxEjectionPercent: Math.min(100, whole('max_ejection_percent', given.maxEjectionPercent)),
  };
}
