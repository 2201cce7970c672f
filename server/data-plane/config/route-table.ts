import type {
  Any,
  Metadata,
  RetryPolicy,
  Route,
  RouteAction,
  RouteConfiguration,
  RouteMatch,
  VirtualHost,
  WeightedCluster,
} from '#xds';
import { compileFormat, type Format } from '../format/template.ts';
import type { RoutePriority } from '../upstream/pool-breakers.ts';
import { compileJsonFormat } from './access-log/json-format.ts';
import { type CorsPolicy, compileCors } from './cors-policy.ts';
import { type FaultPolicy, readFault } from './fault-policy.ts';
import { compileHashPolicies, type HashPolicy } from './hash-policy.ts';
import { compileHeaderRules, type HeaderRules } from './header-rules.ts';
import { type Origins, readOrigins } from './origins.ts';
import { ConfigProblem, within } from './problem.ts';
import { compileRateLimits, type RateLimitRule } from './rate-limit-actions.ts';
import { compileRegexRewrite, type TextRewrite } from './regex-rewrite.ts';
import { type CompiledRetryPolicy, compileRetryPolicy } from './retry-policy.ts';
import { compileConditions, type RouteCondition } from './route-condition.ts';
import { ALWAYS, durationMs, type Fraction, readFraction } from './values.ts';

/** Envoy's own route timeout where a configuration names none. */
const DEFAULT_TIMEOUT_MS = 15_000;

export interface ClusterShare {
  readonly cluster: string;
  readonly weight: number;
  readonly headers: HeaderRules | undefined;
}

/** What becomes of the Host header on its way to a host. */
export type HostRewrite =
  | { readonly kind: 'literal'; readonly host: string }
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'path'; readonly rewrite: TextRewrite }
  /** The name of the host that is chosen. */
  | { readonly kind: 'auto' };

/** Where a copy of the request goes. */
export interface MirrorPolicy {
  /** Empty: the request names it in `clusterHeader`. */
  readonly cluster: string;
  readonly clusterHeader: string;
  readonly share: Fraction;
  /** The copy's host ends in `-shadow`. */
  readonly marksHost: boolean;
}

export interface ForwardAction {
  readonly kind: 'forward';
  /** At least one; more than one are drawn by weight. */
  readonly shares: readonly ClusterShare[];
  readonly totalWeight: number;
  readonly clusterNotFoundStatus: number;
  /** 0: none. */
  readonly timeoutMs: number;
  /** For gRPC `grpc-timeout` counts in place of `timeoutMs`, at most this long (0: any); undefined: it does not. */
  readonly maxGrpcTimeoutMs: number | undefined;
  readonly retry: CompiledRetryPolicy | undefined;
  readonly prefixRewrite: string | undefined;
  readonly regexRewrite: TextRewrite | undefined;
  readonly hostRewrite: HostRewrite | undefined;
  /** A host that is rewritten is told in X-Forwarded-Host. */
  readonly tellsForwardedHost: boolean;
  /** Of silence in either direction; undefined: that of the connection manager, 0: none. */
  readonly silenceMs: number | undefined;
  /** Of the whole stream; undefined: that of the connection manager, 0: none. */
  readonly maxStreamMs: number | undefined;
  /** For gRPC `grpc-timeout` limits the stream, at most to this (0: any); undefined: it does not. */
  readonly grpcStreamMaxMs: number | undefined;
  readonly mirrors: readonly MirrorPolicy[];
  /** Lower-case values of Upgrade that this route allows or forbids, whatever the listener does. */
  readonly upgrades: ReadonlyMap<string, boolean>;
  /** What balancers that hash go by. */
  readonly hashPolicies: readonly HashPolicy[];
  /** Which of the cluster's circuit breakers counts. */
  readonly priority: RoutePriority;
}

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

export interface BodyFormat {
  readonly write: Format;
  readonly contentType: string;
}

export type RouteTarget = ForwardAction | RedirectAction | DirectAction;

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
  readonly operation: string | undefined;
  /** What the route gives single filters, by filter name. */
  readonly perFilter: Readonly<Record<string, Any>> | undefined;
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
  readonly includeAttemptCount: boolean;
  /** The answer tells how often the request was tried. */
  readonly tellsAttemptCount: boolean;
  readonly headers: HeaderRules | undefined;
  readonly requireTls: boolean;
  readonly rateLimits: readonly RateLimitRule[];
  readonly perFilter: Readonly<Record<string, Any>> | undefined;
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
  const exact = new Map<string, CompiledVirtualHost>();
  const suffixes: { text: string; host: CompiledVirtualHost }[] = [];
  const prefixes: { text: string; host: CompiledVirtualHost }[] = [];
  let fallback: CompiledVirtualHost | undefined;
  const taken = new Set<string>();
  const virtualHosts = (resource.virtual_hosts ?? []).map((given, i) =>
    within(`virtual_hosts[${i}]`, () => compileVirtualHost(given)),
  );
  for (const host of virtualHosts) {
    for (const given of host.domains) {
      const domain = given.toLowerCase();
      if (taken.has(domain)) {
        throw new ConfigProblem(
          'virtual_hosts',
          `Only unique values for domains are permitted. Duplicate entry of domain ${domain} in route ${resource.name}`,
        );
      }
      taken.add(domain);
      if (domain === '*') fallback = host;
      else if (domain.startsWith('*')) suffixes.push({ text: domain.slice(1), host });
      else if (domain.endsWith('*')) prefixes.push({ text: domain.slice(0, -1), host });
      else exact.set(domain, host);
    }
  }
  const longestFirst = (a: { text: string }, b: { text: string }): number => b.text.length - a.text.length;
  return {
    name: resource.name,
    versionInfo,
    resource,
    virtualHosts,
    internalHeaders: (resource.internal_only_headers ?? []).map((name) => name.toLowerCase()),
    ignorePort: resource.ignore_port_in_host_matching === true,
    headers: compileHeaderRules(resource),
    mostSpecificWins: resource.most_specific_header_mutations_wins === true,
    exact,
    suffixes: suffixes.sort(longestFirst),
    prefixes: prefixes.sort(longestFirst),
    fallback,
  };
}

function compileVirtualHost(given: VirtualHost): CompiledVirtualHost {
  if ((given.domains ?? []).length === 0) throw new ConfigProblem('domains', 'is empty');
  return {
    name: given.name,
    domains: given.domains,
    routes: (given.routes ?? []).map((route, i) => within(`routes[${i}]`, () => compileRoute(route, given))),
    includeAttemptCount: given.include_request_attempt_count === true,
    tellsAttemptCount: given.include_attempt_count_in_response === true,
    headers: compileHeaderRules(given),
    requireTls: given.require_tls === 'ALL' || given.require_tls === 'EXTERNAL_ONLY',
    perFilter: given.typed_per_filter_config,
    rateLimits: compileRateLimits(given.rate_limits, 'rate_limits'),
    metadata: given.metadata,
    origins: readOrigins(given.metadata),
  };
}

/** Retries, faults and CORS of the virtual host are for routes that have none of their own. */
function compileRoute(given: Route, host: VirtualHost): CompiledRoute {
  if (given.match === undefined) throw new ConfigProblem('match', 'value is required');
  return {
    name: given.name ?? '',
    match: given.match,
    conditions: within('match', () => compileConditions(given.match)),
    share: given.match.runtime_fraction && readFraction(given.match.runtime_fraction.default_value, ALWAYS),
    target: compileTarget(given, host.retry_policy),
    headers: compileHeaderRules(given),
    fault: readFault(
      given.typed_per_filter_config?.['envoy.filters.http.fault'] ??
        host.typed_per_filter_config?.['envoy.filters.http.fault'],
    ),
    cors: compileCors(
      given.typed_per_filter_config?.['envoy.filters.http.cors'] ?? given.route?.cors,
      host.typed_per_filter_config?.['envoy.filters.http.cors'],
    ),
    operation: given.decorator?.operation,
    perFilter: given.typed_per_filter_config,
    rateLimits: compileRateLimits(given.route?.rate_limits, 'route.rate_limits'),
    includesHostLimits: given.route?.include_vh_rate_limits === true,
    metadata: given.metadata,
    origins: readOrigins(given.metadata),
  };
}

const REDIRECT_STATUS = {
  MOVED_PERMANENTLY: 301,
  FOUND: 302,
  SEE_OTHER: 303,
  TEMPORARY_REDIRECT: 307,
  PERMANENT_REDIRECT: 308,
} as const;

function compileTarget(given: Route, hostPolicy: RetryPolicy | undefined): RouteTarget {
  if (given.redirect !== undefined) {
    const redirect = given.redirect;
    return {
      kind: 'redirect',
      status: REDIRECT_STATUS[redirect.response_code ?? 'MOVED_PERMANENTLY'],
      // Istio sends empty texts for what a rule does not change.
      host: redirect.host_redirect || undefined,
      port: redirect.port_redirect,
      path: redirect.path_redirect || undefined,
      prefixRewrite: redirect.prefix_rewrite,
      regexRewrite: redirect.regex_rewrite && compileRegexRewrite(redirect.regex_rewrite, 'redirect.regex_rewrite'),
      scheme: redirect.https_redirect === true ? 'https' : redirect.scheme_redirect,
      stripsQuery: redirect.strip_query === true,
    };
  }
  if (given.direct_response !== undefined) {
    const { status, body, body_format } = given.direct_response;
    const bytes =
      body?.inline_bytes === undefined
        ? Buffer.from(body?.inline_string ?? '')
        : Buffer.from(body.inline_bytes, 'base64');
    return { kind: 'direct', status, body: bytes, format: readBodyFormat(body_format) };
  }
  if (given.route !== undefined) {
    const action = hostPolicy === undefined ? given.route : { retry_policy: hostPolicy, ...given.route };
    return within('route', () => compileForward(action));
  }
  throw new ConfigProblem('action', 'has none of route, redirect, direct_response');
}

const NOT_FOUND_STATUS: Readonly<Record<string, number>> = { NOT_FOUND: 404, INTERNAL_SERVER_ERROR: 500 };

function compileForward(action: RouteAction): ForwardAction {
  const shares = compileShares(action);
  const totalWeight = shares.reduce((sum, share) => sum + share.weight, 0);
  if (totalWeight === 0)
    throw new ConfigProblem('weighted_clusters', 'Sum of weights in the weighted_cluster must be greater than 0.');
  if (action.prefix_rewrite && action.regex_rewrite) {
    throw new ConfigProblem('prefix_rewrite', 'Specify only one of prefix_rewrite, regex_rewrite');
  }
  const rewrite = action.regex_rewrite;
  return {
    kind: 'forward',
    shares,
    totalWeight,
    clusterNotFoundStatus: NOT_FOUND_STATUS[action.cluster_not_found_response_code ?? ''] ?? 503,
    timeoutMs: durationMs(action.timeout, 'timeout', DEFAULT_TIMEOUT_MS),
    maxGrpcTimeoutMs:
      action.max_grpc_timeout === undefined ? undefined : durationMs(action.max_grpc_timeout, 'max_grpc_timeout', 0),
    retry: action.retry_policy && compileRetryPolicy(action.retry_policy),
    // Istio sends an empty text for what a rule does not change.
    prefixRewrite: action.prefix_rewrite || undefined,
    regexRewrite: rewrite && compileRegexRewrite(rewrite, 'regex_rewrite'),
    hostRewrite: readHostRewrite(action),
    tellsForwardedHost: action.append_x_forwarded_host === true,
    silenceMs: action.idle_timeout === undefined ? undefined : durationMs(action.idle_timeout, 'idle_timeout', 0),
    maxStreamMs: readMaxStream(action),
    grpcStreamMaxMs: readGrpcStreamMax(action),
    mirrors: (action.request_mirror_policies ?? []).map((mirror) => ({
      cluster: mirror.cluster ?? '',
      clusterHeader: (mirror.cluster_header ?? '').toLowerCase(),
      marksHost: mirror.disable_shadow_host_suffix_append !== true,
      share: readFraction(mirror.runtime_fraction?.default_value, ALWAYS),
    })),
    upgrades: new Map(
      (action.upgrade_configs ?? []).map(({ upgrade_type, enabled }) => [
        upgrade_type.toLowerCase(),
        enabled !== false,
      ]),
    ),
    hashPolicies: compileHashPolicies(action.hash_policy),
    priority: action.priority ?? 'DEFAULT',
  };
}

function readHostRewrite(action: RouteAction): HostRewrite | undefined {
  if (action.host_rewrite_literal) return { kind: 'literal', host: action.host_rewrite_literal };
  if (action.host_rewrite_header) return { kind: 'header', name: action.host_rewrite_header.toLowerCase() };
  if (action.auto_host_rewrite === true) return { kind: 'auto' };
  const path = action.host_rewrite_path_regex;
  return path && { kind: 'path', rewrite: compileRegexRewrite(path, 'host_rewrite_path_regex') };
}

function readMaxStream({ max_stream_duration: limit }: RouteAction): number | undefined {
  const given = limit?.max_stream_duration;
  return given === undefined ? undefined : durationMs(given, 'max_stream_duration.max_stream_duration', 0);
}

function readGrpcStreamMax({ max_stream_duration: limit }: RouteAction): number | undefined {
  const given = limit?.grpc_timeout_header_max;
  return given === undefined ? undefined : durationMs(given, 'max_stream_duration.grpc_timeout_header_max', 0);
}

interface BodyFormatJson {
  readonly text_format_source?: { readonly inline_string?: string };
  readonly json_format?: Readonly<Record<string, unknown>>;
  readonly content_type?: string;
}

/** Reads a SubstitutionFormatString that makes a body. */
export function readBodyFormat(given: BodyFormatJson | undefined): BodyFormat | undefined {
  if (given === undefined) return undefined;
  if (given.json_format !== undefined) {
    const write = compileJsonFormat(given.json_format, false, 'body_format.json_format');
    return { write: (subject) => `${write(subject)}\n`, contentType: given.content_type || 'application/json' };
  }
  const write = compileFormat(given.text_format_source?.inline_string ?? '', 'body_format.text_format_source');
  return { write, contentType: given.content_type || 'text/plain' };
}

function compileShares(action: RouteAction): ClusterShare[] {
  if (action.cluster !== undefined) return [{ cluster: action.cluster, weight: 1, headers: undefined }];
  const given: readonly WeightedCluster[] = action.weighted_clusters?.clusters ?? [];
  if (given.length === 0) throw new ConfigProblem('cluster_specifier', 'has none of cluster, weighted_clusters');
  return given.map((share, i) => ({
    cluster: share.name,
    weight: share.weight ?? 0,
    headers: within(`weighted_clusters.clusters[${i}]`, () => compileHeaderRules(share)),
  }));
}
