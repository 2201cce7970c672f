import type { Any, StringMatcher } from '#xds';
import type { MeshSnapshot } from '../../snapshot/mesh-snapshot.ts';
import { type ProviderCluster, providerCluster } from '../clusters/provider-cluster.ts';
import { protoDuration } from '../durations.ts';
import { FILTER_TYPES } from './policy-filters.ts';

interface CommonProvider {
  readonly service?: string;
  readonly port?: number;
  readonly timeout?: string;
  readonly failOpen?: boolean;
  readonly statusOnError?: string;
  readonly includeRequestBodyInCheck?: {
    readonly maxRequestBytes?: number;
    readonly allowPartialMessage?: boolean;
    readonly packAsBytes?: boolean;
  };
}

interface HttpProvider extends CommonProvider {
  readonly pathPrefix?: string;
  readonly includeHeadersInCheck?: readonly string[];
  readonly includeRequestHeadersInCheck?: readonly string[];
  readonly includeAdditionalHeadersInCheck?: Readonly<Record<string, string>>;
  readonly headersToUpstreamOnAllow?: readonly string[];
  readonly headersToDownstreamOnDeny?: readonly string[];
  readonly headersToDownstreamOnAllow?: readonly string[];
}

/** The filters of one external authorizer, still without the condition that says for which requests it is asked. */
export interface ExtAuthzFilters {
  readonly http: Any;
  /** Absent for a provider that speaks HTTP: it cannot judge bytes. */
  readonly network?: Any;
}

/** Why a provider cannot be used; policies that name it deny everything they match. */
export interface BadProvider {
  readonly problem: string;
}

/** The external authorizers of the mesh by name. Source: processExtensionProvider in istio pilot. */
export function externalAuthorizers(snapshot: MeshSnapshot): ReadonlyMap<string, ExtAuthzFilters | BadProvider> {
  const found = new Map<string, ExtAuthzFilters | BadProvider>();
  for (const provider of snapshot.mesh.extensionProviders) {
    const http = provider['envoyExtAuthzHttp'] as HttpProvider | undefined;
    const grpc = provider['envoyExtAuthzGrpc'] as CommonProvider | undefined;
    const name = provider.name ?? '';
    const common = http ?? grpc;
    if (common === undefined) continue;
    const problem = nameProblem(name, found) ?? commonProblem(common) ?? httpProblem(http);
    const target = providerCluster(snapshot, common.service ?? '', common.port ?? 0);
    if (problem !== undefined) found.set(name, { problem });
    else if (typeof target === 'string') found.set(name, { problem: target });
    else found.set(name, http === undefined ? grpcFilters(common, target) : { http: httpFilter(http, target) });
  }
  return found;
}

function nameProblem(name: string, found: ReadonlyMap<string, unknown>): string | undefined {
  if (found.has(name)) return `several extension providers are named ${name}`;
  if (name.length > 63 || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)) {
    return `"${name}" is no provider name: lower-case letters, digits and inner hyphens, at most 63`;
  }
  return undefined;
}

function commonProblem({ port = 0, statusOnError = '' }: CommonProvider): string | undefined {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return `port must be in 1-65535, not ${port}`;
  if (statusOnError !== '' && !STATUS_CODES.has(Number(statusOnError))) {
    return `statusOnError ${statusOnError} is no status code that Envoy knows`;
  }
  return undefined;
}

function httpProblem(http: HttpProvider | undefined): string | undefined {
  if (http === undefined) return undefined;
  if (http.pathPrefix && !http.pathPrefix.startsWith('/')) return `pathPrefix must begin with "/": ${http.pathPrefix}`;
  const lists = [
    'includeRequestHeadersInCheck',
    'includeHeadersInCheck',
    'headersToDownstreamOnDeny',
    'headersToDownstreamOnAllow',
    'headersToUpstreamOnAllow',
  ] as const;
  const wild = lists.find((list) => http[list]?.includes('*'));
  return wild && `${wild} cannot hold "*" alone: write a prefix or a suffix`;
}

function httpFilter(given: HttpProvider, { hostname, cluster }: ProviderCluster): Any {
  const additional = Object.entries(given.includeAdditionalHeadersInCheck ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const allowed = headerMatchers(given.includeRequestHeadersInCheck) ?? headerMatchers(given.includeHeadersInCheck);
  const upstream = headerMatchers(given.headersToUpstreamOnAllow);
  const onDeny = headerMatchers(given.headersToDownstreamOnDeny);
  const onAllow = headerMatchers(given.headersToDownstreamOnAllow);
  return {
    ...commonFields(given),
    http_service: {
      // Envoy asks for an address and never uses it: the cluster says where to go.
      server_uri: { uri: `http://${hostname}`, cluster, timeout: timeoutOf(given) },
      ...(given.pathPrefix && { path_prefix: given.pathPrefix }),
      ...(additional.length > 0 && {
        authorization_request: { headers_to_add: additional.map(([key, value]) => ({ key, value })) },
      }),
      ...((upstream || onDeny || onAllow) && {
        authorization_response: {
          ...(upstream && { allowed_upstream_headers: upstream }),
          ...(onDeny && { allowed_client_headers: onDeny }),
          ...(onAllow && { allowed_client_headers_on_success: onAllow }),
        },
      }),
    },
    ...(allowed && { allowed_headers: allowed }),
  };
}

function grpcFilters(given: CommonProvider, { hostname, cluster }: ProviderCluster): ExtAuthzFilters {
  const grpc_service = {
    envoy_grpc: { cluster_name: cluster, authority: hostname },
    timeout: timeoutOf(given),
  };
  return {
    http: { ...commonFields(given), grpc_service },
    network: {
      '@type': FILTER_TYPES.networkExtAuthz,
      stat_prefix: 'tcp.',
      ...(given.failOpen === true && { failure_mode_allow: true }),
      transport_api_version: 'V3',
      grpc_service,
    },
  };
}

function commonFields({ failOpen, statusOnError, includeRequestBodyInCheck: body }: CommonProvider): Any {
  return {
    '@type': FILTER_TYPES.httpExtAuthz,
    transport_api_version: 'V3',
    ...(failOpen === true && { failure_mode_allow: true }),
    ...(statusOnError && { status_on_error: { code: Number(statusOnError) } }),
    ...(body && {
      with_request_body: {
        max_request_bytes: body.maxRequestBytes ?? 0,
        ...(body.allowPartialMessage === true && { allow_partial_message: true }),
        ...(body.packAsBytes === true && { pack_as_bytes: true }),
      },
    }),
  };
}

/** Istio waits ten minutes unless told otherwise. */
const timeoutOf = ({ timeout }: CommonProvider): string => (timeout === undefined ? '600s' : protoDuration(timeout));

function headerMatchers(names: readonly string[] = []): { patterns: StringMatcher[] } | undefined {
  if (names.length === 0) return undefined;
  const patterns = names.map((name): StringMatcher => {
    if (name.startsWith('*')) return { suffix: name.slice(1), ignore_case: true };
    return name.endsWith('*') ? { prefix: name.slice(0, -1), ignore_case: true } : { exact: name, ignore_case: true };
  });
  return { patterns };
}

const span = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** The values of envoy.type.v3.StatusCode. */
const STATUS_CODES: ReadonlySet<number> = new Set([
  ...[0, 100, ...span(200, 208), 226, ...span(300, 305), 307, 308],
  ...[...span(400, 417), ...span(421, 424), 426, 428, 429, 431],
  ...[...span(500, 508), 510, 511],
]);
