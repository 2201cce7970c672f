import type { Clock, Timer } from '#domain';
import type { HttpServing } from '../config/http-serving.ts';
import { LazyDeadline } from './h1/lazy-deadline.ts';
import type { LocalReply } from './local-reply.ts';

/** What is counted of a request whose time is over, by its details. */
export const EXPIRED: Readonly<Record<string, string>> = {
  request_header_timeout: 'downstream_rq_header_timeout',
  stream_idle_timeout: 'downstream_rq_idle_timeout',
  request_overall_timeout: 'downstream_rq_timeout',
  max_duration_timeout: 'downstream_rq_max_duration_reached',
};

/** The request whose time is kept. */
export interface TimedExchange {
  readonly requestEnded: boolean;
  /** Ends the request: with this answer, or without it where one has begun. */
  expire(reply: LocalReply): void;
}

/** The limits that a connection manager sets to every request: silence, the time to send it, its whole life. */
export class StreamTimers {
  readonly #exchange: TimedExchange;
  #idle: LazyDeadline | undefined;
  #silenceMs: number;
  #request: Timer | undefined;
  readonly #clock: Clock;
  #duration: Timer | undefined;

  /** Undefined where nothing is limited, as Istio has it by default. */
  static of(exchange: TimedExchange, serving: HttpServing, clock: Clock): StreamTimers | undefined {
    const { maxStreamDurationMs, requestTimeoutMs, streamIdleTimeoutMs } = serving;
    if (maxStreamDurationMs + requestTimeoutMs + streamIdleTimeoutMs === 0) return undefined;
    return new StreamTimers(exchange, serving, clock);
  }

  constructor(exchange: TimedExchange, serving: HttpServing, clock: Clock) {
    this.#exchange = exchange;
    this.#silenceMs = serving.streamIdleTimeoutMs;
    this.#clock = clock;
    const { maxStreamDurationMs, requestTimeoutMs } = serving;
    if (requestTimeoutMs > 0 && !exchange.requestEnded) {
      const reply = { status: 408, details: 'request_overall_timeout', body: 'request timeout' };
      this.#request = clock.after(requestTimeoutMs, () => exchange.expire(reply));
    }
    this.limitDuration(maxStreamDurationMs);
    this.touch();
  }

  /** Sets the life of the request, counted from now, in place of the earlier limit; 0: none. */
  limitDuration(ms: number): void {
    this.#duration?.cancel();
    if (ms === 0) return;
    this.#duration = this.#clock.after(ms, () => {
      const status = this.#exchange.requestEnded ? 504 : 408;
      const body = 'downstream duration timeout';
      this.#exchange.expire({ status, details: 'max_duration_timeout', body, grpcStatus: 4 });
    });
  }

  /** Sets how long the stream may be silent, in place of the earlier limit; 0: for ever. */
  limitSilence(ms: number): void {
    this.#silenceMs = ms;
    if (ms === 0) this.#idle?.clear();
    else this.touch();
  }

  /** How long the stream may be silent; 0: for ever. */
  get silenceMs(): number {
    return this.#silenceMs;
  }

  /** A part of the request or the answer passed. */
  touch(): void {
    if (this.#silenceMs === 0) return;
    this.#idle ??= new LazyDeadline(this.#clock, () => this.#idled());
    this.#idle.set(this.#silenceMs);
  }

  requestEnded(): void {
    this.#request?.cancel();
    this.touch();
  }

  stop(): void {
    this.#idle?.stop();
    this.#request?.cancel();
    this.#duration?.cancel();
  }

  /** 408 blames the client that did not finish its request, 504 the host that did not answer. */
  #idled(): void {
    const status = this.#exchange.requestEnded ? 504 : 408;
    this.#exchange.expire({ status, flag: 'SI', details: 'stream_idle_timeout', body: 'stream timeout' });
  }
}
