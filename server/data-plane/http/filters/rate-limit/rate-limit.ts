import { type RateLimitConfig, readRateLimitOfRoute } from '../../../config/rate-limit-config.ts';
import { callGrpc, type GrpcMethod } from '../../call/grpc-call.ts';
import type { Exchange, RequestLayer } from '../../exchange.ts';
import { perRoute } from '../per-route.ts';
import { descriptorsOf, wordsOf } from './descriptors.ts';
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
  /** Base64. */
  readonly raw_body?: string;
}

/** Envoy's global rate limit: a service counts for all proxies. Who cannot be asked lets pass, unless told otherwise. */
export const rateLimit = (own: RateLimitConfig): RequestLayer => {
  const saidOf = perRoute(OF_ROUTE, undefined, (given) => {
    const said = readRateLimitOfRoute(given);
    return { ...said, config: said.domain === '' ? own : { ...own, domain: said.domain } };
  });
  return (exchange) => {
    const said = saidOf(exchange);
    const config = said?.config ?? own;
    const descriptors = descriptorsOf(exchange, config.stage, said);
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

function act(
  exchange: Exchange,
  config: RateLimitConfig,
  { answer, words }: { readonly answer: RateLimitResponse; readonly words: string },
): void {
  const over = answer.overall_code === OVER_LIMIT;
  count(exchange, over ? 'over_limit' : 'ok');
  note(exchange, over ? 'stopped' : 'passed', `${words} ${over ? 'is over its limit' : 'is within its limit'}`, config);
  const headers = answer.response_headers_to_add ?? [];
  const quota = config.quotaHeaders ? quotaHeaders(answer.statuses ?? []) : {};
  exchange.editResponse((head) => {
    for (const [name, value] of Object.entries(quota)) head.headers.set(name, value);
    for (const { key = '', value = '' } of headers) head.headers.set(key.toLowerCase(), value);
  });
  if (!over) {
    for (const { key = '', value = '' } of answer.request_headers_to_add ?? [])
      exchange.head.headers.add(key.toLowerCase(), value);
    exchange.proceed();
    return;
  }
  exchange.runtime.clusters.get(exchange.info.cluster)?.stats.code(config.status, 'internal');
  exchange.reply({
    status: config.status,
    flag: 'RL',
    details: 'request_rate_limited',
    body: Buffer.from(answer.raw_body ?? '', 'base64'),
    ...(config.grpcStatus !== undefined && { grpcStatus: config.grpcStatus }),
    ...(config.marksResponse && { headers: { 'x-envoy-ratelimited': 'true' } }),
  });
}

function failed(exchange: Exchange, config: RateLimitConfig, reason: string): void {
  count(exchange, 'error');
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
  count(exchange, 'failure_mode_allowed');
  exchange.proceed();
}

function note(exchange: Exchange, outcome: 'passed' | 'stopped', detail: string, config: RateLimitConfig): void {
  exchange.steps.add('http_filter', outcome, NAME, () => ({
    detail,
    evidence: { domain: config.domain, service: config.service.cluster },
  }));
}

/** Counted for the cluster that the request is meant for. */
function count({ info, runtime }: Exchange, name: string): void {
  runtime.stats.stat(`cluster.${info.cluster}.ratelimit.${name}`).value++;
}
