import type { Any, HeaderMutations } from '#xds';
import type { GrpcServiceConfig } from '../http/call/grpc-call.ts';
import { type GrpcServiceJson, readGrpcService } from './grpc-service.ts';
import { compileHeaderRules, type HeaderRules } from './header-rules.ts';
import { errorStatus, readStatus } from './http-status.ts';
import { ConfigProblem } from './problem.ts';
import { compileRateLimits, type RateLimitJson, type RateLimitRule } from './rate-limit-rules.ts';
import { ALWAYS, durationMs, type Fraction, NEVER, readNumber, readRuntimeFraction } from './values.ts';

export interface RateLimitConfig {
  readonly domain: string;
  readonly stage: number;
  readonly service: GrpcServiceConfig;
  /** The share of requests that are refused when nobody answers. */
  readonly refusedOnError: Fraction;
  /** Under which what the limiter says is left for later filters. */
  readonly metadataNamespace: string;
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

/** RESOURCE_EXHAUSTED in place of UNAVAILABLE. */
export const readGrpcStatus = (config: Any): number | undefined =>
  config['rate_limited_as_resource_exhausted'] === true ? 8 : undefined;

/** Rules that stand in a filter's own configuration. Throws ConfigProblem for what is for rules of routes. */
export function readOwnRules(config: Any): readonly RateLimitRule[] {
  const given = config['rate_limits'] as readonly RateLimitJson[] | undefined;
  for (const [i, { stage, disable_key = '' }] of (given ?? []).entries()) {
    if (stage === undefined && disable_key === '') continue;
    throw new ConfigProblem(`rate_limits[${i}]`, "'stage' field and 'disable_key' field are not supported");
  }
  return compileRateLimits(given, 'rate_limits', true);
}

/** Reads envoy.extensions.filters.http.ratelimit.v3.RateLimit. */
export function readRateLimit(config: Any): RateLimitConfig {
  const { grpc_service } = (config['rate_limit_service'] ?? {}) as { grpc_service?: GrpcServiceJson };
  const service = readGrpcService(grpc_service, 'rate_limit_service.grpc_service', 0);
  const share = (field: string): Fraction => {
    return readRuntimeFraction(config[field], ALWAYS, NEVER);
  };
  const requests = config['request_type'] || 'both';
  if (requests !== 'internal' && requests !== 'external' && requests !== 'both') {
    throw new ConfigProblem('request_type', 'value must be in list [internal external both ]');
  }
  const statPrefix = String(config['stat_prefix'] ?? '');
  return {
    domain: String(config['domain'] ?? ''),
    stage: readNumber(config['stage'], 0),
    service: { ...service, timeoutMs: durationMs(config['timeout'] as string | undefined, 'timeout', 20) },
    refusedOnError: readShareOnError(config),
    metadataNamespace: String(config['metadata_namespace'] || 'envoy.filters.http.ratelimit'),
    status: errorStatus(config['rate_limited_status'], 'rate_limited_status', 429),
    statusOnError: readStatus(config['status_on_error'], 'status_on_error') || 500,
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

function readShareOnError(config: Any): Fraction {
  const given = config['failure_mode_deny_percent'];
  if (given !== undefined) return readRuntimeFraction(given, NEVER);
  return config['failure_mode_deny'] === true ? ALWAYS : NEVER;
}

/** Which rules of the virtual host count. */
export function readHostRules(config: Any): RateLimitOfRoute['hostRules'] {
  const given = config['vh_rate_limits'];
  return given === 'INCLUDE' || given === 'IGNORE' ? given : 'OVERRIDE';
}

/** Reads envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute. As in Envoy, `override_option` says nothing yet. */
export function readRateLimitOfRoute(config: Any): RateLimitOfRoute {
  return {
    hostRules: readHostRules(config),
    rateLimits: readOwnRules(config),
    domain: String(config['domain'] ?? ''),
  };
}
