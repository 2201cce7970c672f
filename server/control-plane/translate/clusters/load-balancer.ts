import type { LoadBalancerSettings } from '../../snapshot/istio-types.ts';
import { protoDuration } from '../durations.ts';
import type { IstioCluster } from '../envoy-types.ts';
import { percentOf } from './connection-pool.ts';

type BalancerFields = Pick<
  IstioCluster,
  'lb_policy' | 'ring_hash_lb_config' | 'maglev_lb_config' | 'round_robin_lb_config' | 'least_request_lb_config'
>;

/**
 * A cluster's balancer. Istio's default is LEAST_REQUEST; ROUND_ROBIN is Envoy's, which a config dump leaves out. PASSTHROUGH is settled
 * by the cluster's type. Source: applyLoadBalancer in istio pilot.
 */
export function translateLoadBalancer(settings: LoadBalancerSettings | undefined): BalancerFields {
  const hash = settings?.consistentHash;
  if (hash?.maglev !== undefined) {
    const size = hash.maglev.tableSize;
    return { lb_policy: 'MAGLEV', ...(size && { maglev_lb_config: { table_size: String(size) } }) };
  }
  if (hash !== undefined && hash !== null) {
    const size = hash.ringHash === undefined ? hash.minimumRingSize || 1024 : hash.ringHash.minimumRingSize;
    return { lb_policy: 'RING_HASH', ...(size && { ring_hash_lb_config: { minimum_ring_size: String(size) } }) };
  }
  const slowStart = slowStartConfig(settings);
  switch (settings?.simple) {
    case 'RANDOM':
      return { lb_policy: 'RANDOM' };
    case 'ROUND_ROBIN':
      return slowStart ? { round_robin_lb_config: slowStart } : {};
    default:
      return { lb_policy: 'LEAST_REQUEST', ...(slowStart && { least_request_lb_config: slowStart }) };
  }
}

function slowStartConfig(settings: LoadBalancerSettings | undefined): Record<string, unknown> | undefined {
  const { warmup, warmupDurationSecs } = settings ?? {};
  if (warmup === undefined) {
    return warmupDurationSecs
      ? { slow_start_config: { slow_start_window: protoDuration(warmupDurationSecs) } }
      : undefined;
  }
  return {
    slow_start_config: {
      slow_start_window: protoDuration(warmup.duration),
      aggression: { default_value: warmup.aggression ?? 1, runtime_key: '(' },
      min_weight_percent: percentOf(warmup.minimumPercent ?? 10),
    },
  };
}
