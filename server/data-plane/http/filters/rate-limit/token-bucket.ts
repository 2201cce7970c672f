import type { Clock } from '#domain';
import type { TokenBucketConfig } from '../../../config/rate-limit-config.ts';

/** A bucket that starts full and fills steadily. Source: AtomicTokenBucketImpl in Envoy. */
export class TokenBucket {
  readonly config: TokenBucketConfig;
  readonly #clock: Clock;
  #tokens: number;
  #at: number;

  constructor(config: TokenBucketConfig, clock: Clock) {
    this.config = config;
    this.#clock = clock;
    this.#tokens = config.maxTokens;
    this.#at = clock.monotonic();
  }

  /** Takes one token; false when there is none. */
  take(): boolean {
    this.#fill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Takes as many whole tokens as there are, `most` at most. */
  takeUpTo(most: number): number {
    const taken = Math.min(most, this.left);
    this.#tokens -= taken;
    return taken;
  }

  /** Whole tokens left. */
  get left(): number {
    this.#fill();
    return Math.floor(this.#tokens);
  }

  /** Seconds until the next token. */
  get resetSeconds(): number {
    const { tokensPerFill, fillIntervalMs } = this.config;
    return this.left > 0 ? 0 : Math.ceil(((1 - this.#tokens) * fillIntervalMs) / tokensPerFill / 1000);
  }

  #fill(): void {
    const { maxTokens, tokensPerFill, fillIntervalMs } = this.config;
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(maxTokens, this.#tokens + ((now - this.#at) * tokensPerFill) / fillIntervalMs);
    this.#at = now;
  }
}
