import type { Any, FractionalPercent, HeaderMutations } from '#xds';
import type { GrpcServiceConfig } from '../http/call/grpc-call.ts';
import { STATUS_NAMES, statusNumber } from './ext-authz-config.ts';
import { type GrpcServiceJson, readGrpcService } from './grpc-service.ts';
import { compileHeaderRules, type HeaderRules } from './header-rules.ts';
import { ConfigProblem } from './problem.ts';
import { compileRateLimits, type Descriptor, type RateLimitJson, type RateLimitRule } from './rate-limit-actions.ts';
import { durationMs, type Fields, type Fraction, readFraction, readNumber } from './values.ts';

export interface TokenBucketConfig {
  readonly maxTokens: number;
  readonly tokensPerFill: number;
  readonly fillIntervalMs: number;
}

export interface LocalRateLimitConfig {
  /** Each connection of a client has buckets of its own. */
  readonly perConnection: boolean;
  readonly statPrefix: string;
  readonly status: number;
  /** Undefined: only requests with a descriptor are limited. */
  readonly bucket: TokenBucketConfig | undefined;
  readonly enabled: Fraction;
  readonly enforced: Fraction;
  readonly stage: number;
  /** Rules of the filter's own, in place of those of routes. */
  readonly rateLimits: readonly RateLimitRule[];
  readonly descriptors: readonly { readonly entries: Descriptor; readonly bucket: TokenBucketConfig }[];
  /** Added to a refusal, and to a request that is over the limit and goes on all the same. */
  readonly refusalHeaders: HeaderRules | undefined;
  readonly unenforcedHeaders: HeaderRules | undefined;
  readonly rateLimitHeaders: boolean;
  readonly consumesDefault: boolean;
  /** Values of one descriptor without a value that have buckets of their own, at most. */
  readonly maxDynamic: number;
  readonly grpcStatus: number | undefined;
}

export interface RateLimitConfig {
  readonly domain: string;
  readonly stage: number;
  readonly service: GrpcServiceConfig;
  readonly failureModeDeny: boolean;
  readonly status: number;
  readonly statusOnError: number;
  readonly marksResponse: boolean;
  readonly grpcStatus: number | undefined;
  readonly quotaHeaders: boolean;
  readonly requests: 'internal' | 'external' | 'both';
  /** Of its figures: empty, or with a dot at its end. */
  readonly statPrefix: string;
  /** Added to a refusal. */
  readonly refusalHeaders: HeaderRules | undefined;
  readonly enabled: Fraction;
  readonly enforced: Fraction;
  /** Rules of the filter's own, in place of those of routes. */
  readonly rateLimits: readonly RateLimitRule[];
}

/** What a route, its virtual host or its table says to the filter. */
export interface RateLimitOfRoute {
  /** Which rules of the virtual host count: all beside those of the route, none, or all where the route has none. */
  readonly hostRules: 'INCLUDE' | 'IGNORE' | 'OVERRIDE';
  /** In place of those of routes and virtual hosts. */
  readonly rateLimits: readonly RateLimitRule[];
  /** Empty: the filter's own. */
  readonly domain: string;
}

const NEVER: Fraction = { numerator: 0, of: 100 };
const ALWAYS: Fraction = { numerator: 100, of: 100 };

/** A TokenBucket in protobuf JSON. */
export interface BucketJson {
  readonly max_tokens?: number;
  readonly tokens_per_fill?: number;
  readonly fill_interval?: string;
}

/** Only an error refuses. */
function errorStatus(code: unknown): number {
  const status = typeof code === 'number' ? code : (STATUS_NAMES[String(code)] ?? 0);
  return status < 400 ? 429 : status;
}

/** Reads envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit. */
export function readLocalRateLimit(config: Any): LocalRateLimitConfig {
  const share = (field: string): Fraction => {
    const given = config[field] as { default_value?: FractionalPercent } | undefined;
    return given === undefined ? NEVER : readFraction(given.default_value, NEVER);
  };
  const bucket = config['token_bucket'] as BucketJson | undefined;
  const descriptors = (config['descriptors'] ?? []) as readonly {
    entries?: readonly { key?: string; value?: string }[];
    token_bucket?: BucketJson;
  }[];
  const status = config['status'] as { code?: unknown } | undefined;
  return {
    statPrefix: String(config['stat_prefix'] ?? ''),
    status: errorStatus(status?.code),
    bucket: bucket && readBucket(bucket, 'token_bucket'),
    enabled: share('filter_enabled'),
    enforced: share('filter_enforced'),
    stage: readNumber(config['stage'], 0),
    descriptors: descriptors.map(({ entries = [], token_bucket = {} }, i) => ({
      entries: entries.map(({ key = '', value = '' }) => ({ key, value })),
      bucket: readBucket(token_bucket, `descriptors[${i}].token_bucket`),
    })),
    rateLimits: readOwnRules(config),
    refusalHeaders: compileHeaderRules(config as HeaderMutations),
    unenforcedHeaders: compileHeaderRules({
      request_headers_to_add: config['request_headers_to_add_when_not_enforced'],
    } as HeaderMutations),
    rateLimitHeaders: config['enable_x_ratelimit_headers'] === 'DRAFT_VERSION_03',
    consumesDefault: config['always_consume_default_token_bucket'] !== false,
    perConnection: config['local_rate_limit_per_downstream_connection'] === true,
    maxDynamic: readNumber(config['max_dynamic_descriptors'], 20),
    grpcStatus: readGrpcStatus(config),
  };
}

/** RESOURCE_EXHAUSTED in place of UNAVAILABLE. */
const readGrpcStatus = (config: Any): number | undefined =>
  config['rate_limited_as_resource_exhausted'] === true ? 8 : undefined;

/** Throws ConfigProblem for a bucket that fills too often. */
export function readBucket(given: BucketJson, field: string): TokenBucketConfig {
  const fillIntervalMs = durationMs(given.fill_interval, `${field}.fill_interval`, 0);
  if (fillIntervalMs < 50) {
    throw new ConfigProblem(field, 'local rate limit token bucket fill timer must be >= 50ms');
  }
  return { maxTokens: given.max_tokens ?? 0, tokensPerFill: given.tokens_per_fill ?? 1, fillIntervalMs };
}

/** Rules that stand in a filter's own configuration. Throws ConfigProblem for what is for rules of routes. */
function readOwnRules(config: Any): readonly RateLimitRule[] {
  const given = config['rate_limits'] as readonly RateLimitJson[] | undefined;
  for (const [i, { stage, disable_key = '' }] of (given ?? []).entries()) {
    if (stage === undefined && disable_key === '') continue;
    throw new ConfigProblem(`rate_limits[${i}]`, "'stage' field and 'disable_key' field are not supported");
  }
  return compileRateLimits(given, 'rate_limits');
}

/** Reads envoy.extensions.filters.http.ratelimit.v3.RateLimit. */
export function readRateLimit(config: Any): RateLimitConfig {
  const { grpc_service } = (config['rate_limit_service'] ?? {}) as { grpc_service?: GrpcServiceJson };
  const service = readGrpcService(grpc_service, 'rate_limit_service.grpc_service', 0);
  const status = config['rate_limited_status'] as { code?: unknown } | undefined;
  const onError = config['status_on_error'] as { code?: unknown } | undefined;
  const share = (field: string): Fraction => {
    const given = config[field] as { default_value?: FractionalPercent } | undefined;
    return given === undefined ? ALWAYS : readFraction(given.default_value, NEVER);
  };
  const requests = config['request_type'] || 'both';
  if (requests !== 'internal' && requests !== 'external' && requests !== 'both') {
    throw new ConfigProblem('request_type', 'value must be in list [internal external both ]');
  }
  const statPrefix = String(config['stat_prefix'] ?? '');
  refuseFurther(config);
  if (config['failure_mode_deny_percent'] !== undefined) {
    throw new ConfigProblem('failure_mode_deny_percent', 'is not supported');
  }
  return {
    domain: String(config['domain'] ?? ''),
    stage: readNumber(config['stage'], 0),
    service: { ...service, timeoutMs: durationMs(config['timeout'] as string | undefined, 'timeout', 20) },
    failureModeDeny: config['failure_mode_deny'] === true,
    status: status?.code === undefined ? 429 : statusNumber(status.code),
    statusOnError: onError?.code === undefined ? 500 : statusNumber(onError.code),
    grpcStatus: readGrpcStatus(config),
    marksResponse: config['disable_x_envoy_ratelimited_header'] !== true,
    quotaHeaders: config['enable_x_ratelimit_headers'] === 'DRAFT_VERSION_03',
    requests,
    statPrefix: statPrefix === '' ? '' : `${statPrefix}.`,
    refusalHeaders: compileHeaderRules({
      response_headers_to_add: config['response_headers_to_add'],
    } as HeaderMutations),
    enabled: share('filter_enabled'),
    enforced: share('filter_enforced'),
    rateLimits: readOwnRules(config),
  };
}

/** Reads envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute. As in Envoy, `override_option` says nothing yet. */
export function readRateLimitOfRoute(config: Any): RateLimitOfRoute {
  const hostRules = config['vh_rate_limits'];
  refuseFurther(config);
  return {
    hostRules: hostRules === 'INCLUDE' || hostRules === 'IGNORE' ? hostRules : 'OVERRIDE',
    rateLimits: readOwnRules(config),
    domain: String(config['domain'] ?? ''),
  };
}

/** Fields of the filter's own rules that would change what the limiter is asked, and when. */
const FURTHER = ['hits_addend', 'limit', 'apply_on_stream_done'] as const;

function refuseFurther(config: Any): void {
  for (const [i, rule] of ((config['rate_limits'] ?? []) as readonly Fields[]).entries()) {
    const found = FURTHER.find((field) => rule[field] !== undefined && rule[field] !== false);
    if (found !== undefined) throw new ConfigProblem(`rate_limits[${i}].${found}`, 'is not supported');
  }
}
