import type { Clock } from '#domain';
import type { LocalRateLimitConfig } from '../../../config/local-rate-limit-config.ts';
import type { Descriptor } from '../../../config/rate-limit-rules.ts';
import { DescriptorBuckets } from './descriptor-buckets.ts';
import { TokenBucket } from './token-bucket.ts';

/** What buckets say of one request. */
export interface LocalVerdict {
  readonly allowed: boolean;
  /** The one that is empty, else the one that fills most slowly; undefined: none counts. */
  readonly bucket: TokenBucket | undefined;
  /** That bucket stops nothing. */
  readonly shadow: boolean;
  /** Whether the client is told; undefined: as the filter says. */
  readonly tellsClient: boolean | undefined;
  /** The descriptors that have buckets. */
  readonly matched: readonly Descriptor[];
}

interface Match {
  readonly bucket: TokenBucket;
  readonly shadow: boolean;
  readonly asked: Descriptor;
}

/** The buckets of one configuration: one for all requests, and those of descriptors. Source: LocalRateLimiterImpl in Envoy. */
export class LocalLimiter {
  readonly #common: TokenBucket | undefined;
  readonly #special: readonly DescriptorBuckets[];
  readonly #consumesDefault: boolean;

  constructor(config: LocalRateLimitConfig, clock: Clock) {
    this.#common = config.bucket && new TokenBucket(config.bucket, clock);
    const all = config.descriptors.map((given) => new DescriptorBuckets(given, config.maxDynamic, clock));
    this.#special = [...all.filter(({ isExact }) => isExact), ...all.filter(({ isExact }) => !isExact)];
    this.#consumesDefault = config.consumesDefault;
  }

  /** `parts`: into how many equal parts the tokens are divided, of which one is this proxy's. */
  judge(descriptors: readonly Descriptor[], parts: number): LocalVerdict {
    const matches = descriptors.flatMap((asked) => this.#matchOf(asked) ?? []);
    matches.sort((a, b) => a.bucket.fillRate - b.bucket.fillRate);
    const matched = matches.map(({ asked }) => asked);
    // As in Envoy, a shadow that is empty hides none of the other buckets.
    let shadow: Match | undefined;
    for (const match of matches) {
      const { asked, bucket } = match;
      if (asked.refills && asked.hits !== undefined) bucket.give(asked.hits);
      else if (bucket.take((asked.hits ?? 1) * parts)) continue;
      else if (match.shadow) shadow ??= match;
      else return { allowed: false, bucket, shadow: false, tellsClient: asked.tellsClient, matched };
    }
    const [first] = matches;
    const common = first === undefined || this.#consumesDefault ? this.#common : undefined;
    if (common !== undefined && !common.take(parts)) {
      // As in Envoy, a client is told nothing of a bucket that holds nothing.
      const bucket = common.config.maxTokens === 0 ? undefined : common;
      return { allowed: false, bucket, shadow: false, tellsClient: undefined, matched };
    }
    const shown = shadow ?? first;
    return {
      allowed: shadow === undefined,
      bucket: shown?.bucket ?? common,
      shadow: shadow !== undefined,
      tellsClient: shown?.asked.tellsClient,
      matched,
    };
  }

  #matchOf(asked: Descriptor): Match | undefined {
    for (const special of this.#special) {
      const bucket = special.bucketFor(asked.entries);
      if (bucket !== undefined) return { bucket, shadow: special.shadow, asked };
    }
    return undefined;
  }
}
