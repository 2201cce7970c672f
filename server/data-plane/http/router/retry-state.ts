import type { Clock, Random, Timer } from '#domain';
import type { CompiledRetryPolicy } from '../../config/retry-policy.ts';
import type { RouteFigures } from '../../stats/route-figures.ts';
import type { UpstreamCluster } from '../../upstream/cluster.ts';
import { allowedRetries, type CircuitBreakers } from '../../upstream/pool-breakers.ts';
import type { RequestHead, ResetReason, ResponseHead } from '../codec.ts';
import type { Headers } from '../headers.ts';
import { type RetryWishes, readWishes, wholeNumber } from './retry-wishes.ts';

/** Why a try is, or is not, made again. `cause` is the retry_on word that decided. */
export type RetryVerdict =
  | { readonly again: true; readonly cause: string; readonly waitMs: number }
  | { readonly again: false; readonly why: 'not_retriable' | 'limit' | 'overflow' };

const NOT_RETRIABLE: RetryVerdict = { again: false, why: 'not_retriable' };

/** Which retry_on word covers the outcome; undefined: none. */
type Cause = string | undefined;

/** A status that asks for the same request once more, at once. */
const TOO_EARLY = 425;

const GRPC_CAUSES: Readonly<Record<string, string>> = {
  '1': 'cancelled',
  '4': 'deadline-exceeded',
  '8': 'resource-exhausted',
  '13': 'internal',
  '14': 'unavailable',
};

export interface RetryOptions {
  readonly policy: CompiledRetryPolicy | undefined;
  readonly head: RequestHead;
  readonly cluster: UpstreamCluster;
  /** Count it, too. */
  readonly figures?: RouteFigures | undefined;
  /** Of the route's priority. */
  readonly breakers: CircuitBreakers;
  readonly clock: Clock;
  readonly jitter: Random;
}

/** Counts and times the retries of one request (Envoy: source/common/router/retry_state_impl.cc). */
export class RetryState {
  readonly #retryOn: ReadonlySet<string>;
  readonly #statusCodes: ReadonlySet<number>;
  /** Names of headers that the client wishes to count. */
  readonly #headerNames: readonly string[];
  readonly #options: RetryOptions;
  readonly #maxIntervalMs: number;
  #intervalMs: number;
  /** What decided how long the wait is: the host, how often there was a retry, or nothing, where there is none. */
  #wait: 'told' | 'grown' | 'none' = 'grown';
  #left: number;
  #timer: Timer | undefined;
  #holding = false;

  /** Reads the policy and the client's x-envoy-retry-* headers, which are removed. Undefined when nothing asks for retries. */
  static of(options: RetryOptions): RetryState | undefined {
    const { head, policy } = options;
    const wishes = readWishes(head.headers);
    if (policy === undefined && wishes.retryOn.length === 0) return undefined;
    const wanted = policy?.retriableRequestHeaders ?? [];
    if (wanted.length > 0 && !wanted.some((holds) => holds(head.headers, head))) return undefined;
    return new RetryState(options, wishes);
  }

  private constructor(options: RetryOptions, wishes: RetryWishes) {
    const { policy } = options;
    this.#options = options;
    this.#retryOn = merged(policy?.retryOn, wishes.retryOn);
    this.#statusCodes = merged(policy?.retriableStatusCodes, wishes.statusCodes);
    this.#headerNames = wishes.headerNames;
    this.#left = wishes.maxRetries ?? policy?.maxRetries ?? 1;
    this.#intervalMs = policy?.baseIntervalMs ?? 25;
    this.#maxIntervalMs = policy?.maxIntervalMs ?? 250;
  }

  /** Something is to be tried again, were there tries left. */
  get enabled(): boolean {
    return this.#retryOn.size > 0;
  }

  /** After an answer's head. */
  afterResponse(head: ResponseHead): RetryVerdict {
    return this.#decide(this.#causeOfResponse(head), head);
  }

  /** After a try that got no answer. */
  afterReset(reason: ResetReason, requestStarted: boolean): RetryVerdict {
    return this.#decide(this.#causeOfReset(reason, requestStarted));
  }

  /** Runs `again` after the wait that the verdict named. */
  schedule(waitMs: number, again: () => void): void {
    this.#timer = this.#options.clock.after(waitMs, () => {
      this.#countRetry();
      again();
    });
  }

  /** Gives back what a retry under way holds. Harmless when called twice. */
  release(): void {
    this.#timer?.cancel();
    if (!this.#holding) return;
    this.#holding = false;
    this.#options.breakers.retries--;
  }

  #decide(cause: Cause, answer?: ResponseHead): RetryVerdict {
    const { breakers, cluster, figures } = this.#options;
    const retried = this.#holding;
    this.release();
    if (cause === undefined) {
      if (!retried) return NOT_RETRIABLE;
      cluster.stats.rqRetrySuccess.value++;
      figures?.count('upstream_rq_retry_success');
      return NOT_RETRIABLE;
    }
    if (this.#left === 0) {
      cluster.stats.rqRetryLimitExceeded.value++;
      figures?.count('upstream_rq_retry_limit_exceeded');
      return { again: false, why: 'limit' };
    }
    this.#left--;
    if (breakers.retries >= allowedRetries(breakers)) {
      cluster.stats.rqRetryOverflow.value++;
      figures?.count('upstream_rq_retry_overflow');
      return { again: false, why: 'overflow' };
    }
    this.#holding = true;
    breakers.retries++;
    breakers.retried = true;
    return { again: true, cause, waitMs: this.#waitMs(cause, answer) };
  }

  /** As in Envoy, when the wait is over: one that is given up meanwhile is none. */
  #countRetry(): void {
    const { cluster, figures } = this.#options;
    cluster.stats.rqRetry.value++;
    figures?.count('upstream_rq_retry');
    if (this.#wait === 'told') cluster.stats.count('upstream_rq_retry_backoff_ratelimited');
    else if (this.#wait === 'grown') cluster.stats.rqRetryBackoff.value++;
  }

  #waitMs(cause: string, answer: ResponseHead | undefined): number {
    if (cause === 'retriable-status-codes' && answer?.status === TOO_EARLY) {
      this.#wait = 'none';
      return 0;
    }
    const toldMs = answer && this.#toldWaitMs(answer.headers);
    this.#wait = toldMs === undefined ? 'grown' : 'told';
    return toldMs ?? this.#nextWaitMs();
  }

  /** Full jitter: a whole number of milliseconds below an interval that doubles up to its maximum. */
  #nextWaitMs(): number {
    const interval = Math.max(1, Math.floor(this.#intervalMs));
    this.#intervalMs = Math.min(this.#intervalMs * 2, this.#maxIntervalMs);
    return this.#options.jitter.below(interval);
  }

  /** What the host says by a header, with jitter of up to half of it; undefined where it says nothing that can be followed. */
  #toldWaitMs(answer: Headers): number | undefined {
    const { clock, jitter, policy } = this.#options;
    for (const { name, format } of policy?.waitHeaders?.headers ?? []) {
      const given = wholeNumber(answer.get(name) ?? '');
      if (given === undefined) continue;
      const waitMs = (given - (format === 'SECONDS' ? 0 : Math.floor(clock.now() / 1000))) * 1000;
      if (waitMs < 0 || waitMs > (policy?.waitHeaders?.maxMs ?? 0)) continue;
      // The first that can be followed decides, though it may ask for no wait.
      return waitMs === 0 ? undefined : waitMs + jitter.below(waitMs / 2);
    }
    return undefined;
  }

  #causeOfResponse(head: ResponseHead): Cause {
    const { status, headers } = head;
    const on = this.#retryOn;
    if (headers.has('x-envoy-ratelimited')) return on.has('envoy-ratelimited') ? 'envoy-ratelimited' : undefined;
    if (status >= 500 && status < 600 && on.has('5xx')) return '5xx';
    if (status >= 502 && status <= 504 && on.has('gateway-error')) return 'gateway-error';
    if (status === 409 && on.has('retriable-4xx')) return 'retriable-4xx';
    if (this.#statusCodes.has(status) && on.has('retriable-status-codes')) {
      if (status !== TOO_EARLY) return 'retriable-status-codes';
      // One that the client has sent early is its own to repeat (RFC 8470).
      if (!this.#options.head.headers.has('early-data')) return 'retriable-status-codes';
    }
    const { policy } = this.#options;
    if (on.has('retriable-headers') && this.#hasRetriable(head, policy)) return 'retriable-headers';
    const grpcStatus = headers.get('grpc-status');
    const grpc = grpcStatus === undefined ? undefined : GRPC_CAUSES[grpcStatus];
    return grpc !== undefined && on.has(grpc) ? grpc : undefined;
  }

  #hasRetriable(head: ResponseHead, policy: CompiledRetryPolicy | undefined): boolean {
    const { headers } = head;
    if (policy?.retriableHeaders.some((holds) => holds(headers, head))) return true;
    return this.#headerNames.some((name) => headers.has(name));
  }

  #causeOfReset(reason: ResetReason, requestStarted: boolean): Cause {
    const on = this.#retryOn;
    if (reason === 'overflow') return undefined;
    if (on.has('reset')) return 'reset';
    if (on.has('reset-before-request') && !requestStarted) return 'reset-before-request';
    if (reason === 'remote_refused_stream_reset' && on.has('refused-stream')) return 'refused-stream';
    // A reset becomes a 503, so the conditions on 5xx cover it.
    if (on.has('5xx')) return '5xx';
    if (on.has('gateway-error')) return 'gateway-error';
    const connecting = reason === 'remote_connection_failure' || reason === 'connection_timeout';
    return connecting && on.has('connect-failure') ? 'connect-failure' : undefined;
  }
}

/** The policy's own set where the client wishes nothing more. */
function merged<T>(own: ReadonlySet<T> | undefined, wished: readonly T[]): ReadonlySet<T> {
  return own !== undefined && wished.length === 0 ? own : new Set([...(own ?? []), ...wished]);
}
