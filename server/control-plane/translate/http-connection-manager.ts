import { extensionTypes, type FilterChain, type HttpConnectionManager, type RouteConfiguration } from '#xds';
import type { MeshConfig } from '../doors.ts';
import { accessLog } from './access-log.ts';
import { ADS_SOURCE } from './ads-source.ts';
import { filterNames, filterTypes, NO_TIMEOUT } from './envoy-types.ts';
import type { WorkloadPolicies } from './workload-policies.ts';

export interface HttpFilterInput {
  readonly mesh: MeshConfig;
  readonly statPrefix: string;
  /** Name of an RDS resource, or the table itself. */
  readonly routes: { readonly rds: string } | { readonly inline: RouteConfiguration };
  readonly side: 'outbound' | 'inbound' | 'gateway';
  readonly http2?: boolean;
  /** What the proxy enforces on these requests, before everything else. */
  readonly policies?: WorkloadPolicies;
}

/**
 * The HTTP connection manager of a listener. Fault injection comes before CORS, routing is last.
 * Unlike Istio, its own filters (metadata exchange, ALPN, statistics) are left out: every proxy of the lab does their work by itself.
 */
export function httpFilter(input: HttpFilterInput): FilterChain['filters'][number] {
  const { mesh, side, routes } = input;
  const config: HttpConnectionManager = {
    '@type': extensionTypes.httpConnectionManager,
    stat_prefix: input.statPrefix,
    ...('rds' in routes
      ? { rds: { config_source: ADS_SOURCE, route_config_name: routes.rds } }
      : { route_config: routes.inline }),
    http_filters: [...(input.policies?.http ?? []), ...HTTP_FILTERS],
    tracing: {
      client_sampling: { value: 100 },
      random_sampling: { value: mesh.tracingSampling },
      overall_sampling: { value: 100 },
    },
    ...accessLog(mesh),
    ...SIDES[side],
    upgrade_configs: [{ upgrade_type: 'websocket' }],
    stream_idle_timeout: NO_TIMEOUT,
    normalize_path: true,
    ...(input.http2 === true && { http2_protocol_options: {} }),
  };
  return { name: filterNames.httpConnectionManager, typed_config: config };
}

/** Also the filters that gRPC's own client knows, without CORS. */
export const FAULT_FILTER = { name: filterNames.fault, typed_config: { '@type': extensionTypes.fault } };
export const ROUTER_FILTER = { name: filterNames.router, typed_config: { '@type': extensionTypes.router } };

const HTTP_FILTERS = [
  FAULT_FILTER,
  { name: filterNames.cors, typed_config: { '@type': filterTypes.cors } },
  ROUTER_FILTER,
];

/** Outbound keeps Envoy's own `server: envoy`; the other two answer as `istio-envoy`. */
const SIDES = {
  outbound: { use_remote_address: false },
  inbound: {
    use_remote_address: false,
    server_name: 'istio-envoy',
    forward_client_cert_details: 'APPEND_FORWARD',
    set_current_client_cert_details: { subject: true, dns: true, uri: true },
  },
  gateway: {
    use_remote_address: true,
    server_name: 'istio-envoy',
    forward_client_cert_details: 'SANITIZE_SET',
    set_current_client_cert_details: { subject: true, cert: true, dns: true, uri: true },
    http_protocol_options: {},
  },
} as const;
