import { parseDocument } from 'yaml';
import { z } from 'zod';
import { parseDurationMs } from '#domain';

/** Settings of a program that protects its calls with a library, named as the libraries name them. */

const duration = z.string().transform((text, context) => {
  const ms = parseDurationMs(text);
  if (ms === undefined || !(ms >= 0))
    context.addIssue({ code: 'custom', message: `"${text}" is no duration (200ms, 1s)` });
  return ms ?? 0;
});
const count = z.number().int().min(0).max(1000);
const percent = z.number().min(0).max(100);

/** Names and defaults of Resilience4j: io.github.resilience4j RetryConfig, CircuitBreakerConfig, BulkheadConfig, TimeLimiterConfig. */
const resilience4j = z.strictObject({
  retry: z
    .strictObject({
      /** Calls in all, the first included. */
      maxAttempts: z.number().int().min(1).max(100).default(3),
      waitDuration: duration.default(500),
      enableExponentialBackoff: z.boolean().default(false),
      exponentialBackoffMultiplier: z.number().min(1).max(10).default(1.5),
      enableRandomizedWait: z.boolean().default(false),
      randomizedWaitFactor: z.number().min(0).max(1).default(0.5),
    })
    .optional(),
  circuitBreaker: z
    .strictObject({
      /** Callees that give the same name share one breaker. */
      name: z.string().optional(),
      slidingWindowSize: z.number().int().min(1).max(1000).default(100),
      minimumNumberOfCalls: z.number().int().min(1).max(1000).default(100),
      failureRateThreshold: percent.default(50),
      waitDurationInOpenState: duration.default(60_000),
      permittedNumberOfCallsInHalfOpenState: z.number().int().min(1).max(100).default(10),
    })
    .optional(),
  bulkhead: z.strictObject({ maxConcurrentCalls: z.number().int().min(1).max(1000).default(25) }).optional(),
  timeLimiter: z.strictObject({ timeoutDuration: duration.default(1000) }).optional(),
});

/** Names and defaults of Polly v8: RetryStrategyOptions, TimeoutStrategyOptions. */
const polly = z.strictObject({
  Retry: z
    .strictObject({
      /** Retries, the first call not included. */
      MaxRetryAttempts: z.number().int().min(1).max(100).default(3),
      Delay: duration.default(2000),
      BackoffType: z.enum(['Constant', 'Linear', 'Exponential']).default('Constant'),
      UseJitter: z.boolean().default(false),
    })
    .optional(),
  Timeout: z.strictObject({ Timeout: duration.default(30_000) }).optional(),
});

/** Layers of Tower, the first one outermost, as a ServiceBuilder stacks them. */
const towerLayer = z.union([
  z.strictObject({ timeout: duration }),
  z.strictObject({
    retry: z.strictObject({
      /** Tower has no number of its own: this is what the policy of this program counts down. */
      retries: count,
      backoff: z.strictObject({ min: duration, max: duration, jitter: z.number().min(0).max(1).default(0) }).optional(),
      budget: z.strictObject({ retryPercent: percent.default(20), minPerSec: count.default(10) }).optional(),
    }),
  }),
  z.strictObject({ concurrencyLimit: z.number().int().min(1).max(1000) }),
]);
const tower = z.strictObject({ layers: z.array(towerLayer).max(10) });

const callee = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]{1,40}$/),
  url: z.string().regex(/^http:\/\/[a-z0-9.-]+(:\d+)?(\/[\w./-]*)?$/),
  resilience4j: resilience4j.optional(),
  polly: polly.optional(),
  tower: tower.optional(),
  /** One key for all tries of a call, in the header idempotency-key. */
  idempotencyKey: z.boolean().default(false),
  /** Sends the time that is left in the header x-time-left-ms, and waits no longer than that. */
  passTimeLeft: z.boolean().default(false),
  /** `cache`: the last good answer. A URL: asked when the call has failed. */
  fallback: z.union([z.literal('cache'), z.string().regex(/^http:\/\/[a-z0-9.-]+(:\d+)?(\/[\w./-]*)?$/)]).optional(),
});

const settings = z.strictObject({
  /** Whether callees are asked one after the other or all at once. */
  calls: z.enum(['in-turn', 'parallel']).default('in-turn'),
  /** More requests than that are refused with 503. */
  maxInFlight: z.number().int().min(1).max(10_000).optional(),
  callees: z.array(callee).max(10).default([]),
});

export type Settings = z.infer<typeof settings>;
export type CalleeSettings = Settings['callees'][number];

/** Throws with file, field and reason when the text cannot be used. */
export function readSettings(text: string, file: string): Settings {
  const document = parseDocument(text);
  const [broken] = document.errors;
  if (broken) throw new Error(`${file}: ${broken.message.split('\n')[0]}`);
  const parsed = settings.safeParse(document.toJS() ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${file}: ${issue?.path.join('.')}: ${issue?.message}`);
}
