import type { CompiledCluster } from '../config/cluster-config.ts';
import type { RuntimeValues } from '../runtime-values.ts';
import { type BreakerLimits, type CircuitBreakers, PRIORITIES, type RoutePriority } from './pool-breakers.ts';

const KEYS: Readonly<Record<keyof BreakerLimits, string>> = {
  maxConnections: 'max_connections',
  maxPendingRequests: 'max_pending_requests',
  maxRequests: 'max_requests',
  maxRetries: 'max_retries',
  maxPools: 'max_connection_pools',
};

/** Sets a cluster's breakers to what Envoy's runtime says of them, and else to their configuration. Source: ResourceManagerImpl in Envoy. */
export function setLimits(
  {
    breakers,
    config,
  }: { readonly breakers: Readonly<Record<RoutePriority, CircuitBreakers>>; readonly config: CompiledCluster },
  values: RuntimeValues,
): void {
  for (const priority of PRIORITIES) {
    const given = config.breakers[priority];
    const prefix = `circuit_breakers.${config.name}.${priority.toLowerCase()}.`;
    const limit = (name: keyof BreakerLimits): number => values.whole(prefix + KEYS[name], given[name]);
    breakers[priority].limits = {
      maxConnections: limit('maxConnections'),
      maxPendingRequests: limit('maxPendingRequests'),
      maxRequests: limit('maxRequests'),
      maxRetries: limit('maxRetries'),
      maxPools: limit('maxPools'),
    };
  }
}
