import { type LocalRateLimitConfig, readLocalRateLimit } from '../../../config/rate-limit-config.ts';
import { applyRequestRules, applyResponseRules } from '../../apply-rules.ts';
import type { ResponseHead } from '../../codec.ts';
import type { Exchange, RequestLayer } from '../../exchange.ts';
import { perRouteConfig } from '../per-route.ts';
import { DescriptorBuckets } from './descriptor-buckets.ts';
import { descriptorsOf, wordsOf } from './descriptors.ts';
import { drawn } from './drawn.ts';
import { TokenBucket } from './token-bucket.ts';

const NAME = 'envoy.filters.http.local_ratelimit';
const OF_ROUTE = { name: NAME, type: 'local_ratelimit.v3.LocalRateLimit' };

interface Limiter {
  readonly config: LocalRateLimitConfig;
  readonly common: TokenBucket | undefined;
  readonly special: readonly DescriptorBuckets[];
}

/** Envoy's local rate limit: token buckets of this proxy alone, one for all requests and one for each descriptor that has its own. */
export const localRateLimit = (config: LocalRateLimitConfig): RequestLayer => {
  const own = limiters(config);
  const perRoute = new WeakMap<object, LimiterFor>();
  return (exchange) => {
    const given = perRouteConfig(exchange, OF_ROUTE);
    let of = own;
    if (given !== undefined) {
      of = perRoute.get(given) ?? limiters(readLocalRateLimit(given));
      perRoute.set(given, of);
    }
    return limit(exchange, of(exchange));
  };
};

type LimiterFor = (exchange: Exchange) => Limiter;

/** One for all requests, or one for each connection of a client. */
function limiters(config: LocalRateLimitConfig): LimiterFor {
  if (!config.perConnection) {
    let common: Limiter | undefined;
    return (exchange) => (common ??= limiterOf(config, exchange));
  }
  const byConnection = new WeakMap<object, Limiter>();
  return (exchange) => {
    const limiter = byConnection.get(exchange.connection) ?? limiterOf(config, exchange);
    byConnection.set(exchange.connection, limiter);
    return limiter;
  };
}

const limiterOf = (config: LocalRateLimitConfig, { runtime }: Exchange): Limiter => ({
  config,
  common: config.bucket && new TokenBucket(config.bucket, runtime.clock),
  special: config.descriptors.map((given) => new DescriptorBuckets(given, config.maxDynamic, runtime.clock)),
});

function limit(exchange: Exchange, { config, common, special }: Limiter): 'next' | 'wait' {
  const count = (name: string): void => {
    exchange.runtime.stats.stat(`${config.statPrefix}.http_local_rate_limit.${name}`).value++;
  };
  if (!drawn(exchange, 'limit_enabled', config.enabled)) return 'next';
  count('enabled');
  const asked = special.length === 0 ? [] : descriptorsOf(exchange, config.stage, config);
  const matched = special.flatMap((one) => {
    const bucket = one.bucketFor(asked);
    return bucket === undefined ? [] : [{ entries: one.entries, bucket }];
  });
  const buckets = matched.map(({ bucket }) => bucket);
  if (common !== undefined && (matched.length === 0 || config.consumesDefault)) buckets.push(common);
  const empty = buckets.find((bucket) => !bucket.take());
  const shown = empty ?? buckets[0];
  if (config.rateLimitHeaders && shown !== undefined) exchange.editResponse((head) => writeLimits(head, shown));
  if (empty === undefined) {
    count('ok');
    return 'next';
  }
  count('rate_limited');
  const enforced = drawn(exchange, 'limit_enforced', config.enforced);
  note(exchange, { enforced, bucket: empty, matched: matched.map(({ entries }) => wordsOf(entries)) });
  if (!enforced) {
    applyRequestRules(config.unenforcedHeaders, exchange);
    return 'next';
  }
  count('enforced');
  exchange.editResponse((head) => applyResponseRules(config.refusalHeaders, exchange, head.headers));
  // As in Envoy, headers of routes and of this filter are written before the flag is there.
  exchange.editResponse(() => exchange.info.flag('RL'));
  const { status, grpcStatus } = config;
  exchange.reply({
    status,
    details: 'local_rate_limited',
    body: 'local_rate_limited',
    ...(grpcStatus !== undefined && { grpcStatus }),
  });
  return 'wait';
}

/** Headers of draft-ietf-httpapi-ratelimit-headers-03. */
function writeLimits({ headers }: ResponseHead, bucket: TokenBucket): void {
  headers.add('x-ratelimit-limit', String(bucket.config.maxTokens));
  headers.add('x-ratelimit-remaining', String(bucket.left));
  headers.add('x-ratelimit-reset', String(bucket.resetSeconds));
}

function note(
  exchange: Exchange,
  { enforced, bucket, matched }: { enforced: boolean; bucket: TokenBucket; matched: readonly string[] },
): void {
  const { maxTokens, tokensPerFill, fillIntervalMs } = bucket.config;
  exchange.steps.add('http_filter', enforced ? 'stopped' : 'passed', NAME, () => ({
    detail: `the bucket of ${maxTokens} tokens is empty; ${tokensPerFill} come back every ${fillIntervalMs} ms${enforced ? '' : ' (not enforced)'}`,
    evidence: {
      maxTokens,
      tokensPerFill,
      fillIntervalMs,
      ...(matched.length > 0 && { descriptor: matched.join('; ') }),
    },
  }));
}
