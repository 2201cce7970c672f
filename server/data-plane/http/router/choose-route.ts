import type { RejectedCandidate } from '#domain';
import { originOf } from '../../config/origins.ts';
import { type Refusal, type RouteSubject, splitPath } from '../../config/route-condition.ts';
import type { CompiledRoute, CompiledVirtualHost, RouteTable } from '../../config/route-table.ts';
import { inPercent } from '../../config/values.ts';
import type { StepNote } from '../../decisions/hop-steps.ts';
import type { Exchange, RequestLayer } from '../exchange.ts';
import { chooseShare } from './choose-share.ts';
import { changeAnswer } from './header-levels.ts';

/** Finds the virtual host and the route, and keeps why every earlier route was passed over. Answers nothing itself. */
export const chooseRoute: RequestLayer = (exchange) => {
  const { clock } = exchange.runtime;
  const began = exchange.info.times === undefined ? 0 : clock.monotonic();
  findRoute(exchange);
  const { times } = exchange.info;
  if (times !== undefined && began !== 0)
    times.routeResolution = (times.routeResolution ?? 0) + Math.round((clock.monotonic() - began) * US_PER_MS);
  return 'next';
};

const US_PER_MS = 1000;

function findRoute(exchange: Exchange): void {
  const table = tableOf(exchange);
  exchange.table = table;
  exchange.info.routeResolutions++;
  if (table === undefined) return;
  if (table.timed) exchange.info.times ??= exchange.requestEnded ? { requestReceived: 0 } : {};
  for (const name of table.internalHeaders) exchange.head.headers.remove(name);
  const host = findVirtualHost(table, exchange.head.authority);
  if (host === undefined) {
    noVirtualHost(exchange, table);
    return;
  }
  exchange.virtualHost = host.found;
  if (exchange.steps.on) noteVirtualHost(exchange, table, host);
  if (wantsTls(host.found, exchange)) {
    exchange.route = host.found.plain!.route;
    return;
  }
  matchRoutes(exchange, host.found);
}

/** The routes of a request's listener; undefined: they have not come. */
export const tableOf = ({ config: { routes }, runtime }: Exchange): RouteTable | undefined =>
  'table' in routes ? routes.table : runtime.routeTable(routes.rds);

/** The route that a request would take as it is now; nothing is noted of it. */
export function routeOf(exchange: Exchange, table: RouteTable): CompiledRoute | undefined {
  const host = findVirtualHost(table, exchange.head.authority)?.found;
  if (host === undefined || wantsTls(host, exchange)) return undefined;
  const subject = subjectOf(exchange);
  const routes = host.narrow === undefined ? host.routes : host.narrow(subject);
  return routes.find((route) => firstRefusal(route, subject) === undefined && spared(exchange, route) === undefined);
}

/** Whether a request came without the TLS that its virtual host asks for. */
export function wantsTls(
  { plain }: CompiledVirtualHost,
  { head, internal }: Pick<Exchange, 'head' | 'internal'>,
): boolean {
  if (plain === undefined || (plain.fromOutside && internal)) return false;
  return head.headers.get('x-forwarded-proto') !== 'https';
}

interface FoundHost {
  readonly found: CompiledVirtualHost;
  /** The domain that matched. */
  readonly domain: string;
}

function noteVirtualHost(exchange: Exchange, table: RouteTable, { found, domain }: FoundHost): void {
  const { authority } = exchange.head;
  exchange.steps.say('virtual_host', 'chosen', found.name, hostWords, authority, domain, table, found);
}

function hostWords(authority: string, domain: string, table: RouteTable, found: CompiledVirtualHost): StepNote {
  return {
    detail: `${authority} matches its domain ${domain} in route configuration ${table.name}`,
    origin: originOf(found.origins),
    evidence: { authority, domain, routeConfiguration: table.name },
  };
}

interface LastHost {
  readonly authority: string;
  readonly host: FoundHost | undefined;
}

/** What was found last in each table: clients ask for the same host again and again. */
const last = new WeakMap<RouteTable, LastHost>();

/** Exact domain, else the longest suffix wildcard, else the longest prefix wildcard, else `*`. */
export function findVirtualHost(table: RouteTable, authority: string): FoundHost | undefined {
  const known = last.get(table);
  if (known?.authority === authority) return known.host;
  const host = searchVirtualHost(table, authority);
  last.set(table, { authority, host });
  return host;
}

function searchVirtualHost(table: RouteTable, authority: string): FoundHost | undefined {
  let host = authority.toLowerCase();
  // As in Envoy, all behind the last colon counts as a port, but for one inside an address of IPv6.
  if (table.ignorePort && host.includes(':')) host = host.replace(/:[^:\]]*$/, '');
  const exact = table.exact.get(host);
  if (exact !== undefined) return { found: exact, domain: host };
  for (const { text, host: found } of table.suffixes) {
    if (host.length > text.length && host.endsWith(text)) return { found, domain: `*${text}` };
  }
  for (const { text, host: found } of table.prefixes) {
    if (host.length > text.length && host.startsWith(text)) return { found, domain: `${text}*` };
  }
  return table.fallback === undefined ? undefined : { found: table.fallback, domain: '*' };
}

/** Why a route does not match: its first condition that does not hold; undefined when it matches. */
export function firstRefusal(route: CompiledRoute, subject: RouteSubject): Refusal | undefined {
  for (const condition of route.conditions) {
    const refusal = condition(subject);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** Why a route was passed over, and how many of its conditions hold all the same. */
interface Miss {
  readonly refusal: Refusal;
  readonly held: number;
}

const NO_MISSES: readonly Miss[] = [];

/** Counted at once: filters change the request later. */
const heldBy = ({ conditions }: CompiledRoute, subject: RouteSubject): number =>
  conditions.filter((condition) => condition(subject) === undefined).length;

/** A route for a share of the requests leaves the others to those behind it. */
function spared(exchange: Exchange, { share: given }: CompiledRoute): Refusal | undefined {
  if (given === undefined) return undefined;
  const share = exchange.runtime.values.share(given);
  const draw = exchange.runtime.chance.draws.below('route', exchange.traceKey, share.of);
  if (draw < share.numerator) return undefined;
  return () => `takes ${inPercent(share)} % of the requests that match: drew ${draw} of ${share.of}`;
}

function subjectOf(exchange: Exchange): RouteSubject {
  const { connection, filterState, head } = exchange;
  const asked = splitPath(head, (filter) => exchange.metadata.of(filter), connection.tls);
  return filterState === undefined ? asked : { ...asked, filterState };
}

function matchRoutes(exchange: Exchange, host: CompiledVirtualHost): void {
  const subject = subjectOf(exchange);
  const routes = host.narrow === undefined ? host.routes : host.narrow(subject);
  let misses: Miss[] | undefined;
  for (const route of routes) {
    const refusal = firstRefusal(route, subject) ?? spared(exchange, route);
    if (refusal !== undefined) {
      if (exchange.steps.on) {
        misses ??= [];
        misses.push({ refusal, held: heldBy(route, subject) });
      }
      continue;
    }
    exchange.route = route;
    exchange.info.routeName = route.name;
    if (exchange.steps.on) noteRoute(exchange, routes, route, misses ?? NO_MISSES);
    if (route.target.kind === 'forward') {
      exchange.share = chooseShare(exchange, route, route.target);
      exchange.info.cluster = exchange.share.cluster;
      exchange.answerRules = changeAnswer;
    }
    return;
  }
  exchange.steps.add('route', 'stopped', host.name, () => ({
    detail: `none of the ${routes.length} routes of this host matches`,
    origin: originOf(host.origins),
    rejected: rejections(routes, misses ?? NO_MISSES),
  }));
}

function noteRoute(
  exchange: Exchange,
  routes: readonly CompiledRoute[],
  route: CompiledRoute,
  refusals: readonly Miss[],
): void {
  exchange.steps.say('route', 'chosen', route.name, routeWords, routes, route, refusals);
}

function routeWords(routes: readonly CompiledRoute[], route: CompiledRoute, refusals: readonly Miss[]): StepNote {
  const place = refusals.length + 1;
  return {
    detail:
      routes.length === 1
        ? 'the only route of this host, and the request meets its conditions'
        : `route ${place} of ${routes.length} is the first whose conditions all hold`,
    origin: originOf(route.origins, 'match'),
    rejected: rejections(routes, refusals),
    evidence: { place, routes: routes.length },
  };
}

function rejections(routes: readonly CompiledRoute[], refusals: readonly Miss[]): RejectedCandidate[] {
  return refusals.map(({ refusal, held }, place) => {
    const route = routes[place]!;
    const origin = originOf(route.origins, 'match');
    return {
      name: route.name || `route ${place + 1}`,
      reason: refusal(),
      held,
      conditions: route.conditions.length,
      ...(origin !== undefined && { origin }),
    };
  });
}

function noVirtualHost(exchange: Exchange, table: RouteTable): void {
  const { authority } = exchange.head;
  exchange.steps.add('virtual_host', 'stopped', table.name, () => ({
    detail: `no virtual host of route configuration ${table.name} has a domain for ${authority}`,
    rejected: table.virtualHosts.slice(0, 20).map((host) => {
      const origin = originOf(host.origins);
      return {
        name: host.name,
        reason: `answers for ${host.domains.slice(0, 3).join(', ')}, the request asks for ${authority}`,
        ...(origin !== undefined && { origin }),
      };
    }),
  }));
}
