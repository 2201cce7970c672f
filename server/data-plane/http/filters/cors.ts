import type { CorsPolicy } from '../../config/cors-policy.ts';
import { originOf } from '../../config/origins.ts';
import type { Exchange, RequestLayer } from '../exchange.ts';
import type { Headers } from '../headers.ts';

/**
 * The CORS filter: answers preflights, and lets browsers read answers to allowed origins. As in Envoy, answers of the route itself
 * (redirects, direct responses) take no part, and an empty header is none.
 */
export const cors: RequestLayer = (exchange) => {
  const policy = exchange.route?.cors;
  if (policy === undefined || policy.off || exchange.route?.target.kind !== 'forward') return 'next';
  const { headers, method } = exchange.head;
  const origin = headers.get('origin') ?? '';
  if (origin === '') return 'next';
  const preflight = method === 'OPTIONS' && (headers.get('access-control-request-method') ?? '') !== '';
  if (!policy.allowOrigins.some((matcher) => matcher.accepts(origin)))
    return refused(exchange, policy, origin, preflight);
  exchange.stats.count('cors.origin_valid');
  if (!preflight) {
    exchange.editResponse((head) => allow(head.headers, policy, origin));
    note(exchange, 'applied', `origin ${origin} is allowed: the answer says so to the browser`);
    return 'next';
  }
  note(exchange, 'stopped', `a preflight from ${origin}, answered here`);
  exchange.editResponse((head) => {
    allow(head.headers, policy, origin);
    const { headers } = head;
    if (policy.allowMethods !== '') headers.set('access-control-allow-methods', policy.allowMethods);
    if (policy.allowHeaders !== '') headers.set('access-control-allow-headers', policy.allowHeaders);
    if (policy.maxAge !== '') headers.set('access-control-max-age', policy.maxAge);
  });
  exchange.reply({ status: 200, details: 'cors_response' });
  return 'wait';
};

function refused(exchange: Exchange, policy: CorsPolicy, origin: string, preflight: boolean): 'next' | 'wait' {
  exchange.stats.count('cors.origin_invalid');
  note(exchange, 'passed', `origin ${origin} is not allowed: the answer carries no CORS headers`);
  if (!preflight || policy.forwardUnmatchedPreflights) return 'next';
  exchange.reply({ status: 200, details: 'cors_response' });
  return 'wait';
}

function allow(headers: Headers, policy: CorsPolicy, origin: string): void {
  headers.set('access-control-allow-origin', origin);
  if (policy.allowCredentials) headers.set('access-control-allow-credentials', 'true');
  if (policy.exposeHeaders !== '') headers.set('access-control-expose-headers', policy.exposeHeaders);
}

function note(exchange: Exchange, outcome: 'applied' | 'passed' | 'stopped', detail: string): void {
  const { route } = exchange;
  exchange.steps.add('http_filter', outcome, 'envoy.filters.http.cors', () => ({
    detail,
    origin: originOf(route?.origins, 'cors'),
  }));
}
