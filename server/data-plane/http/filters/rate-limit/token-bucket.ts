import type { Clock } from '#domain';
import type { TokenBucketConfig } from '../../../config/local-rate-limit-config.ts';

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

  /** Takes so many tokens, one unless told otherwise; false when there are too few: then none is taken. As in Envoy, nobody can take none. */
  take(wanted = 1): boolean {
    this.#fill();
    if (wanted <= 0 || this.#tokens < wanted) return false;
    this.#tokens -= wanted;
    return true;
  }

  /** Gives tokens back, as far as there is room. */
  give(tokens: number): void {
    this.#fill();
    this.#tokens = Math.min(this.config.maxTokens, this.#tokens + tokens);
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

  /** Tokens that come back in a second. */
  get fillRate(): number {
    const { tokensPerFill, fillIntervalMs } = this.config;
    return (tokensPerFill / fillIntervalMs) * 1000;
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
