import { HITS_ADDEND } from '../../../config/filters/set-filter-state.ts';
import { type RateLimitConfig, readRateLimitOfRoute } from '../../../config/rate-limit-config.ts';
import type { Descriptor, RateLimitRule } from '../../../config/rate-limit-rules.ts';
import { editAnswer } from '../../answer-filters.ts';
import { addLine, applyResponseRules } from '../../apply-rules.ts';
import { callGrpc, type GrpcMethod } from '../../call/grpc-call.ts';
import type { ResponseHead } from '../../codec.ts';
import type { Exchange, RequestLayer } from '../../exchange.ts';
import { isInlineInAnswers, isInlineInRequests } from '../../inline-headers.ts';
import { drawn } from '../drawn.ts';
import { perRoute } from '../per-route.ts';
import { descriptorsOf, type RuleSource, rulesFor, wordsOf } from './descriptors.ts';
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
export const rateLimit = (own: RateLimitConfig, place: number): RequestLayer => {
  const usual: Said = { config: own, hostRules: 'OVERRIDE', rateLimits: own.rateLimits };
  const saidOf = perRoute<Said>(OF_ROUTE, usual, (given) => {
    const said = readRateLimitOfRoute(given);
    const rateLimits = said.rateLimits.length > 0 ? said.rateLimits : own.rateLimits;
    return { ...said, rateLimits, config: said.domain === '' ? own : { ...own, domain: said.domain } };
  });
  return (exchange) => {
    // As in Envoy, what goes to no cluster is not limited: redirects, direct responses, and what has no route.
    if (!concerns(exchange, own) || exchange.runtime.clusters.get(exchange.info.cluster) === undefined) return 'next';
    const said = saidOf(exchange);
    const { config } = said;
    const rules = rulesFor(exchange, config.stage, said);
    const late = rules.some(isLate);
    if (late) exchange.whenOver(() => tellAtTheEnd(exchange, config, rules.filter(isLate)));
    const descriptors = descriptorsOf(exchange, late ? rules.filter((rule) => !rule.atTheEnd) : rules);
    if (descriptors.length === 0) return 'next';
    const cancel = ask(exchange, { config, descriptors }, (answer) => {
      exchange.underWay = undefined;
      if (exchange.finished) return;
      if (typeof answer === 'string') failed(exchange, config, answer);
      else act(exchange, { config, answer, descriptors, place });
    });
    exchange.underWay = { cancel };
    return 'wait';
  };
};

/** The filter's configuration for a route, and where rules come from. */
type Said = RuleSource & { readonly config: RateLimitConfig };

const isLate = ({ atTheEnd }: RateLimitRule): boolean => atTheEnd;

interface Question {
  /** Of the filter. */
  readonly place: number;
  readonly config: RateLimitConfig;
  readonly descriptors: readonly Descriptor[];
}

/** Returns how to give the question up. */
const ask = (
  { runtime, filterState }: Exchange,
  { config, descriptors }: Omit<Question, 'place'>,
  onDone: (answer: RateLimitResponse | string) => void,
): (() => void) =>
  callGrpc({
    runtime,
    method: SHOULD_RATE_LIMIT,
    service: config.service,
    message: {
      domain: config.domain,
      descriptors: descriptors.map(inMessage),
      hits_addend: Number(filterState?.of(HITS_ADDEND) ?? 0),
    },
    onDone,
  });

const inMessage = ({ entries, limit, hits, refills }: Descriptor): object => ({
  entries,
  ...(limit !== undefined && { limit }),
  ...(hits !== undefined && { hits_addend: hits }),
  ...(refills && { is_negative_hits: true }),
});

/** Nobody waits for the answer. */
function tellAtTheEnd(exchange: Exchange, config: RateLimitConfig, rules: readonly RateLimitRule[]): void {
  const descriptors = descriptorsOf(exchange, rules);
  if (descriptors.length > 0) ask(exchange, { config, descriptors }, () => undefined);
}

/** Whether the filter is switched on for the request, which comes from inside or outside. */
function concerns(exchange: Exchange, { enabled, requests }: RateLimitConfig): boolean {
  if (!drawn(exchange, 'limit_enabled', enabled)) return false;
  if (requests === 'both') return true;
  return (exchange.head.headers.get('x-envoy-internal') === 'true') === (requests === 'internal');
}

function act(exchange: Exchange, answered: Question & { readonly answer: RateLimitResponse }): void {
  const { config, answer, descriptors } = answered;
  const over = answer.overall_code === OVER_LIMIT;
  if (answer.dynamic_metadata !== undefined) exchange.metadata.merge(config.metadataNamespace, answer.dynamic_metadata);
  count(exchange, config, over ? 'over_limit' : 'ok');
  if (over) exchange.runtime.clusters.get(exchange.info.cluster)?.stats.code(config.status, 'internal');
  const refused = over && drawn(exchange, 'limit_enforced', config.enforced);
  const judged = over ? `is over its limit${refused ? '' : ' (not enforced)'}` : 'is within its limit';
  note(exchange, refused ? 'stopped' : 'passed', `${descriptors.map(wordsOf).join('; ')} ${judged}`, config);
  tell(exchange, answered, refused);
  if (refused) {
    refuse(exchange, config, answer);
    return;
  }
  for (const { key = '', value = '' } of answer.request_headers_to_add ?? [])
    addLine(exchange.head.headers, [key.toLowerCase(), value], isInlineInRequests);
  exchange.proceed();
}

/** What the client learns of limits, whether it is refused or not, in lines beside those that the answer has. */
function tell(
  exchange: Exchange,
  { config, answer, descriptors, place }: Question & { readonly answer: RateLimitResponse },
  refused: boolean,
): void {
  const lines: (readonly [string, string])[] = (answer.response_headers_to_add ?? []).map(
    ({ key = '', value = '' }) => [key.toLowerCase(), value],
  );
  if (answer.overall_code === OVER_LIMIT && config.marksResponse) lines.push(['x-envoy-ratelimited', 'true']);
  lines.push(...quotaHeaders(answer.statuses ?? [], { descriptors, tells: config.quotaHeaders }));
  if (lines.length === 0) return;
  const saysType = refused && lines.some(([name, value]) => name === 'content-type' && value !== '');
  const edit = ({ headers }: ResponseHead): void => {
    if (saysType) headers.remove('content-type');
    for (const line of lines) addLine(headers, line, isInlineInAnswers);
  };
  if (refused) exchange.editResponse(edit);
  else editAnswer(exchange, place, edit);
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
  const refused = drawn(exchange, 'limit_on_error', config.refusedOnError);
  const end = refused ? 'so the request is refused' : 'so the request goes on';
  note(exchange, refused ? 'stopped' : 'passed', `the limiter could not be asked (${reason}), ${end}`, config);
  if (refused) {
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
