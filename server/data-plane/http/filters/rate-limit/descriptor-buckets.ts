import type { Clock } from '#domain';
import type { DescribedBucket } from '../../../config/local-rate-limit-config.ts';
import type { DescriptorEntry } from '../../../config/rate-limit-actions.ts';
import { TokenBucket } from './token-bucket.ts';

/**
 * The buckets of one configured descriptor: one, or where an entry names no value, one for each value that comes. Of those the ones used
 * last are kept (Envoy: source/extensions/filters/common/local_ratelimit).
 */
export class DescriptorBuckets {
  readonly shadow: boolean;
  /** It names all values, so it comes before those that do not. */
  readonly isExact: boolean;
  readonly #given: DescribedBucket;
  readonly #clock: Clock;
  readonly #most: number;
  /** By the values of the request; the one used last stands last. */
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(given: DescribedBucket, most: number, clock: Clock) {
    this.#given = given;
    this.#clock = clock;
    this.shadow = given.shadow;
    this.isExact = given.entries.every(({ value }) => value !== '');
    this.#most = this.isExact ? 1 : most;
  }

  /** Undefined where the descriptor is another one. */
  bucketFor(asked: readonly DescriptorEntry[]): TokenBucket | undefined {
    if (!this.#covers(asked)) return undefined;
    const key = JSON.stringify(asked.map(({ value }) => value));
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#given.bucket, this.#clock);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > this.#most && oldest !== undefined) this.#buckets.delete(oldest);
    return bucket;
  }

  #covers(asked: readonly DescriptorEntry[]): boolean {
    const { entries } = this.#given;
    return (
      asked.length === entries.length &&
      entries.every(({ key, value }, i) => asked[i]?.key === key && (value === '' || asked[i]?.value === value))
    );
  }
}
