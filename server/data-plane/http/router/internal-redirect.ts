import type { InternalRedirects, RedirectPredicate } from '../../config/internal-redirects.ts';
import type { CompiledRoute, ForwardAction } from '../../config/route-table.ts';
import type { UpstreamCluster } from '../../upstream/cluster.ts';
import type { ResponseHead } from '../codec.ts';
import type { Exchange } from '../exchange.ts';
import { chooseRoute, findVirtualHost, wantsTls } from './choose-route.ts';
import { changeAnswerBy, headerLevels } from './header-levels.ts';

/** A redirect that a host has sent, seen from the request that it answers. */
interface Redirect {
  readonly location: string;
  readonly status: number;
  readonly answer: ResponseHead;
}

const ABSOLUTE = /^(https?):\/\/([^/?#\s]+)([^#\s]*)/i;

/**
 * Turns a request around to where a host redirects it; false: the client is told of the redirect, and the request is as it was. `body` is what
 * the client has sent; undefined where not all of it is there. Source: Filter::setupRedirect and convertRequestHeadersForInternalRedirect in
 * Envoy's router.
 */
export function turnAround(
  exchange: Exchange,
  { action, cluster }: { readonly action: ForwardAction; readonly cluster: UpstreamCluster },
  answer: ResponseHead,
  body: readonly Buffer[] | undefined,
): boolean {
  const { internalRedirects: policy } = action;
  if (policy === undefined || !policy.statuses.has(answer.status)) return false;
  const location = answer.headers.get('location');
  const ready = location !== undefined && body !== undefined;
  const refusal = ready ? turn(exchange, policy, { location, status: answer.status, answer }) : undefined;
  if (refusal !== undefined) exchange.stats.count(`passthrough_internal_redirect_${refusal}`);
  const turned = ready && refusal === undefined;
  // The line of the log tells what has redirected it.
  if (turned) exchange.responseHead = answer;
  cluster.stats.count(`upstream_internal_redirect_${turned ? 'succeeded' : 'failed'}_total`);
  return turned;
}

type Refusal = 'bad_location' | 'unsafe_scheme' | 'too_many_redirects' | 'no_route' | 'predicate';

function turn(exchange: Exchange, policy: InternalRedirects, redirect: Redirect): Refusal | undefined {
  const { head } = exchange;
  const [, scheme, host, rest = ''] = ABSOLUTE.exec(redirect.location) ?? [];
  if (scheme === undefined || host === undefined) return 'bad_location';
  const to = { scheme: scheme.toLowerCase() as 'http' | 'https', host, path: rest.startsWith('/') ? rest : `/${rest}` };
  const from = { scheme: schemeOf(exchange), host: head.authority, path: head.path };
  if (!policy.crossScheme && from.scheme !== to.scheme) return 'unsafe_scheme';
  if (exchange.redirects.length >= policy.limit) return 'too_many_redirects';
  const before = { ...head, headers: head.headers.clone() };
  const used = exchange.route;
  const levels = headerLevels(exchange);
  copyHeaders(exchange, policy, redirect.answer);
  if (redirect.status === 303 && head.method !== 'GET' && head.method !== 'HEAD') {
    head.method = 'GET';
    head.headers.remove('content-length');
  }
  Object.assign(head, { scheme: to.scheme, authority: to.host, path: to.path });
  const allowed = !reroute(exchange)
    ? 'no_route'
    : policy.predicates.every((each) => accepts(each, exchange, { used, from, to }))
      ? undefined
      : 'predicate';
  if (allowed !== undefined) {
    Object.assign(head, before);
    // As in Envoy, the answer is still that of the route which was used.
    exchange.answerRules = changeAnswerBy(levels);
    return allowed;
  }
  if (!head.headers.has('x-envoy-original-url')) {
    head.headers.set('x-envoy-original-url', `${from.scheme}://${from.host}${from.path}`);
  }
  exchange.redirects = [...exchange.redirects, { from: used?.name ?? '', to: exchange.route?.name ?? '' }];
  return undefined;
}

/** As in Envoy, nothing came by https on a connection without TLS. */
const schemeOf = ({ connection, head }: Exchange): 'http' | 'https' =>
  connection.tls === undefined ? 'http' : head.scheme;

/** What the redirect says of a header takes the place of what the request said. */
function copyHeaders({ head }: Exchange, { copied }: InternalRedirects, answer: ResponseHead): void {
  for (const name of copied) {
    head.headers.remove(name);
    for (const value of answer.headers.all(name)) head.headers.add(name, value);
  }
}

/** Looks for the route of the request as it is now; false: it has none. */
export function reroute(exchange: Exchange): boolean {
  const { table, head } = exchange;
  exchange.route = undefined;
  exchange.share = undefined;
  exchange.virtualHost = undefined;
  exchange.info.routeName = '';
  exchange.info.cluster = '';
  const host = table && findVirtualHost(table, head.authority)?.found;
  // A host that wants TLS would send the client elsewhere.
  if (host === undefined || wantsTls(host, exchange)) return false;
  chooseRoute(exchange);
  return exchange.route !== undefined;
}

interface Turn {
  readonly used: CompiledRoute | undefined;
  readonly from: { readonly scheme: string };
  readonly to: { readonly scheme: string };
}

function accepts(predicate: RedirectPredicate, { route, redirects }: Exchange, { used, from, to }: Turn): boolean {
  switch (predicate.kind) {
    case 'previous_routes':
      return !redirects.some((each) => each.from === used?.name && each.to === route?.name);
    case 'allow_listed':
      return predicate.routes.has(route?.name ?? '');
    case 'safe_cross_scheme':
      return from.scheme === 'https' || to.scheme === 'http';
  }
}
