import type { OutlierDetectionSettings } from '../../snapshot/istio-types.ts';
import { protoDuration } from '../durations.ts';
import { percentOf } from './connection-pool.ts';

/**
 * Outlier detection as Istio configures it: success-rate ejection off, gateway errors only when set. With it the panic threshold becomes
 * `minHealthPercent`, whose default 0 means that a cluster of ejected hosts answers 503 UH and never panics.
 */
export function translateOutlierDetection(settings: OutlierDetectionSettings): {
  readonly outlier_detection: Record<string, unknown>;
  readonly healthy_panic_threshold: { value?: number };
} {
  const { consecutive5xxErrors, consecutiveGatewayErrors, consecutiveLocalOriginFailures } = settings;
  const enforced = (count: number): number => (count > 0 ? 100 : 0);
  return {
    outlier_detection: {
      ...(consecutive5xxErrors !== undefined && {
        consecutive_5xx: consecutive5xxErrors,
        enforcing_consecutive_5xx: enforced(consecutive5xxErrors),
      }),
      ...(settings.interval !== undefined && { interval: protoDuration(settings.interval) }),
      ...(settings.baseEjectionTime !== undefined && { base_ejection_time: protoDuration(settings.baseEjectionTime) }),
      ...(settings.maxEjectionPercent && { max_ejection_percent: settings.maxEjectionPercent }),
      enforcing_success_rate: 0,
      ...(consecutiveGatewayErrors !== undefined && {
        consecutive_gateway_failure: consecutiveGatewayErrors,
        enforcing_consecutive_gateway_failure: enforced(consecutiveGatewayErrors),
      }),
      ...(settings.splitExternalLocalOriginErrors === true && {
        split_external_local_origin_errors: true,
        ...(consecutiveLocalOriginFailures && {
          consecutive_local_origin_failure: consecutiveLocalOriginFailures,
          enforcing_consecutive_local_origin_failure: 100,
        }),
        enforcing_local_origin_success_rate: 0,
      }),
    },
    healthy_panic_threshold: percentOf(settings.minHealthPercent ?? 0),
  };
}
