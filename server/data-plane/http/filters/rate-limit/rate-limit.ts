import { type RateLimitConfig, readRateLimitOfRoute } from '../../../config/rate-limit-config.ts';
import { applyResponseRules } from '../../apply-rules.ts';
import { callGrpc, type GrpcMethod } from '../../call/grpc-call.ts';
import type { Exchange, RequestLayer } from '../../exchange.ts';
import { perRoute } from '../per-route.ts';
import { descriptorsOf, wordsOf } from './descriptors.ts';
import { drawn } from './drawn.ts';
import { type LimitStatus, quotaHeaders } from './quota-headers.ts';

const NAME = 'envoy.filters.http.ratelimit';
const OF_ROUTE = { name: NAME, type: 'ratelimit.v3.RateLimitPerRoute' };
const SHOULD_RATE_LIMIT: GrpcMethod = {
  path: '/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit',
  request: 'envoy.service.ratelimit.v3.RateLimitRequest',
  response: 'envoy.service.ratelimit.v3.RateLimitResponse',
};
const OVER_LIMIT = 2;

interface RateLimitResponse {
  readonly overall_code?: number;
  readonly statuses?: readonly LimitStatus[];
  readonly response_headers_to_add?: readonly { readonly key?: string; readonly value?: string }[];
  readonly request_headers_to_add?: readonly { readonly key?: string; readonly value?: string }[];
  readonly dynamic_metadata?: Readonly<Record<string, unknown>>;
  /** Base64. */
  readonly raw_body?: string;
}

/** Envoy's global rate limit: a service counts for all proxies. Who cannot be asked lets pass, unless told otherwise. */
export const rateLimit = (own: RateLimitConfig): RequestLayer => {
  const saidOf = perRoute(OF_ROUTE, undefined, (given) => {
    const said = readRateLimitOfRoute(given);
    const rateLimits = said.rateLimits.length > 0 ? said.rateLimits : own.rateLimits;
    return { ...said, rateLimits, config: said.domain === '' ? own : { ...own, domain: said.domain } };
  });
  return (exchange) => {
    if (!concerns(exchange, own)) return 'next';
    const said = saidOf(exchange);
    const config = said?.config ?? own;
    const descriptors = descriptorsOf(exchange, config.stage, said ?? own);
    if (descriptors.length === 0) return 'next';
    const words = descriptors.map(wordsOf).join('; ');
    const cancel = callGrpc({
      runtime: exchange.runtime,
      method: SHOULD_RATE_LIMIT,
      service: config.service,
      message: { domain: config.domain, descriptors: descriptors.map((entries) => ({ entries })) },
      onDone: (answer) => {
        exchange.underWay = undefined;
        if (exchange.finished) return;
        if (typeof answer === 'string') failed(exchange, config, answer);
        else act(exchange, config, { answer, words });
      },
    });
    exchange.underWay = { cancel };
    return 'wait';
  };
};

/** Whether the filter is switched on for the request, which comes from inside or outside. */
function concerns(exchange: Exchange, { enabled, requests }: RateLimitConfig): boolean {
  if (!drawn(exchange, 'limit_enabled', enabled)) return false;
  if (requests === 'both') return true;
  return (exchange.head.headers.get('x-envoy-internal') === 'true') === (requests === 'internal');
}

function act(
  exchange: Exchange,
  config: RateLimitConfig,
  { answer, words }: { readonly answer: RateLimitResponse; readonly words: string },
): void {
  const over = answer.overall_code === OVER_LIMIT;
  if (answer.dynamic_metadata !== undefined) exchange.metadata.merge(NAME, answer.dynamic_metadata);
  count(exchange, config, over ? 'over_limit' : 'ok');
  if (over) exchange.runtime.clusters.get(exchange.info.cluster)?.stats.code(config.status, 'internal');
  const refused = over && drawn(exchange, 'limit_enforced', config.enforced);
  const judged = over ? `is over its limit${refused ? '' : ' (not enforced)'}` : 'is within its limit';
  note(exchange, refused ? 'stopped' : 'passed', `${words} ${judged}`, config);
  tell(exchange, config, answer);
  if (refused) {
    refuse(exchange, config, answer);
    return;
  }
  for (const { key = '', value = '' } of answer.request_headers_to_add ?? [])
    exchange.head.headers.add(key.toLowerCase(), value);
  exchange.proceed();
}

/** What the client learns of limits, whether it is refused or not. */
function tell(exchange: Exchange, config: RateLimitConfig, answer: RateLimitResponse): void {
  const headers = answer.response_headers_to_add ?? [];
  const quota = config.quotaHeaders ? quotaHeaders(answer.statuses ?? []) : {};
  const marks = answer.overall_code === OVER_LIMIT && config.marksResponse;
  exchange.editResponse((head) => {
    for (const [name, value] of Object.entries(quota)) head.headers.set(name, value);
    for (const { key = '', value = '' } of headers) head.headers.set(key.toLowerCase(), value);
    if (marks) head.headers.set('x-envoy-ratelimited', 'true');
  });
}

function refuse(exchange: Exchange, config: RateLimitConfig, { raw_body = '' }: RateLimitResponse): void {
  if (config.refusalHeaders !== undefined)
    exchange.editResponse((head) => applyResponseRules(config.refusalHeaders, exchange, head.headers));
  exchange.reply({
    status: config.status,
    flag: 'RL',
    details: 'request_rate_limited',
    body: Buffer.from(raw_body, 'base64'),
    ...(config.grpcStatus !== undefined && { grpcStatus: config.grpcStatus }),
  });
}

function failed(exchange: Exchange, config: RateLimitConfig, reason: string): void {
  count(exchange, config, 'error');
  const end = config.failureModeDeny ? 'so the request is refused' : 'so the request goes on';
  note(
    exchange,
    config.failureModeDeny ? 'stopped' : 'passed',
    `the limiter could not be asked (${reason}), ${end}`,
    config,
  );
  if (config.failureModeDeny) {
    exchange.reply({ status: config.statusOnError, flag: 'RLSE', details: 'rate_limiter_error' });
    return;
  }
  count(exchange, config, 'failure_mode_allowed');
  exchange.proceed();
}

function note(exchange: Exchange, outcome: 'passed' | 'stopped', detail: string, config: RateLimitConfig): void {
  exchange.steps.add('http_filter', outcome, NAME, () => ({
    detail,
    evidence: { domain: config.domain, service: config.service.cluster },
  }));
}

/** Counted for the cluster that the request is meant for. */
function count({ info, runtime }: Exchange, { statPrefix }: RateLimitConfig, name: string): void {
  runtime.stats.stat(`cluster.${info.cluster}.ratelimit.${statPrefix}${name}`).value++;
}
