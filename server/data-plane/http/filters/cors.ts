import { type CorsPolicy, compileCors } from '../../config/cors-policy.ts';
import { originOf } from '../../config/origins.ts';
import type { StepNote } from '../../decisions/hop-steps.ts';
import { editAnswer } from '../answer-filters.ts';
import type { Exchange, RequestLayer } from '../exchange.ts';
import { Headers } from '../headers.ts';
import { drawn } from './drawn.ts';
import { isOf } from './per-route.ts';

/**
 * The CORS filter: answers preflights, and lets browsers read answers to allowed origins. As in Envoy, answers of the route itself
 * (redirects, direct responses) take no part, and an empty header is none.
 */
export const cors =
  (place: number): RequestLayer =>
  (exchange) => {
    const policy = policyOf(exchange);
    if (policy === undefined || exchange.route?.target.kind !== 'forward') return 'next';
    const applied = drawn(exchange, 'cors', policy.enabled);
    if (!applied && !drawn(exchange, 'cors', policy.shadow)) return 'next';
    const { headers, method } = exchange.head;
    const origin = headers.get('origin') ?? '';
    if (origin === '') return 'next';
    const preflight = method === 'OPTIONS' && (headers.get('access-control-request-method') ?? '') !== '';
    const allowed = policy.allowOrigins.some((matcher) => matcher.accepts(origin));
    exchange.stats.count(allowed ? 'cors.origin_valid' : 'cors.origin_invalid');
    if (!applied) return 'next';
    if (allowed) editAnswer(exchange, place, (head) => allow(head.headers, policy, origin));
    const answered = preflight && (allowed || !policy.forwardUnmatchedPreflights);
    note(exchange, answered ? 'stopped' : allowed ? 'applied' : 'passed', {
      detail: wordsOf(origin, allowed, answered),
      evidence: { origin, allowed },
    });
    if (!answered) return 'next';
    exchange.editResponse((head) => {
      if (allowed) head.headers.put(ALLOWED_ORIGIN, origin);
      answerPreflight(head.headers, policy, headers);
    });
    // As in Envoy, where this answer is the filter's own and no local reply.
    exchange.answerRules = undefined;
    exchange.info.details = 'cors_response';
    exchange.respondHead({ status: 200, headers: new Headers() }, true);
    return 'wait';
  };

const ALLOWED_ORIGIN = 'access-control-allow-origin';
const OF_ROUTE = { name: 'envoy.filters.http.cors', type: 'cors.v3.CorsPolicy' };

/** A destination among several may have a policy before that of its route. */
function policyOf({ route, share }: Exchange): CorsPolicy | undefined {
  const own = share?.perFilter?.[OF_ROUTE.name];
  if (own === undefined || route === undefined || !isOf(own, OF_ROUTE.type)) return route?.cors;
  const known = OF_SHARES.get(own) ?? compileCors([own, ...route.corsLevels]);
  if (known !== undefined) OF_SHARES.set(own, known);
  return known;
}

const OF_SHARES = new WeakMap<object, CorsPolicy>();

function wordsOf(origin: string, allowed: boolean, answered: boolean): string {
  if (!allowed)
    return `origin ${origin} is not allowed: the answer does not name it, and the browser keeps it from the page`;
  return answered
    ? `a preflight from ${origin}, answered here`
    : `origin ${origin} is allowed: the answer says so to the browser`;
}

function allow(headers: Headers, policy: CorsPolicy, origin: string): void {
  headers.put(ALLOWED_ORIGIN, origin);
  if (policy.allowCredentials) headers.put('access-control-allow-credentials', 'true');
  if (policy.exposeHeaders !== '') headers.set('access-control-expose-headers', policy.exposeHeaders);
}

/** Also an origin that is not allowed hears what others may do; without its name that is of no use to it. */
function answerPreflight(answer: Headers, policy: CorsPolicy, asked: Headers): void {
  if (policy.allowCredentials) answer.set('access-control-allow-credentials', 'true');
  const { allowMethods, allowHeaders, maxAge } = policy;
  if (allowMethods !== '') answer.set('access-control-allow-methods', listed(allowMethods, asked, 'method'));
  if (allowHeaders !== '') answer.set('access-control-allow-headers', listed(allowHeaders, asked, 'headers'));
  if (maxAge !== '') answer.set('access-control-max-age', maxAge);
  if (policy.allowPrivateNetwork && asked.get('access-control-request-private-network') === 'true')
    answer.set('access-control-allow-private-network', 'true');
}

/** A list that allows everything is written as what the browser asks for, be it nothing. */
const listed = (allowed: string, asked: Headers, what: 'method' | 'headers'): string =>
  allowed === '*' ? (asked.joined(`access-control-request-${what}`) ?? '') : allowed;

function note(exchange: Exchange, outcome: 'applied' | 'passed' | 'stopped', words: StepNote): void {
  const { route } = exchange;
  exchange.steps.add('http_filter', outcome, 'envoy.filters.http.cors', () => ({
    ...words,
    origin: originOf(route?.origins, 'cors'),
  }));
}
