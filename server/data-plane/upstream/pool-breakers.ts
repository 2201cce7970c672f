import type { Stats } from '../stats/stats.ts';

/** A route names one of two priorities; each has its own connections, limits and statistics. */
export type RoutePriority = 'DEFAULT' | 'HIGH';

export const PRIORITIES: readonly RoutePriority[] = ['DEFAULT', 'HIGH'];

/** Limits of one circuit breaker; Istio's default for each is 2^32 − 1. */
export interface BreakerLimits {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
  /** Hosts with a pool of connections. */
  readonly maxPools: number;
}

/** Retries as a share of the requests under way, in place of a fixed number. */
export interface RetryBudget {
  readonly percent: number;
  readonly minConcurrency: number;
}

/** What a cluster's configuration says of one priority. */
export interface BreakerSettings extends BreakerLimits {
  readonly retryBudget: RetryBudget | undefined;
  /** Statistics tell how much is left. */
  readonly trackRemaining: boolean;
}

/**
 * What one cluster uses at one priority, in this proxy only; every host pool of the cluster counts into the same object. A limit may be
 * replaced while requests are under way, the counts live on. The router counts `retries`, the pools the rest.
 */
export interface CircuitBreakers {
  limits: BreakerLimits;
  readonly retryBudget: RetryBudget | undefined;
  connections: number;
  /** There has been one. */
  everConnected: boolean;
  pendingRequests: number;
  requests: number;
  retries: number;
  /** A retry was wanted, so that the retry budget was looked at; one has begun. */
  budgetAsked: boolean;
  retried: boolean;
}

/** Detail of an overflow for which no host was asked: no connection takes the request, and no more may wait for one. */
export const NO_ROOM_TO_WAIT = 'no more requests may wait for a connection';

export const UNLIMITED: BreakerLimits = {
  maxConnections: 0xffffffff,
  maxPendingRequests: 0xffffffff,
  maxRequests: 0xffffffff,
  maxRetries: 0xffffffff,
  // Alone of them it has no 32 bits in Envoy.
  maxPools: 2 ** 64,
};

export function createCircuitBreakers(limits: BreakerLimits = UNLIMITED, retryBudget?: RetryBudget): CircuitBreakers {
  return {
    limits,
    retryBudget,
    connections: 0,
    everConnected: false,
    pendingRequests: 0,
    requests: 0,
    retries: 0,
    budgetAsked: false,
    retried: false,
  };
}

/** Retries that may be under way at once: the retry budget where there is one, else the breaker's limit. Asked for each that is wanted. */
export function allowedRetries(breakers: CircuitBreakers): number {
  const { limits, pendingRequests, requests, retryBudget } = breakers;
  if (retryBudget === undefined) return limits.maxRetries;
  breakers.budgetAsked = true;
  return Math.max(retryBudget.minConcurrency, Math.floor((retryBudget.percent / 100) * (requests + pendingRequests)));
}

/** Registers `circuit_breakers.<priority>.*` under a cluster's prefix. */
export function registerBreakers(
  stats: Stats,
  prefix: string,
  {
    breakers,
    trackRemaining,
    pools,
  }: { readonly breakers: CircuitBreakers; readonly trackRemaining: boolean; readonly pools: () => number },
): void {
  const figures: readonly (readonly [open: string, remaining: string, used: () => number, limit: () => number])[] = [
    ['cx_open', 'remaining_cx', () => breakers.connections, () => breakers.limits.maxConnections],
    ['cx_pool_open', 'remaining_cx_pools', pools, () => breakers.limits.maxPools],
    ['rq_open', 'remaining_rq', () => breakers.requests, () => breakers.limits.maxRequests],
    ['rq_pending_open', 'remaining_pending', () => breakers.pendingRequests, () => breakers.limits.maxPendingRequests],
    ['rq_retry_open', 'remaining_retries', () => breakers.retries, () => breakers.limits.maxRetries],
  ];
  for (const [open, remaining, used, limit] of figures) {
    const budgeted = remaining === 'remaining_retries' && breakers.retryBudget !== undefined;
    // As in Envoy, a breaker that lets nothing through opens with its first use; one beside a retry budget stays open.
    const inUse = (): boolean => {
      if (budgeted) return breakers.retried;
      // A host without any connection gets one beyond the limit, and the breaker is looked at again when it has gone.
      return used() > 0 || (open === 'cx_open' && breakers.everConnected);
    };
    stats.gauge(prefix + open, () => (inUse() && used() >= limit() ? 1 : 0));
    // What a budget leaves depends on all requests: from its first use on Envoy tells nothing.
    const left = (): number => (budgeted && breakers.budgetAsked ? 0 : Math.max(0, limit() - used()));
    if (trackRemaining) stats.gauge(prefix + remaining, left);
  }
}
