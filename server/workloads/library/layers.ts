import type { Clock, Random } from '#domain';
import { Breaker } from './breaker.ts';
import { breaking, bulkhead, type Layer, type RetryRule, retry, timeLimit } from './call.ts';
import type { CalleeSettings } from './settings.ts';

export interface LayerSources {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: (line: string) => void;
  /** Breakers by name: callees that name the same one share it. */
  readonly breakers: Map<string, Breaker>;
}

/** The layers around a call, outermost first, in the order that each library documents. */
export function layersOf(callee: CalleeSettings, sources: LayerSources): Layer[] {
  return [
    ...(callee.resilience4j ? resilience4j(callee, callee.resilience4j, sources) : []),
    ...(callee.polly ? polly(callee.polly, sources) : []),
    ...(callee.tower ? tower(callee.tower, sources) : []),
  ];
}

/** Order of its aspects: Retry ( CircuitBreaker ( TimeLimiter ( Bulkhead ( call ) ) ) ). */
function resilience4j(
  { name }: CalleeSettings,
  settings: NonNullable<CalleeSettings['resilience4j']>,
  { clock, random, log, breakers }: LayerSources,
): Layer[] {
  const { retry: again, circuitBreaker, timeLimiter, bulkhead: hull } = settings;
  const layers: Layer[] = [];
  if (again) {
    const waitMs = (n: number): number => {
      const base =
        again.waitDuration * (again.enableExponentialBackoff ? again.exponentialBackoffMultiplier ** (n - 1) : 1);
      // From base × (1 - factor) to base × (1 + factor).
      return again.enableRandomizedWait ? base * (1 + again.randomizedWaitFactor * (2 * random.next() - 1)) : base;
    };
    layers.push(retry({ retries: again.maxAttempts - 1, waitMs }));
  }
  if (circuitBreaker) {
    const key = circuitBreaker.name ?? name;
    const breaker = breakers.get(key) ?? new Breaker(key, { settings: circuitBreaker, clock, onChange: log });
    breakers.set(key, breaker);
    layers.push(breaking(breaker));
  }
  if (timeLimiter) layers.push(timeLimit(timeLimiter.timeoutDuration));
  if (hull) layers.push(bulkhead(hull.maxConcurrentCalls));
  return layers;
}

/** A pipeline in the order of its builder: the retry outside, the timeout for each try inside. */
function polly({ Retry, Timeout }: NonNullable<CalleeSettings['polly']>, { random }: LayerSources): Layer[] {
  const layers: Layer[] = [];
  if (Retry) {
    const { Delay, BackoffType, UseJitter, MaxRetryAttempts } = Retry;
    const base = (n: number): number =>
      BackoffType === 'Exponential' ? Delay * 2 ** (n - 1) : BackoffType === 'Linear' ? Delay * n : Delay;
    // Constant and linear waits are spread by a quarter to either side; exponential ones over the whole of what they may be.
    const waitMs = (n: number): number => {
      if (!UseJitter) return base(n);
      return BackoffType === 'Exponential' ? base(n) * 2 * random.next() : base(n) * (0.75 + random.next() / 2);
    };
    layers.push(retry({ retries: MaxRetryAttempts, waitMs }));
  }
  if (Timeout) layers.push(timeLimit(Timeout.Timeout));
  return layers;
}

function tower({ layers }: NonNullable<CalleeSettings['tower']>, sources: LayerSources): Layer[] {
  return layers.map((layer) => {
    if ('timeout' in layer) return timeLimit(layer.timeout);
    if ('concurrencyLimit' in layer) return bulkhead(layer.concurrencyLimit);
    const { retries, backoff, budget } = layer.retry;
    const waitMs = (n: number): number => {
      if (!backoff) return 0;
      const base = Math.min(backoff.max, backoff.min * 2 ** (n - 1));
      return base * (1 + backoff.jitter * sources.random.next());
    };
    const rule: RetryRule = { retries, waitMs };
    return retry(budget ? { ...rule, ...budgetOf(budget, sources.clock) } : rule);
  });
}

const BUDGET_TTL_MS = 10_000;

/** Tower's budget: of the calls of the last ten seconds a share may be retries, and so many a second in any case. */
function budgetOf({ retryPercent, minPerSec }: { retryPercent: number; minPerSec: number }, clock: Clock) {
  let calls: number[] = [];
  let retries: number[] = [];
  const recent = (times: readonly number[]): number[] => {
    const since = clock.monotonic() - BUDGET_TTL_MS;
    return times.filter((at) => at >= since);
  };
  return {
    onCall: () => {
      calls = [...recent(calls), clock.monotonic()];
    },
    mayRetry: () => {
      retries = recent(retries);
      const allowed = (recent(calls).length * retryPercent) / 100 + (minPerSec * BUDGET_TTL_MS) / 1000;
      if (retries.length + 1 > allowed) return false;
      retries.push(clock.monotonic());
      return true;
    },
  };
}
