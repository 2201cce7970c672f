import type { RouteConfiguration } from './route-resources.ts';

export type * from './route-resources.ts';

/**
 * The Envoy v3 messages that Meshwork reads and writes, in protobuf JSON with the field names of the .proto files, exactly as an
 * Envoy config dump prints them: durations are `"7s"`, wrapped numbers are plain numbers, an Any carries `@type`.
 * Only the fields in use are typed; others survive encoding. Source: envoy/config/{listener,route,cluster,endpoint,core}/v3.
 */
export type Duration = string;

/** google.protobuf.Any in JSON. */
export interface Any {
  '@type': string;
  [field: string]: unknown;
}

export interface Metadata {
  filter_metadata?: Record<string, Record<string, unknown>>;
}

/**
 * What `metadata.filter_metadata.meshwork` holds: the resource and field that caused an xDS resource, plus the fields behind its
 * parts. Keys of `parts` are the xDS field they explain: `match`, `timeout`, `retry_policy`, `fault.delay`, `fault.abort`,
 * `weighted_clusters.<index>`, `request_headers_to_add`, `lb_policy`, `subset`, `transport_socket`, `outlier_detection` …
 */
export interface OriginMetadata {
  kind: string;
  namespace: string;
  name: string;
  path: string;
  parts?: Record<string, string>;
}

export interface SocketAddressProto {
  socket_address: { address: string; port_value: number; protocol?: string };
}
export interface AddressProto {
  socket_address?: { address: string; port_value: number; protocol?: string };
  pipe?: { path: string };
}

export interface FractionalPercent {
  numerator?: number;
  denominator?: 'HUNDRED' | 'TEN_THOUSAND' | 'MILLION';
}

export interface StringMatcher {
  exact?: string;
  prefix?: string;
  suffix?: string;
  contains?: string;
  safe_regex?: { regex: string };
  ignore_case?: boolean;
}

// --- Listener -------------------------------------------------------------------------------------------------------------

export interface Listener {
  name: string;
  address?: AddressProto;
  traffic_direction?: 'UNSPECIFIED' | 'INBOUND' | 'OUTBOUND';
  bind_to_port?: boolean;
  use_original_dst?: boolean;
  max_connections_to_accept_per_socket_event?: number;
  filter_chains?: FilterChain[];
  default_filter_chain?: FilterChain;
  listener_filters?: { name: string; typed_config?: Any; filter_disabled?: Record<string, unknown> }[];
  listener_filters_timeout?: Duration;
  continue_on_listener_filters_timeout?: boolean;
  /** xds.type.matcher.v3.Matcher */
  filter_chain_matcher?: Readonly<Record<string, unknown>>;
  api_listener?: { api_listener: Any };
  /** Connections that reach no filter chain. */
  access_log?: HttpConnectionManager['access_log'];
  metadata?: Metadata;
}

/** A network or HTTP filter: with its configuration, or with the place where that is asked for (ECDS). */
export interface ConfiguredFilter {
  name: string;
  typed_config?: Any;
  config_discovery?: ExtensionConfigSource;
}

export interface ExtensionConfigSource {
  config_source: { ads?: object; resource_api_version?: string; initial_fetch_timeout?: Duration };
  type_urls: string[];
  default_config?: Any;
  apply_default_config_without_warming?: boolean;
}

export interface FilterChainMatch {
  destination_port?: number;
  prefix_ranges?: { address_prefix: string; prefix_len?: number }[];
  direct_source_prefix_ranges?: { address_prefix: string; prefix_len?: number }[];
  source_type?: 'ANY' | 'SAME_IP_OR_LOOPBACK' | 'EXTERNAL';
  source_prefix_ranges?: { address_prefix: string; prefix_len?: number }[];
  source_ports?: number[];
  /** Not implemented by Envoy. */
  address_suffix?: string;
  suffix_len?: number;
  server_names?: string[];
  transport_protocol?: string;
  application_protocols?: string[];
}

export interface FilterChain {
  name?: string;
  filter_chain_match?: FilterChainMatch;
  filters: ConfiguredFilter[];
  transport_socket?: TransportSocket;
  transport_socket_connect_timeout?: Duration;
  metadata?: Metadata;
}

export interface TransportSocket {
  name: string;
  typed_config: Any;
}

export interface HttpConnectionManager extends Any {
  stat_prefix: string;
  codec_type?: 'AUTO' | 'HTTP1' | 'HTTP2';
  rds?: {
    config_source: { ads: object; resource_api_version?: string; initial_fetch_timeout?: Duration };
    route_config_name: string;
  };
  route_config?: RouteConfiguration;
  http_filters?: ConfiguredFilter[];
  access_log?: readonly { name: string; typed_config: Any; filter?: Readonly<Record<string, unknown>> }[];
  server_name?: string;
  use_remote_address?: boolean;
  forward_client_cert_details?: string;
  stream_idle_timeout?: Duration;
  generate_request_id?: boolean;
  normalize_path?: boolean;
  tracing?: {
    random_sampling?: { value?: number };
    client_sampling?: { value: number };
    overall_sampling?: { value: number };
    custom_tags?: { tag: string }[];
    max_path_tag_length?: number;
    spawn_upstream_span?: boolean;
    no_context_propagation?: boolean;
    provider?: { name: string; typed_config: Any };
  };
}

export interface TcpProxy extends Any {
  stat_prefix: string;
  cluster?: string;
  weighted_clusters?: { clusters: { name: string; weight: number; metadata_match?: Metadata }[] };
  metadata_match?: Metadata;
  /** The host is to connect on, by CONNECT or POST. */
  tunneling_config?: Record<string, unknown>;
  hash_policy?: { source_ip?: object }[];
  idle_timeout?: Duration;
}

// --- Clusters and endpoints -----------------------------------------------------------------------------------------------

export interface Cluster {
  name: string;
  type?: 'STATIC' | 'STRICT_DNS' | 'LOGICAL_DNS' | 'EDS' | 'ORIGINAL_DST';
  alt_stat_name?: string;
  connect_timeout?: Duration;
  lb_policy?: 'ROUND_ROBIN' | 'LEAST_REQUEST' | 'RANDOM' | 'RING_HASH' | 'MAGLEV' | 'CLUSTER_PROVIDED';
  eds_cluster_config?: {
    eds_config: { ads?: object; resource_api_version?: string; initial_fetch_timeout?: Duration };
    service_name?: string;
  };
  load_assignment?: ClusterLoadAssignment;
  circuit_breakers?: { thresholds: CircuitBreakerThresholds[] };
  outlier_detection?: Record<string, unknown>;
  common_lb_config?: Record<string, unknown>;
  ring_hash_lb_config?: Record<string, unknown>;
  maglev_lb_config?: Record<string, unknown>;
  round_robin_lb_config?: Record<string, unknown>;
  least_request_lb_config?: Record<string, unknown>;
  lb_subset_config?: Record<string, unknown>;
  /** In place of `lb_policy`. */
  load_balancing_policy?: Record<string, unknown>;
  dns_refresh_rate?: Duration;
  dns_failure_refresh_rate?: Record<string, unknown>;
  respect_dns_ttl?: boolean;
  dns_lookup_family?: 'AUTO' | 'V4_ONLY' | 'V6_ONLY' | 'V4_PREFERRED' | 'ALL';
  health_checks?: Record<string, unknown>[];
  ignore_health_on_host_removal?: boolean;
  transport_socket?: TransportSocket;
  transport_socket_matches?: { name: string; match: Record<string, unknown>; transport_socket: TransportSocket }[];
  original_dst_lb_config?: Record<string, unknown>;
  /** In place of `type`: an extension. */
  cluster_type?: { name: string; typed_config?: Any };
  upstream_bind_config?: { source_address: { address: string; port_value: number } };
  typed_extension_protocol_options?: Record<string, Any>;
  /** Before there were extensions, and where none says otherwise. */
  http_protocol_options?: Record<string, unknown>;
  http2_protocol_options?: Record<string, unknown>;
  common_http_protocol_options?: Record<string, unknown>;
  upstream_http_protocol_options?: Record<string, unknown>;
  protocol_selection?: 'USE_CONFIGURED_PROTOCOL' | 'USE_DOWNSTREAM_PROTOCOL';
  max_requests_per_connection?: number;
  metadata?: Metadata;
}

export interface CircuitBreakerThresholds {
  max_connection_pools?: number;
  priority?: 'DEFAULT' | 'HIGH';
  max_connections?: number;
  max_pending_requests?: number;
  max_requests?: number;
  max_retries?: number;
  retry_budget?: Record<string, unknown>;
  track_remaining?: boolean;
}

export interface ClusterLoadAssignment {
  cluster_name: string;
  endpoints?: LocalityLbEndpoints[];
  policy?: {
    overprovisioning_factor?: number;
    weighted_priority_health?: boolean;
    endpoint_stale_after?: string;
    drop_overloads?: readonly { category?: string; drop_percentage?: FractionalPercent }[];
  };
}

export interface LocalityLbEndpoints {
  locality?: { region?: string; zone?: string; sub_zone?: string };
  lb_endpoints?: LbEndpoint[];
  load_balancing_weight?: number;
  priority?: number;
}

export interface LbEndpoint {
  endpoint: {
    address: AddressProto;
    hostname?: string;
    health_check_config?: {
      port_value?: number;
      hostname?: string;
      address?: AddressProto;
      disable_active_health_check?: boolean;
    };
  };
  health_status?: 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY' | 'DRAINING' | 'TIMEOUT' | 'DEGRADED';
  load_balancing_weight?: number;
  metadata?: Metadata;
}

// --- Extensions -----------------------------------------------------------------------------------------------------------

/** What ECDS serves: the configuration of the filters that ask for it by this name. */
export interface TypedExtensionConfig {
  name: string;
  typed_config: Any;
}

/** What NDS serves to Istio's agent: the names that it answers DNS for. There is one. */
export interface NameTable {
  readonly table: Readonly<Record<string, NameInfo>>;
}

/** A host and what it is known by. Source: istio/pkg/dns/proto/nds.proto. */
export interface NameInfo {
  readonly ips: readonly string[];
  /** `Kubernetes` or `External`. */
  readonly registry: string;
  /** Of services of Kubernetes. */
  readonly shortname?: string;
  readonly namespace?: string;
}

/** The name of the one table, which Istio sends without any. */
export const NAME_TABLE = 'nametable';

// --- Type URLs ------------------------------------------------------------------------------------------------------------

export const typeUrls = {
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  route: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoint: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  secret: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
  extension: 'type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig',
  nameTable: 'type.googleapis.com/istio.networking.nds.v1.NameTable',
} as const;

export type TypeUrl = (typeof typeUrls)[keyof typeof typeUrls];

/** The message behind each type URL, so that a resource map can be typed by its URL. */
export interface ResourceByType {
  [typeUrls.listener]: Listener;
  [typeUrls.route]: RouteConfiguration;
  [typeUrls.cluster]: Cluster;
  [typeUrls.endpoint]: ClusterLoadAssignment;
  [typeUrls.secret]: Record<string, unknown>;
  [typeUrls.extension]: TypedExtensionConfig;
  [typeUrls.nameTable]: NameTable;
}

/** `@type` values of the extensions in use. */
export const extensionTypes = {
  httpConnectionManager:
    'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  tcpProxy: 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  router: 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
  fault: 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault',
  downstreamTls: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
  upstreamTls: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
  rawBuffer: 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer',
  httpProtocolOptions: 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
  fileAccessLog: 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
  originalDst: 'type.googleapis.com/envoy.extensions.filters.listener.original_dst.v3.OriginalDst',
  tlsInspector: 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
  httpInspector: 'type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector',
  previousHosts: 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
} as const;
