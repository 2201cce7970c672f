import { type Any, extensionTypes, type FilterChain, type HttpConnectionManager, type RouteConfiguration } from '#xds';
import type { MeshConfig } from '../../doors.ts';
import { ADS_SOURCE } from '../ads-source.ts';
import { filterNames, filterTypes, NO_TIMEOUT } from '../envoy-types.ts';
import { ALPN_FILTER, GRPC_STATS_FILTER, peerMetadataFilter, UUID_EXTENSION } from '../http-filters/istio-filters.ts';
import { sessionFilters } from '../http-filters/sessions.ts';
import type { WorkloadPolicies } from '../http-filters/workload-policies.ts';
import { exchangesInMesh, headerCase, hidesDebugHeaders, serverHeaders } from '../proxy-headers.ts';
import { accessLog } from '../telemetry/access-log.ts';

type HttpFilter = NonNullable<HttpConnectionManager['http_filters']>[number];

export interface HttpFilterInput {
  readonly mesh: MeshConfig;
  /** Whether the proxy knows Istio's own filters. */
  readonly istioProxy: boolean;
  readonly statPrefix: string;
  /** Name of an RDS resource, or the table itself. */
  readonly routes: { readonly rds: string } | { readonly inline: RouteConfiguration };
  readonly side: 'outbound' | 'inbound' | 'gateway';
  readonly http2?: boolean;
  /** Translates gRPC-Web, which browsers speak, to gRPC. */
  readonly grpcWeb?: boolean;
  /** For clients that use the proxy by name. */
  readonly absoluteUrls?: boolean;
  /** Stand right before routing. */
  readonly lookups?: readonly HttpFilter[];
  /** What the proxy enforces on these requests, before everything else. */
  readonly policies?: WorkloadPolicies;
}

/**
 * The HTTP connection manager of a listener. Policies come first, then fault injection and CORS; routing is last.
 * Only a proxy that says it is Istio's gets Istio's own filters (metadata exchange, ALPN, statistics): every other proxy would refuse
 * them, and the lab's do their work by themselves.
 */
export function httpFilter(input: HttpFilterInput): FilterChain['filters'][number] {
  const { mesh, side, routes, istioProxy } = input;
  const config: HttpConnectionManager = {
    '@type': extensionTypes.httpConnectionManager,
    stat_prefix: input.statPrefix,
    ...('rds' in routes
      ? { rds: { config_source: ADS_SOURCE, route_config_name: routes.rds } }
      : { route_config: routes.inline }),
    http_filters: [
      ...(istioProxy ? [peerMetadataFilter(side, exchangesInMesh(mesh))] : []),
      ...(input.policies?.http ?? []),
      ...(input.grpcWeb === true ? [GRPC_WEB_FILTER] : []),
      ...(istioProxy ? [GRPC_STATS_FILTER] : []),
      ...(istioProxy && side !== 'inbound' ? [ALPN_FILTER] : []),
      ...HTTP_FILTERS,
      ...sessionFilters(mesh, side),
      ...(input.lookups ?? []),
      routerFilter(mesh),
    ],
    ...accessLog(mesh),
    use_remote_address: side === 'gateway' || (side === 'outbound' && mesh.features.sidecarsUseRemoteAddress),
    ...(side === 'gateway' && clientCertificates(mesh)),
    ...serverHeaders(mesh, side),
    ...(side === 'gateway' && trustedProxies(mesh)),
    ...http1Options(input),
    upgrade_configs: [{ upgrade_type: 'websocket' }],
    stream_idle_timeout: NO_TIMEOUT,
    proxy_100_continue: true,
    ...pathNormalization(mesh.pathNormalization),
    ...(istioProxy && { request_id_extension: UUID_EXTENSION }),
    ...(input.http2 === true && { http2_protocol_options: {} }),
  };
  return { name: filterNames.httpConnectionManager, typed_config: config };
}

/** Also the filters that gRPC's own client knows, without CORS. */
export const FAULT_FILTER = { name: filterNames.fault, typed_config: { '@type': extensionTypes.fault } };
export const ROUTER_FILTER = { name: filterNames.router, typed_config: { '@type': extensionTypes.router } };

const routerFilter = (mesh: MeshConfig): HttpFilter =>
  hidesDebugHeaders(mesh)
    ? {
        name: filterNames.router,
        typed_config: { '@type': extensionTypes.router, suppress_envoy_headers: true } as Any,
      }
    : ROUTER_FILTER;

const GRPC_WEB_FILTER = {
  name: 'envoy.filters.http.grpc_web',
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.grpc_web.v3.GrpcWeb' },
};

const HTTP_FILTERS = [FAULT_FILTER, { name: filterNames.cors, typed_config: { '@type': filterTypes.cors } }];

function http1Options({ mesh, side, absoluteUrls }: HttpFilterInput): Partial<HttpConnectionManager> {
  const options = { ...(absoluteUrls === true && { allow_absolute_url: true }), ...headerCase(mesh) };
  return side === 'gateway' || Object.keys(options).length > 0 ? { http_protocol_options: options } : {};
}

/** How many proxies before a gateway are trusted. */
function trustedProxies({ defaultConfig }: MeshConfig): Partial<HttpConnectionManager> {
  const { numTrustedProxies = 0 } = defaultConfig?.gatewayTopology ?? {};
  return numTrustedProxies > 0 ? { xff_num_trusted_hops: numTrustedProxies } : {};
}

/** What a gateway tells of its client's certificate, beside or in the place of what proxies before it have told. */
function clientCertificates({ defaultConfig }: MeshConfig): Partial<HttpConnectionManager> {
  const { forwardClientCertDetails: wanted = 'UNDEFINED' } = defaultConfig?.gatewayTopology ?? {};
  const mode = wanted === 'UNDEFINED' ? 'SANITIZE_SET' : wanted;
  const sets = mode === 'APPEND_FORWARD' || mode === 'SANITIZE_SET';
  return {
    forward_client_cert_details: mode,
    ...(sets && { set_current_client_cert_details: { subject: true, cert: true, dns: true, uri: true } }),
  };
}

/** How a path is rewritten before it is matched. Source: buildHTTPConnectionManager in istio pilot. */
function pathNormalization(mode: string): Partial<HttpConnectionManager> {
  const keeps = { path_with_escaped_slashes_action: 'KEEP_UNCHANGED' };
  switch (mode) {
    case 'NONE':
      return { normalize_path: false, ...keeps };
    case 'MERGE_SLASHES':
      return { normalize_path: true, merge_slashes: true, ...keeps };
    case 'DECODE_AND_MERGE_SLASHES':
      return { normalize_path: true, merge_slashes: true, path_with_escaped_slashes_action: 'UNESCAPE_AND_FORWARD' };
    default:
      return { normalize_path: true, ...keeps };
  }
}
