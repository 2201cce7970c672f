import { errorMessage, pause } from '#domain';
import type { ContainerContext, FetchResponse } from '../doors.ts';
import { TimeoutError } from '../http-client.ts';
import { CallNotPermitted } from './breaker.ts';

/** What one call is made of. Layers hand it on and may set a tighter limit. */
export interface Call {
  readonly context: ContainerContext;
  readonly callee: string;
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly passTimeLeft: boolean;
  /** Monotonic time at which the caller gives up; Infinity: never. */
  readonly deadline: number;
}

export interface Outcome {
  /** 0: no answer. */
  readonly status: number;
  readonly body: string;
  readonly error: string;
  readonly timedOut: boolean;
}

export type Layer = (call: Call, next: (call: Call) => Promise<Outcome>) => Promise<Outcome>;

export const failed = ({ status }: Outcome): boolean => status === 0 || status >= 500;

export const noAnswer = (error: string, timedOut = false): Outcome => ({ status: 0, body: '', error, timedOut });

/** The request itself, innermost. */
export async function send({ context, url, method, headers, deadline, passTimeLeft }: Call): Promise<Outcome> {
  const leftMs = deadline - context.clock.monotonic();
  if (leftMs <= 0) return noAnswer('no time is left', true);
  const limited = Number.isFinite(leftMs);
  try {
    const answer: FetchResponse = await context.fetch(url, {
      method,
      headers: { ...headers, ...(passTimeLeft && limited ? { 'x-time-left-ms': String(Math.floor(leftMs)) } : {}) },
      ...(limited ? { timeoutMs: leftMs } : {}),
      signal: context.signal,
    });
    return { status: answer.status, body: answer.body.toString('utf8'), error: '', timedOut: false };
  } catch (thrown) {
    return noAnswer(errorMessage(thrown), thrown instanceof TimeoutError);
  }
}

/** The caller of this layer waits no longer than that, for all that is inside. */
export const timeLimit =
  (limitMs: number): Layer =>
  (call, next) =>
    next({ ...call, deadline: Math.min(call.deadline, call.context.clock.monotonic() + limitMs) });

/** At most so many calls at a time; others fail at once. */
export function bulkhead(limit: number): Layer {
  let open = 0;
  return async (call, next) => {
    if (open >= limit) return noAnswer(`Bulkhead '${call.callee}' is full and does not permit further calls`);
    open += 1;
    try {
      return await next(call);
    } finally {
      open -= 1;
    }
  };
}

export interface RetryRule {
  /** After the first call. */
  readonly retries: number;
  /** Before the nth retry, from 1. */
  waitMs(n: number): number;
  /** Whether a retry may be made now; absent: always. */
  readonly mayRetry?: () => boolean;
  /** Told of each call that is no retry. */
  readonly onCall?: () => void;
}

/** Repeats what failed. A refusal of a breaker inside is not repeated. */
export const retry =
  ({ retries, waitMs, mayRetry, onCall }: RetryRule): Layer =>
  async (call, next) => {
    const { context, callee } = call;
    onCall?.();
    let outcome = await next(call);
    for (let n = 1; n <= retries && failed(outcome) && !context.signal.aborted; n++) {
      if (outcome.error.startsWith('CircuitBreaker')) break;
      if (mayRetry?.() === false) {
        context.log(`retry of ${callee} refused: the budget is used up`);
        break;
      }
      await pause(context, waitMs(n));
      if (call.deadline <= context.clock.monotonic()) break;
      context.log(`retry ${n} of ${callee} after ${outcome.status || outcome.error}`);
      outcome = await next(call);
    }
    return outcome;
  };

export const breaking =
  (breaker: { acquire(): void; done(failed: boolean): void }): Layer =>
  async (call, next) => {
    try {
      breaker.acquire();
    } catch (refused) {
      if (refused instanceof CallNotPermitted) return noAnswer(refused.message);
      throw refused;
    }
    const outcome = await next(call);
    breaker.done(failed(outcome));
    return outcome;
  };

export const stack = (layers: readonly Layer[]): ((call: Call) => Promise<Outcome>) =>
  layers.reduceRight<(call: Call) => Promise<Outcome>>((next, layer) => (call) => layer(call, next), send);
