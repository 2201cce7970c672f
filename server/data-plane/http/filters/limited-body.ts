import type { Clock, Timer } from '#domain';
import type { BodyCoder, BodyOut } from '../answer-filters.ts';
import type { Headers } from '../headers.ts';
import type { TokenBucket } from './rate-limit/token-bucket.ts';

/** Bytes that are held back before who sends them is told to wait. */
const HELD_BYTES = 64 * 1024;

/** What happens to one body. */
export interface LimitedBodyEvents {
  /** The first bytes, or the end of a body without any. */
  began(): void;
  /** `bytes` have come; 0: its end alone. */
  came(bytes: number): void;
  /** `bytes` have gone on; `held`: some had to stay for another interval. */
  went(bytes: number, held: boolean): void;
  /** All of it has gone. Returns the trailers that follow. */
  finished(trailers: Headers | undefined): Headers | undefined;
  /** It was broken off before. */
  brokenOff(): void;
}

export interface LimitedBodyOptions {
  /** One token is one byte. */
  readonly bucket: TokenBucket;
  readonly fillIntervalMs: number;
  readonly clock: Clock;
  readonly events: LimitedBodyEvents;
  /** An end that follows bytes at once came with them, as it does in an answer of this proxy. */
  readonly endsWithBytes: boolean;
}

/** One body that leaves as tokens allow. Source: StreamRateLimiter in Envoy. */
export class LimitedBody implements BodyCoder {
  readonly #out: BodyOut;
  readonly #options: LimitedBodyOptions;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #began = false;
  /** Bytes have come that nobody has looked at yet. */
  #fresh = false;
  #ended = false;
  #over = false;
  #trailers: Headers | undefined;
  #timer: Timer | undefined;
  /** Who sends was told to wait. */
  #full = false;
  /** Who is sent to is slow. */
  #blocked = false;

  constructor(out: BodyOut, options: LimitedBodyOptions) {
    this.#out = out;
    this.#options = options;
  }

  data(chunk: Buffer): boolean {
    if (this.#over) return true;
    this.#come(chunk.length);
    this.#fresh = true;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#look(0);
    this.#full = this.#bytes >= HELD_BYTES;
    return !this.#full;
  }

  end(trailers: Headers | undefined): void {
    if (this.#over) return;
    this.#ended = true;
    this.#trailers = trailers;
    if (trailers !== undefined) {
      if (this.#bytes === 0) this.#finish();
      return;
    }
    if (!this.#options.endsWithBytes || !this.#fresh) this.#come(0);
    this.#look(0);
  }

  resume(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    if (this.#bytes > 0 || this.#ended) this.#look(0);
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#over) return;
    this.#over = true;
    this.#chunks = [];
    if (this.#began) this.#options.events.brokenOff();
  }

  #come(bytes: number): void {
    if (!this.#began) {
      this.#began = true;
      this.#options.events.began();
    }
    this.#options.events.came(bytes);
  }

  #look(delayMs: number): void {
    if (this.#blocked) return;
    this.#timer ??= this.#options.clock.after(delayMs, () => this.#release());
  }

  #release(): void {
    this.#timer = undefined;
    this.#fresh = false;
    if (this.#over) return;
    const { bucket, events, fillIntervalMs } = this.#options;
    const bytes = bucket.takeUpTo(this.#bytes);
    const chunks = this.#cut(bytes);
    events.went(bytes, this.#bytes > 0);
    for (const chunk of chunks) if (!this.#out.data(chunk)) this.#blocked = true;
    if (this.#over) return;
    if (this.#bytes > 0) this.#look(fillIntervalMs);
    else if (this.#ended) {
      this.#finish();
      return;
    }
    if (!this.#full || this.#bytes >= HELD_BYTES) return;
    this.#full = false;
    this.#out.drain();
  }

  /** Takes the first `bytes` of what is held back. */
  #cut(bytes: number): Buffer[] {
    const taken: Buffer[] = [];
    let left = bytes;
    while (left > 0) {
      const first = this.#chunks[0]!;
      if (first.length > left) {
        taken.push(first.subarray(0, left));
        this.#chunks[0] = first.subarray(left);
        left = 0;
      } else {
        taken.push(first);
        this.#chunks.shift();
        left -= first.length;
      }
    }
    this.#bytes -= bytes;
    return taken;
  }

  #finish(): void {
    this.#over = true;
    this.#timer?.cancel();
    this.#out.end(this.#options.events.finished(this.#trailers));
  }
}
