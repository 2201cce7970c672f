import { type LocalRateLimitConfig, readLocalRateLimit } from '../../../config/local-rate-limit-config.ts';
import type { RateLimitRule } from '../../../config/rate-limit-rules.ts';
import { editAnswer } from '../../answer-filters.ts';
import { applyRequestRules, applyResponseRules } from '../../apply-rules.ts';
import type { ResponseHead } from '../../codec.ts';
import type { Exchange, RequestLayer } from '../../exchange.ts';
import { drawn } from '../drawn.ts';
import { perRouteConfig } from '../per-route.ts';
import { descriptorsOf, rulesFor, wordsOf } from './descriptors.ts';
import { LocalLimiter, type LocalVerdict } from './local-limiter.ts';
import type { TokenBucket } from './token-bucket.ts';

const NAME = 'envoy.filters.http.local_ratelimit';
const OF_ROUTE = { name: NAME, type: 'local_ratelimit.v3.LocalRateLimit' };

/** A configuration with its buckets. */
interface Limit {
  readonly place: number;
  readonly config: LocalRateLimitConfig;
  limiter: LocalLimiter | undefined;
}

/** As in Envoy, what first limits a connection by itself does so for all filters and routes that limit connections by themselves. */
const OF_CONNECTIONS = new WeakMap<object, LocalLimiter>();

/** Envoy's local rate limit: token buckets of this proxy alone, one for all requests and one for each descriptor that has its own. */
export const localRateLimit = (config: LocalRateLimitConfig, place: number): RequestLayer => {
  const own: Limit = { place, config, limiter: undefined };
  const ofRoutes = new WeakMap<object, Limit>();
  return (exchange) => {
    const given = perRouteConfig(exchange, OF_ROUTE);
    if (given === undefined) return limit(exchange, own);
    const ofRoute = ofRoutes.get(given) ?? { place, config: readLocalRateLimit(given), limiter: undefined };
    ofRoutes.set(given, ofRoute);
    return limit(exchange, ofRoute);
  };
};

function limiterFor({ connection, runtime }: Exchange, limit: Limit): LocalLimiter {
  const { config } = limit;
  if (!config.perConnection) {
    limit.limiter ??= new LocalLimiter(config, runtime.clock);
    return limit.limiter;
  }
  const limiter = OF_CONNECTIONS.get(connection) ?? new LocalLimiter(config, runtime.clock);
  OF_CONNECTIONS.set(connection, limiter);
  return limiter;
}

/** As in Envoy, a rule that could be switched off counts for nothing here, and one for the end of a request does so where it stands in the filter. */
const countsOf =
  ({ rateLimits }: LocalRateLimitConfig) =>
  (rule: RateLimitRule): boolean =>
    rateLimits.length > 0 ? !rule.atTheEnd : rule.disableKey === '';

function verdictOn(exchange: Exchange, limit: Limit): LocalVerdict {
  const { config } = limit;
  const rules =
    config.descriptors.length === 0 ? [] : rulesFor(exchange, config.stage, config).filter(countsOf(config));
  const parts = config.sharedByCluster ? exchange.runtime.clusters.localSize : 1;
  return limiterFor(exchange, limit).judge(descriptorsOf(exchange, rules), parts);
}

function limit(exchange: Exchange, given: Limit): 'next' | 'wait' {
  const { config } = given;
  const count = (name: string): void => {
    exchange.runtime.stats.stat(`${config.statPrefix}.http_local_rate_limit.${name}`).value++;
  };
  if (!drawn(exchange, 'limit_enabled', config.enabled)) return 'next';
  count('enabled');
  const verdict = verdictOn(exchange, given);
  const { allowed, bucket, shadow, tellsClient = config.rateLimitHeaders } = verdict;
  if (tellsClient && bucket !== undefined) editAnswer(exchange, given.place, (head) => writeLimits(head, bucket));
  if (allowed) {
    count('ok');
    return 'next';
  }
  count('rate_limited');
  if (shadow) {
    count('shadow_mode');
    note(exchange, 'passed', 'its descriptor is a shadow', verdict);
    return 'next';
  }
  if (!drawn(exchange, 'limit_enforced', config.enforced)) {
    note(exchange, 'passed', 'not enforced', verdict);
    applyRequestRules(config.unenforcedHeaders, exchange);
    return 'next';
  }
  count('enforced');
  note(exchange, 'stopped', undefined, verdict);
  refuse(exchange, config);
  return 'wait';
}

function refuse(exchange: Exchange, { refusalHeaders, status, grpcStatus }: LocalRateLimitConfig): void {
  exchange.editResponse((head) => applyResponseRules(refusalHeaders, exchange, head.headers));
  // As in Envoy, headers of routes and of this filter are written before the flag is there.
  exchange.editResponse(() => exchange.info.flag('RL'));
  exchange.reply({
    status,
    details: 'local_rate_limited',
    body: 'local_rate_limited',
    ...(grpcStatus !== undefined && { grpcStatus }),
  });
}

/** Headers of draft-ietf-httpapi-ratelimit-headers-03. */
function writeLimits({ headers }: ResponseHead, bucket: TokenBucket): void {
  headers.add('x-ratelimit-limit', String(bucket.config.maxTokens));
  headers.add('x-ratelimit-remaining', String(bucket.left));
  headers.add('x-ratelimit-reset', String(bucket.resetSeconds));
}

function note(
  exchange: Exchange,
  outcome: 'passed' | 'stopped',
  why: string | undefined,
  { bucket, matched }: LocalVerdict,
): void {
  const { maxTokens = 0, tokensPerFill = 0, fillIntervalMs = 0 } = bucket?.config ?? {};
  exchange.steps.add('http_filter', outcome, NAME, () => ({
    detail:
      maxTokens === 0
        ? 'the bucket holds no token at all'
        : `the bucket of ${maxTokens} tokens is empty; ${tokensPerFill} come back every ${fillIntervalMs} ms${why === undefined ? '' : ` (${why})`}`,
    evidence: {
      maxTokens,
      tokensPerFill,
      fillIntervalMs,
      ...(matched.length > 0 && { descriptor: matched.map(wordsOf).join('; ') }),
    },
  }));
}
