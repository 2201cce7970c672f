import type { Any, Metadata, Route, RouteConfiguration, RouteMatch, VirtualHost } from '#xds';
import { type BodyFormat, readBodyFormat } from './body-format.ts';
import { checkRules } from './bounds.ts';
import { type CorsLevel, type CorsPolicy, compileCors } from './cors-policy.ts';
import { type FaultPolicy, readFault } from './fault-policy.ts';
import { type FilterSwitches, ofType, type PerFilter, readPerFilter, unwrapped } from './filter-overrides.ts';
import { compileHeaderRules, type HeaderRules, readHeadText } from './header-rules.ts';
import { type Origins, readOrigins } from './origins.ts';
import { ConfigProblem, within } from './problem.ts';
import { compileRateLimits, type RateLimitRule } from './rate-limit-rules.ts';
import { compileRegexRewrite, type TextRewrite } from './regex-rewrite.ts';
import {
  type ClusterShare,
  compileForward,
  type ForwardAction,
  type HostRewrite,
  type MirrorPolicy,
} from './route-action.ts';
import { ROUTE_RULES } from './route-bounds.ts';
import { compileConditions, type RouteCondition, type RouteSubject } from './route-condition.ts';
import { compileRouteMatcher } from './route-matcher.ts';
import { type RouteTracing, type RouteTracingJson, readRouteTracing } from './route-tracing.ts';
import { ALWAYS, type Fraction, readRuntimeFraction } from './values.ts';

export type { ClusterShare, ForwardAction, HostRewrite, MirrorPolicy };

export interface RedirectAction {
  readonly kind: 'redirect';
  readonly status: number;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly path: string | undefined;
  readonly prefixRewrite: string | undefined;
  readonly regexRewrite: TextRewrite | undefined;
  readonly scheme: string | undefined;
  readonly stripsQuery: boolean;
}

export interface DirectAction {
  readonly kind: 'direct';
  readonly status: number;
  readonly body: Buffer;
  /** In place of the body: made of the request. */
  readonly format: BodyFormat | undefined;
}

/** The client is to come again over TLS. */
export interface SecureAction {
  readonly kind: 'secure';
}

export type RouteTarget = ForwardAction | RedirectAction | DirectAction | SecureAction;

export interface CompiledRoute {
  readonly name: string;
  readonly match: RouteMatch;
  readonly conditions: readonly RouteCondition[];
  /** Of the requests that fulfil the conditions; undefined: all. */
  readonly share: Fraction | undefined;
  readonly target: RouteTarget;
  readonly headers: HeaderRules | undefined;
  readonly fault: FaultPolicy | undefined;
  readonly cors: CorsPolicy | undefined;
  /** What it is made of, the nearest first; a destination may have one before all these. */
  readonly corsLevels: readonly CorsLevel[];
  readonly operation: string | undefined;
  /** Undefined: as the connection manager says. */
  readonly tracing: RouteTracing | undefined;
  /** Under which its requests count, too; empty: they do not. */
  readonly statPrefix: string;
  /** The host is told. */
  readonly tellsOperation: boolean;
  /** What the route, else its virtual host, else the table gives single filters, by filter name. */
  readonly perFilter: PerFilter | undefined;
  readonly filterLevels: readonly PerFilter[];
  /** Filters that are switched on or off here; undefined where none is. */
  readonly switches: FilterSwitches | undefined;
  /** Of the request's body that is kept for another try; undefined: the usual limit. */
  readonly replayBytes: number | undefined;
  readonly rateLimits: readonly RateLimitRule[];
  /** The rate limits of the virtual host count too. */
  readonly includesHostLimits: boolean;
  readonly metadata: Metadata | undefined;
  readonly origins: Origins | undefined;
}

export interface CompiledVirtualHost {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes: readonly CompiledRoute[];
  /** Chooses the routes that are tried, where a tree of matchers does so; undefined: all in their order. */
  readonly narrow: ((subject: RouteSubject) => readonly CompiledRoute[]) | undefined;
  /** Groups in which requests count; empty: there are none. */
  readonly virtualClusters: readonly { readonly name: string; readonly conditions: readonly RouteCondition[] }[];
  readonly includeAttemptCount: boolean;
  /** The answer tells how often the request was tried. */
  readonly tellsAttemptCount: boolean;
  readonly headers: HeaderRules | undefined;
  /** Takes requests that came without TLS: all of them, or those from outside; undefined: none. */
  readonly plain: { readonly route: CompiledRoute; readonly fromOutside: boolean } | undefined;
  readonly rateLimits: readonly RateLimitRule[];
  readonly perFilter: PerFilter | undefined;
  readonly metadata: Metadata | undefined;
  readonly origins: Origins | undefined;
}

/** A RouteConfiguration ready to match; immutable. */
export interface RouteTable {
  readonly name: string;
  readonly versionInfo: string;
  readonly resource: RouteConfiguration;
  readonly virtualHosts: readonly CompiledVirtualHost[];
  readonly ignorePort: boolean;
  /** Headers that are taken from every client. */
  readonly internalHeaders: readonly string[];
  readonly headers: HeaderRules | undefined;
  /** A header tells how long parts of the request took. */
  readonly timed: boolean;
  /** A route says how its requests are traced. */
  readonly traced: boolean;
  /** Header changes of the table come first and those of routes last, so that the latter win. */
  readonly mostSpecificWins: boolean;
  readonly exact: ReadonlyMap<string, CompiledVirtualHost>;
  /** `.example.com` for `*.example.com`, longest first. */
  readonly suffixes: readonly { readonly text: string; readonly host: CompiledVirtualHost }[];
  /** `example.` for `example.*`, longest first. */
  readonly prefixes: readonly { readonly text: string; readonly host: CompiledVirtualHost }[];
  readonly fallback: CompiledVirtualHost | undefined;
}

/** Compiles a route configuration. Throws ConfigProblem for anything this proxy cannot do exactly as asked. */
export function compileRouteTable(resource: RouteConfiguration, versionInfo: string): RouteTable {
  refuseUnsupported(resource);
  checkRules(resource, ROUTE_RULES);
  const exact = new Map<string, CompiledVirtualHost>();
  const suffixes: { text: string; host: CompiledVirtualHost }[] = [];
  const prefixes: { text: string; host: CompiledVirtualHost }[] = [];
  let fallback: CompiledVirtualHost | undefined;
  const taken = new Set<string>();
  const virtualHosts = (resource.virtual_hosts ?? []).map((given, i) =>
    within(`virtual_hosts[${i}]`, () => compileVirtualHost(given, resource)),
  );
  for (const host of virtualHosts) {
    for (const given of host.domains) {
      const domain = given.toLowerCase();
      if (taken.has(domain)) {
        const why =
          domain === '*'
            ? 'Only a single wildcard domain is permitted in'
            : `Only unique values for domains are permitted. Duplicate entry of domain ${domain} in`;
        throw new ConfigProblem('virtual_hosts', `${why} route ${resource.name}`);
      }
      taken.add(domain);
      if (domain === '*') fallback = host;
      else if (domain.startsWith('*')) suffixes.push({ text: domain.slice(1), host });
      else if (domain.endsWith('*')) prefixes.push({ text: domain.slice(0, -1), host });
      else exact.set(domain, host);
    }
  }
  const headers = compileHeaderRules(resource);
  const longestFirst = (a: { text: string }, b: { text: string }): number => b.text.length - a.text.length;
  return {
    name: resource.name,
    versionInfo,
    resource,
    virtualHosts,
    internalHeaders: (resource.internal_only_headers ?? []).map((name) => name.toLowerCase()),
    ignorePort: resource.ignore_port_in_host_matching === true,
    headers,
    timed: headers?.timed === true || virtualHosts.some(tellsTimes),
    traced: virtualHosts.some(({ routes }) => routes.some(({ tracing }) => tracing !== undefined)),
    mostSpecificWins: resource.most_specific_header_mutations_wins === true,
    exact,
    suffixes: suffixes.sort(longestFirst),
    prefixes: prefixes.sort(longestFirst),
    fallback,
  };
}

const tellsTimes = ({ headers, routes }: CompiledVirtualHost): boolean =>
  headers?.timed === true ||
  routes.some(
    (route) =>
      route.headers?.timed === true ||
      route.tracing?.timed === true ||
      (route.target.kind === 'forward' && route.target.shares?.some((share) => share.headers?.timed === true)),
  );

/** What would change where requests go, and is not done here. */
function refuseUnsupported(resource: RouteConfiguration): void {
  if (resource.vhds !== undefined) {
    throw new ConfigProblem('vhds', 'virtual hosts on demand are not supported: the table must list all of them');
  }
  if (resource.vhost_header) {
    throw new ConfigProblem('vhost_header', 'is not supported: the host of a request chooses its virtual host');
  }
  if ((resource.cluster_specifier_plugins ?? []).some((plugin) => plugin.is_optional !== true)) {
    throw new ConfigProblem('cluster_specifier_plugins', 'this proxy has no plugin that chooses clusters');
  }
}

function compileVirtualHost(given: VirtualHost, table: RouteConfiguration): CompiledVirtualHost {
  if ((given.domains ?? []).length === 0) throw new ConfigProblem('domains', 'is empty');
  if (given.matcher !== undefined && (given.routes ?? []).length > 0) {
    throw new ConfigProblem('matcher', 'cannot have both routes and matcher');
  }
  const compile = (route: Route): CompiledRoute => compileRoute(route, given, table);
  const matched = given.matcher && within('matcher', () => compileRouteMatcher(given.matcher!, compile));
  return {
    name: given.name,
    domains: given.domains,
    routes: matched?.routes ?? (given.routes ?? []).map((route, i) => within(`routes[${i}]`, () => compile(route))),
    narrow: matched?.narrow,
    virtualClusters: readVirtualClusters(given.virtual_clusters),
    includeAttemptCount: given.include_request_attempt_count === true,
    tellsAttemptCount: given.include_attempt_count_in_response === true,
    headers: compileHeaderRules(given),
    plain: readRequireTls(given),
    perFilter: given.typed_per_filter_config,
    rateLimits: compileRateLimits(given.rate_limits, 'rate_limits'),
    metadata: given.metadata,
    origins: readOrigins(given.metadata),
  };
}

/** As in Envoy, nothing that the virtual host or the table says of headers and filters concerns the answer. */
function readRequireTls(given: VirtualHost): CompiledVirtualHost['plain'] {
  if (given.require_tls !== 'ALL' && given.require_tls !== 'EXTERNAL_ONLY') return undefined;
  const redirect: Route = { match: { prefix: '' }, redirect: { https_redirect: true } };
  const route = compileRoute(redirect, { name: given.name, domains: [] }, { name: '' });
  return {
    route: { ...route, target: { kind: 'secure' }, origins: readOrigins(given.metadata) },
    fromOutside: given.require_tls === 'EXTERNAL_ONLY',
  };
}

const readVirtualClusters = (given: VirtualHost['virtual_clusters'] = []): CompiledVirtualHost['virtualClusters'] =>
  given.map(({ name, headers = [] }, i) => ({
    name,
    conditions: within(`virtual_clusters[${i}]`, () => compileConditions({ prefix: '', headers })),
  }));

/** Retries, faults, CORS and copies of the virtual host are for routes that have none of their own. */
function compileRoute(given: Route, host: VirtualHost, table: RouteConfiguration): CompiledRoute {
  if (given.match === undefined) throw new ConfigProblem('match', 'value is required');
  const overrides = readPerFilter([
    table.typed_per_filter_config,
    host.typed_per_filter_config,
    given.typed_per_filter_config,
  ]);
  const corsLevels = [
    corsOf(given.typed_per_filter_config) ?? given.route?.cors,
    corsOf(host.typed_per_filter_config),
    corsOf(table.typed_per_filter_config),
  ].filter((level) => level !== undefined);
  return {
    name: given.name ?? '',
    match: given.match,
    conditions: within('match', () =>
      compileConditions(given.match, table.ignore_path_parameters_in_path_matching === true),
    ),
    share: given.match.runtime_fraction && readRuntimeFraction(given.match.runtime_fraction, ALWAYS),
    target: compileTarget(given, host, table),
    headers: compileHeaderRules(given),
    fault: readFault(ofType(overrides.perFilter?.['envoy.filters.http.fault'], 'fault.v3.HTTPFault')),
    cors: compileCors(corsLevels),
    corsLevels,
    operation: given.decorator?.operation,
    tracing: readRouteTracing((given as { readonly tracing?: RouteTracingJson }).tracing),
    statPrefix: given.stat_prefix ?? '',
    tellsOperation: given.decorator?.propagate !== false,
    ...overrides,
    replayBytes: readReplayBytes(given, host),
    rateLimits: compileRateLimits(given.route?.rate_limits, 'route.rate_limits'),
    includesHostLimits: given.route?.include_vh_rate_limits === true,
    metadata: given.metadata,
    origins: readOrigins(given.metadata),
  };
}

const corsOf = (given: PerFilter | undefined): Any | undefined =>
  ofType(unwrapped(given?.['envoy.filters.http.cors']), 'cors.v3.CorsPolicy');

/** The older of the two fields can only lower the limit of the connection. */
function readReplayBytes(route: Route, host: VirtualHost): number | undefined {
  const whole = route.request_body_buffer_limit ?? host.request_body_buffer_limit;
  if (whole !== undefined) return Number(whole);
  const lower = route.per_request_buffer_limit_bytes ?? host.per_request_buffer_limit_bytes;
  return lower === undefined ? undefined : Math.min(lower, CONNECTION_BUFFER_BYTES);
}

/** Envoy's default per_connection_buffer_limit_bytes. */
const CONNECTION_BUFFER_BYTES = 1024 * 1024;

const DIRECT_BODY_BYTES = 4096;

function readDirectBody({ body }: NonNullable<Route['direct_response']>, table: RouteConfiguration): Buffer {
  const bytes =
    body?.inline_bytes === undefined
      ? Buffer.from(body?.inline_string ?? '')
      : Buffer.from(body.inline_bytes, 'base64');
  const limit = table.max_direct_response_body_size_bytes ?? DIRECT_BODY_BYTES;
  if (bytes.length <= limit) return bytes;
  throw new ConfigProblem('direct_response', `response body size is ${bytes.length} bytes; maximum is ${limit}`);
}

const REDIRECT_STATUS = {
  MOVED_PERMANENTLY: 301,
  FOUND: 302,
  SEE_OTHER: 303,
  TEMPORARY_REDIRECT: 307,
  PERMANENT_REDIRECT: 308,
} as const;

function compileTarget(given: Route, host: VirtualHost, table: RouteConfiguration): RouteTarget {
  if (given.redirect !== undefined) {
    const redirect = given.redirect;
    if (redirect.prefix_rewrite && given.match.path_match_policy !== undefined) {
      throw new ConfigProblem('redirect.prefix_rewrite', 'Cannot use redirect.prefix_rewrite with path_match_policy');
    }
    return {
      kind: 'redirect',
      status: REDIRECT_STATUS[redirect.response_code ?? 'MOVED_PERMANENTLY'],
      // Istio sends empty texts for what a rule does not change.
      host: readHeadText(redirect.host_redirect, 'redirect.host_redirect'),
      port: redirect.port_redirect || undefined,
      path: readHeadText(redirect.path_redirect, 'redirect.path_redirect'),
      prefixRewrite: readHeadText(redirect.prefix_rewrite, 'redirect.prefix_rewrite'),
      regexRewrite: redirect.regex_rewrite && compileRegexRewrite(redirect.regex_rewrite, 'redirect.regex_rewrite'),
      scheme: redirect.https_redirect === true ? 'https' : redirect.scheme_redirect || undefined,
      stripsQuery: redirect.strip_query === true,
    };
  }
  if (given.direct_response !== undefined) {
    const { status, body_format } = given.direct_response;
    return {
      kind: 'direct',
      status,
      body: readDirectBody(given.direct_response, table),
      format: readBodyFormat(body_format),
    };
  }
  if (given.route !== undefined) {
    const { match, route } = given;
    const mirrors = [route.request_mirror_policies, host.request_mirror_policies, table.request_mirror_policies];
    const action = {
      ...(host.retry_policy !== undefined && { retry_policy: host.retry_policy }),
      ...route,
      request_mirror_policies: mirrors.find((policies) => (policies ?? []).length > 0) ?? [],
    };
    return within('route', () => compileForward(action, match));
  }
  throw new ConfigProblem('action', 'has none of route, redirect, direct_response');
}
