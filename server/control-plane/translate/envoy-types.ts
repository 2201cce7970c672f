import type { Any, Cluster, Duration, RouteAction } from '#xds';

/** `@type` values of extensions that only translation writes. */
export const filterTypes = {
  cors: 'type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors',
  corsPolicy: 'type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy',
} as const;

/** Filter names; the keys of `typed_per_filter_config` are the same. */
export const filterNames = {
  httpConnectionManager: 'envoy.filters.network.http_connection_manager',
  tcpProxy: 'envoy.filters.network.tcp_proxy',
  fault: 'envoy.filters.http.fault',
  cors: 'envoy.filters.http.cors',
  router: 'envoy.filters.http.router',
} as const;

type MirrorPolicy = NonNullable<RouteAction['request_mirror_policies']>[number];

export interface IstioMirrorPolicy extends MirrorPolicy {
  trace_sampled?: boolean;
  disable_shadow_host_suffix_append?: boolean;
}

/** RouteAction with the fields that Istio sets beyond those the proxies read. */
export interface IstioRouteAction extends RouteAction {
  max_grpc_timeout?: Duration;
  append_x_forwarded_host?: boolean;
  request_mirror_policies?: IstioMirrorPolicy[];
}

/** Cluster with the fields that Istio sets beyond those the proxies read. */
export interface IstioCluster extends Cluster {
  /** A kind of cluster that an extension has, in the place of `type`. */
  cluster_type?: { name: string; typed_config: Any };
  ring_hash_lb_config?: { minimum_ring_size: string };
  maglev_lb_config?: { table_size: string };
  round_robin_lb_config?: Record<string, unknown>;
  least_request_lb_config?: Record<string, unknown>;
  upstream_connection_options?: Record<string, unknown>;
  cleanup_interval?: Duration;
  filters?: { name: string; typed_config: Any }[];
  dns_lookup_family?: 'V4_ONLY' | 'V6_ONLY' | 'ALL';
  dns_refresh_rate?: Duration;
  dns_jitter?: Duration;
  respect_dns_ttl?: boolean;
  typed_dns_resolver_config?: { name: string; typed_config: Any };
  original_dst_lb_config?: { upstream_port_override: number };
}

export const PASSTHROUGH_CLUSTER = 'PassthroughCluster';
export const BLACK_HOLE_CLUSTER = 'BlackHoleCluster';
export const INBOUND_PASSTHROUGH_CLUSTER = 'InboundPassthroughCluster';

export const NO_TIMEOUT: Duration = '0s';

/** The largest count a 32-bit field can hold; Istio's way to say "no limit". */
export const UNLIMITED = 4_294_967_295;

/** Istio ends statistics prefixes with this, so that names with dots can be taken apart again. */
export const statPrefix = (name: string): string => `${name};`;
