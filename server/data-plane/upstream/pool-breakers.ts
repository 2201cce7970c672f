/** Limits of one circuit breaker; Istio's default for each is 2^32 − 1. */
export interface BreakerLimits {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
}

/**
 * What one cluster uses at one priority, in this proxy only; every host pool of the cluster counts into the same object. A limit may be
 * replaced while requests are under way, the counts live on. The router counts `retries`, the pools the rest.
 */
export interface CircuitBreakers {
  limits: BreakerLimits;
  connections: number;
  pendingRequests: number;
  requests: number;
  retries: number;
}

export const UNLIMITED: BreakerLimits = {
  maxConnections: 0xffffffff,
  maxPendingRequests: 0xffffffff,
  maxRequests: 0xffffffff,
  maxRetries: 0xffffffff,
};

export function createCircuitBreakers(limits: BreakerLimits = UNLIMITED): CircuitBreakers {
  return { limits, connections: 0, pendingRequests: 0, requests: 0, retries: 0 };
}
