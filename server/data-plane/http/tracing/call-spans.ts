import type { Clock, HopTry, Random, SpanNote } from '#domain';
import type { ResetReason, ResponseHead } from '../codec.ts';
import type { Exchange } from '../exchange.ts';
import type { Headers } from '../headers.ts';
import { RESET_WORDS } from '../router/reset-reasons.ts';
import { newSpanId } from '../trace-context.ts';
import { spanNotes } from './span-notes.ts';
import { ownTags, upstreamOperationOf } from './span-words.ts';
import { wallTime } from './wall-time.ts';

const NO_TAGS: Readonly<Record<string, string>> = {};
const NO_NOTES: readonly SpanNote[] = [];

/** The span of one try of a request at a host. Source: UpstreamRequest of Envoy's router. */
export class TrySpan implements HopTry {
  readonly spanId: string;
  readonly host: string;
  readonly startMs: number;
  durationMs = 0;
  protocol = '-';
  status = 0;
  flags = '';
  reason = '';
  canceled = false;
  grpcStatus: string | undefined;
  grpcMessage: string | undefined;
  tags = NO_TAGS;
  operation: string | undefined;
  notes = NO_NOTES;
  readonly #clock: Clock;
  /** Monotonic. */
  readonly #startedAt: number;

  constructor(clock: Clock, spanId: string, host: string) {
    this.#clock = clock;
    this.spanId = spanId;
    this.host = host;
    this.#startedAt = clock.monotonic();
    this.startMs = wallTime(clock, this.#startedAt);
  }

  answered({ status, headers }: ResponseHead): void {
    this.status = status;
    this.#readGrpc(headers);
  }

  ended(trailers?: Headers): void {
    this.durationMs = this.#clock.monotonic() - this.#startedAt;
    if (trailers !== undefined) this.#readGrpc(trailers);
  }

  /** Given up before it had ended. */
  dropped(): void {
    this.canceled = true;
    this.ended();
  }

  /** Given up by the limit of one try. */
  timedOut(): void {
    this.flags = 'UT';
  }

  failed(reason: ResetReason): void {
    const { flag, words } = RESET_WORDS[reason];
    this.flags = flag;
    this.reason = words;
    this.ended();
  }

  /** What formats and times of its request tell of it, while it is the last try. */
  tell(exchange: Exchange): void {
    const { config, info } = exchange;
    if (config.tracing === undefined) return;
    this.tags = ownTags(exchange, config.tracing);
    this.operation = upstreamOperationOf(exchange)?.(exchange) || undefined;
    if (!config.tracing.verbose || info.times === undefined) return;
    this.notes = spanNotes(info.times, wallTime(this.#clock, info.startedAt), 'call');
    // The last byte is noted a moment after the try has ended.
    for (const { atMs } of this.notes) this.durationMs = Math.max(this.durationMs, atMs - this.startMs);
  }

  #readGrpc(headers: Headers): void {
    this.grpcStatus = headers.get('grpc-status') ?? this.grpcStatus;
    this.grpcMessage = headers.get('grpc-message') ?? this.grpcMessage;
  }
}

/** The spans of all tries of a request. */
export class CallSpans {
  readonly tries: TrySpan[] = [];
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** `first`: the id that the first try has. */
  begin(host: string, first: string): TrySpan {
    const spanId = this.tries.length === 0 ? first : newSpanId(this.#random);
    const span = new TrySpan(this.#clock, spanId, host);
    this.tries.push(span);
    return span;
  }
}
