import type { Clock } from '#domain';
import type { Descriptor } from '../../../config/rate-limit-actions.ts';
import type { TokenBucketConfig } from '../../../config/rate-limit-config.ts';
import { TokenBucket } from './token-bucket.ts';

/**
 * The buckets of one configured descriptor: one, or where an entry names no value, one for each value that comes. Of those the ones used
 * last are kept (Envoy: source/extensions/filters/common/local_ratelimit).
 */
export class DescriptorBuckets {
  readonly entries: Descriptor;
  readonly #config: TokenBucketConfig;
  readonly #clock: Clock;
  readonly #most: number;
  /** By the values of the request; the one used last stands last. */
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(given: { readonly entries: Descriptor; readonly bucket: TokenBucketConfig }, most: number, clock: Clock) {
    this.entries = given.entries;
    this.#config = given.bucket;
    this.#clock = clock;
    this.#most = given.entries.some(({ value }) => value === '') ? most : 1;
  }

  /** Undefined when none of the request's descriptors is this one. */
  bucketFor(asked: readonly Descriptor[]): TokenBucket | undefined {
    const found = asked.find((one) => this.#covers(one));
    if (found === undefined) return undefined;
    const key = JSON.stringify(found.map(({ value }) => value));
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#config, this.#clock);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > this.#most && oldest !== undefined) this.#buckets.delete(oldest);
    return bucket;
  }

  #covers(asked: Descriptor): boolean {
    return (
      asked.length === this.entries.length &&
      this.entries.every(({ key, value }, i) => asked[i]?.key === key && (value === '' || asked[i]?.value === value))
    );
  }
}
