import type { Any, HeaderMutations } from '#xds';
import { compileHeaderRules, type HeaderRules } from './header-rules.ts';
import { errorStatus } from './http-status.ts';
import { ConfigProblem } from './problem.ts';
import type { DescriptorEntry } from './rate-limit-actions.ts';
import { readGrpcStatus, readHostRules, readOwnRules } from './rate-limit-config.ts';
import type { RateLimitRule } from './rate-limit-rules.ts';
import { durationMs, type Fraction, NEVER, readNumber, readRuntimeFraction } from './values.ts';

export interface TokenBucketConfig {
  /** 0: nothing passes. */
  readonly maxTokens: number;
  readonly tokensPerFill: number;
  readonly fillIntervalMs: number;
}

/** A bucket for requests with these entries; an entry with an empty value stands for every value. */
export interface DescribedBucket {
  readonly entries: readonly DescriptorEntry[];
  readonly bucket: TokenBucketConfig;
  /** It counts and tells, but stops nothing. */
  readonly shadow: boolean;
}

export interface LocalRateLimitConfig {
  /** Each connection of a client has buckets of its own. */
  readonly perConnection: boolean;
  /** All proxies of the local cluster share the buckets: each has an equal part. */
  readonly sharedByCluster: boolean;
  readonly statPrefix: string;
  readonly status: number;
  /** Undefined: only requests with a descriptor are limited. */
  readonly bucket: TokenBucketConfig | undefined;
  readonly enabled: Fraction;
  readonly enforced: Fraction;
  readonly stage: number;
  /** Which rules of the virtual host count. */
  readonly hostRules: 'INCLUDE' | 'IGNORE' | 'OVERRIDE';
  /** Rules of the filter's own, in place of those of routes. */
  readonly rateLimits: readonly RateLimitRule[];
  readonly descriptors: readonly DescribedBucket[];
  /** Added to a refusal, and to a request that is over the limit and goes on all the same. */
  readonly refusalHeaders: HeaderRules | undefined;
  readonly unenforcedHeaders: HeaderRules | undefined;
  readonly rateLimitHeaders: boolean;
  readonly consumesDefault: boolean;
  /** Values of one descriptor without a value that have buckets of their own, at most. */
  readonly maxDynamic: number;
  readonly grpcStatus: number | undefined;
}

/** A TokenBucket in protobuf JSON. */
export interface BucketJson {
  readonly max_tokens?: number;
  readonly tokens_per_fill?: number;
  readonly fill_interval?: string;
}

interface DescriptorJson {
  readonly entries?: readonly { readonly key?: string; readonly value?: string }[];
  readonly token_bucket?: BucketJson;
  readonly shadow_mode?: boolean;
}

/** Reads envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit. */
export function readLocalRateLimit(config: Any): LocalRateLimitConfig {
  const share = (field: string): Fraction => {
    return readRuntimeFraction(config[field], NEVER);
  };
  const bucket = config['token_bucket'] as BucketJson | undefined;
  const perConnection = config['local_rate_limit_per_downstream_connection'] === true;
  const sharedByCluster = config['local_cluster_rate_limit'] !== undefined;
  if (perConnection && sharedByCluster) {
    const why = 'is set and local_rate_limit_per_downstream_connection is set to true';
    throw new ConfigProblem('local_cluster_rate_limit', why);
  }
  return {
    statPrefix: String(config['stat_prefix'] ?? ''),
    status: errorStatus(config['status'], 'status', 429),
    bucket: bucket && readBucket(bucket, 'token_bucket'),
    enabled: share('filter_enabled'),
    enforced: share('filter_enforced'),
    stage: readNumber(config['stage'], 0),
    hostRules: readHostRules(config),
    descriptors: readDescriptors(config),
    rateLimits: readLocalRules(config),
    refusalHeaders: compileHeaderRules(config as HeaderMutations),
    unenforcedHeaders: compileHeaderRules({
      request_headers_to_add: config['request_headers_to_add_when_not_enforced'],
    } as HeaderMutations),
    rateLimitHeaders: config['enable_x_ratelimit_headers'] === 'DRAFT_VERSION_03',
    consumesDefault: config['always_consume_default_token_bucket'] !== false,
    perConnection,
    sharedByCluster,
    maxDynamic: readNumber(config['max_dynamic_descriptors'], 20),
    grpcStatus: readGrpcStatus(config),
  };
}

function readLocalRules(config: Any): readonly RateLimitRule[] {
  for (const [i, rule] of ((config['rate_limits'] ?? []) as readonly { readonly limit?: object }[]).entries()) {
    if (rule.limit !== undefined) throw new ConfigProblem(`rate_limits[${i}]`, "'limit' field is not supported");
  }
  return readOwnRules(config);
}

function readDescriptors(config: Any): readonly DescribedBucket[] {
  const seen = new Set<string>();
  return ((config['descriptors'] ?? []) as readonly DescriptorJson[]).map((given, i) => {
    const { entries = [], token_bucket = {}, shadow_mode: shadow = false } = given;
    const words = entries.map(({ key = '', value = '' }) => `${key}=${value}`).join(', ');
    if (seen.has(words)) {
      throw new ConfigProblem(`descriptors[${i}]`, `duplicate descriptor in the local rate descriptor: ${words}`);
    }
    seen.add(words);
    return {
      entries: entries.map(({ key = '', value = '' }) => ({ key, value })),
      bucket: readBucket(token_bucket, `descriptors[${i}].token_bucket`, 'local rate limit descriptor token bucket'),
      shadow,
    };
  });
}

/** Throws ConfigProblem for a bucket that fills too often. */
export function readBucket(
  given: BucketJson,
  field: string,
  words = 'local rate limit token bucket',
): TokenBucketConfig {
  const fillIntervalMs = durationMs(given.fill_interval, `${field}.fill_interval`, 0);
  const maxTokens = given.max_tokens ?? 0;
  if (maxTokens > 0 && fillIntervalMs < 50) throw new ConfigProblem(field, `${words} fill timer must be >= 50ms`);
  return { maxTokens, tokensPerFill: given.tokens_per_fill ?? 1, fillIntervalMs };
}
