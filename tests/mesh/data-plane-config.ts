import {
  type Any,
  type Cluster,
  type ClusterLoadAssignment,
  extensionTypes,
  type FilterChain,
  type HttpConnectionManager,
  type Listener,
  type Route,
  type RouteConfiguration,
  type TransportSocket,
} from '#xds';
import { ISTIO_LOG_FORMAT } from '../../server/data-plane/config/access-log/index.ts';

/** Builders of the resources that Istio would send, as small as the tests need. */
export const router: { name: string; typed_config: Any } = {
  name: 'envoy.filters.http.router',
  typed_config: { '@type': extensionTypes.router },
};
export const faultFilter = { name: 'envoy.filters.http.fault', typed_config: { '@type': extensionTypes.fault } };
const grpcStatsFilter = {
  name: 'envoy.filters.http.grpc_stats',
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.grpc_stats.v3.FilterConfig' },
};
const statsFilter = { name: 'istio.stats', typed_config: { '@type': 'type.googleapis.com/stats.PluginConfig' } };
const accessLog = {
  name: 'envoy.access_loggers.file',
  typed_config: {
    '@type': extensionTypes.fileAccessLog,
    path: '/dev/stdout',
    log_format: { text_format_source: { inline_string: `${ISTIO_LOG_FORMAT}\n` } },
  },
};

export const http = (fields: Record<string, unknown>): FilterChain['filters'][number] => ({
  name: 'envoy.filters.network.http_connection_manager',
  typed_config: {
    '@type': extensionTypes.httpConnectionManager,
    http_filters: [grpcStatsFilter, faultFilter, statsFilter, router],
    access_log: [accessLog],
    normalize_path: true,
    tracing: { random_sampling: { value: 100 } },
    ...fields,
  },
});

const tcp = (cluster: string): FilterChain['filters'][number] => ({
  name: 'envoy.filters.network.tcp_proxy',
  typed_config: { '@type': extensionTypes.tcpProxy, stat_prefix: cluster, cluster, access_log: [accessLog] },
});

const at = (port: number): { socket_address: { address: string; port_value: number } } => ({
  socket_address: { address: '0.0.0.0', port_value: port },
});

export const virtualOutbound: Listener = {
  name: 'virtualOutbound',
  address: at(15001),
  use_original_dst: true,
  traffic_direction: 'OUTBOUND',
  filter_chains: [
    {
      name: 'virtualOutbound-blackhole',
      filter_chain_match: { destination_port: 15001 },
      filters: [tcp('BlackHoleCluster')],
    },
  ],
  default_filter_chain: { name: 'virtualOutbound-catchall-tcp', filters: [tcp('PassthroughCluster')] },
};

export const outboundListener = (port: number): Listener => ({
  name: `0.0.0.0_${port}`,
  address: at(port),
  bind_to_port: false,
  traffic_direction: 'OUTBOUND',
  filter_chains: [
    {
      filters: [
        http({
          stat_prefix: `outbound_0.0.0.0_${port}`,
          rds: { config_source: { ads: {} }, route_config_name: `${port}` },
        }),
      ],
    },
  ],
});

export const serverTls: TransportSocket = {
  name: 'envoy.transport_sockets.tls',
  typed_config: {
    '@type': extensionTypes.downstreamTls,
    require_client_certificate: true,
    common_tls_context: {
      alpn_protocols: ['h2', 'http/1.1'],
      tls_certificate_sds_secret_configs: [{ name: 'default' }],
      combined_validation_context: {
        default_validation_context: {},
        validation_context_sds_secret_config: { name: 'ROOTCA' },
      },
    },
  },
};

export const clientTls = (peer: string, sni: string): TransportSocket => ({
  name: 'envoy.transport_sockets.tls',
  typed_config: {
    '@type': extensionTypes.upstreamTls,
    sni,
    common_tls_context: {
      alpn_protocols: ['istio-peer-exchange', 'istio'],
      tls_certificate_sds_secret_configs: [{ name: 'default' }],
      combined_validation_context: {
        default_validation_context: { match_subject_alt_names: [{ exact: peer }] },
        validation_context_sds_secret_config: { name: 'ROOTCA' },
      },
    },
  },
});

export const virtualInbound = (
  port: number,
  mode: 'STRICT' | 'PERMISSIVE',
  fields: Partial<HttpConnectionManager> = {},
): Listener => {
  const hcm = http({
    stat_prefix: `inbound_0.0.0.0_${port}`,
    server_name: 'istio-envoy',
    forward_client_cert_details: 'APPEND_FORWARD',
    set_current_client_cert_details: { subject: true, dns: true, uri: true },
    ...fields,
    route_config: {
      name: `inbound|${port}||`,
      virtual_hosts: [
        {
          name: `inbound|http|${port}`,
          domains: ['*'],
          routes: [{ name: 'default', match: { prefix: '/' }, route: { cluster: `inbound|${port}||`, timeout: '0s' } }],
        },
      ],
    },
  });
  const secured: FilterChain = {
    name: `0.0.0.0_${port}`,
    filter_chain_match: {
      destination_port: port,
      transport_protocol: 'tls',
      application_protocols: ['istio', 'istio-http/1.0', 'istio-http/1.1', 'istio-h2'],
    },
    transport_socket: serverTls,
    filters: [hcm],
    metadata: {
      filter_metadata: {
        meshwork: { kind: 'PeerAuthentication', namespace: 'default', name: 'strict', path: 'spec.mtls.mode' },
      },
    },
  };
  const plain: FilterChain = {
    name: `0.0.0.0_${port}`,
    filter_chain_match: { destination_port: port, transport_protocol: 'raw_buffer' },
    filters: [hcm],
  };
  return {
    name: 'virtualInbound',
    address: at(15006),
    use_original_dst: true,
    traffic_direction: 'INBOUND',
    listener_filters: [
      { name: 'envoy.filters.listener.original_dst' },
      { name: 'envoy.filters.listener.tls_inspector' },
      { name: 'envoy.filters.listener.http_inspector' },
    ],
    listener_filters_timeout: '0s',
    filter_chains: [
      {
        name: 'virtualInbound-blackhole',
        filter_chain_match: { destination_port: 15006 },
        filters: [tcp('BlackHoleCluster')],
      },
      secured,
      ...(mode === 'PERMISSIVE' ? [plain] : []),
    ],
  };
};

export const standardClusters: Cluster[] = [
  { name: 'PassthroughCluster', type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED' },
  { name: 'BlackHoleCluster', type: 'STATIC' },
];

export const inboundCluster = (port: number): Cluster => ({
  name: `inbound|${port}||`,
  type: 'ORIGINAL_DST',
  lb_policy: 'CLUSTER_PROVIDED',
  upstream_bind_config: { source_address: { address: '127.0.0.6', port_value: 0 } },
});

export const edsCluster = (name: string, fields: Partial<Cluster> = {}): Cluster => ({
  name,
  type: 'EDS',
  lb_policy: 'LEAST_REQUEST',
  connect_timeout: '1s',
  eds_cluster_config: { eds_config: { ads: {} }, service_name: name },
  ...fields,
});

export const endpoints = (cluster: string, addresses: readonly string[], mtls = false): ClusterLoadAssignment => ({
  cluster_name: cluster,
  endpoints: [
    {
      lb_endpoints: addresses.map((address) => {
        const [ip = '', port] = address.split(':');
        return {
          endpoint: { address: { socket_address: { address: ip, port_value: Number(port) } } },
          ...(mtls && { metadata: { filter_metadata: { 'envoy.transport_socket_match': { tlsMode: 'istio' } } } }),
        };
      }),
    },
  ],
});

/** At `addresses` (`ip:port`), whatever the control plane says of endpoints. */
export const staticCluster = (name: string, addresses: readonly string[], fields: Partial<Cluster> = {}): Cluster => ({
  name,
  type: 'STATIC',
  connect_timeout: '1s',
  load_assignment: endpoints(name, addresses),
  ...fields,
});

/** Fields of a cluster whose hosts are spoken to in HTTP/2. */
export const spokenHttp2: Partial<Cluster> = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
};

/** A listener of a gateway that sends everything to the cluster `application`. */
export const gatewayListener = (
  name: string,
  { ip, port }: { readonly ip: string; readonly port: number },
  { route, ...fields }: Record<string, unknown> & { readonly route?: Partial<Route> },
): Listener => ({
  name,
  address: { socket_address: { address: ip, port_value: port } },
  traffic_direction: 'OUTBOUND',
  filter_chains: [
    {
      filters: [
        http({
          stat_prefix: name,
          route_config: {
            name,
            virtual_hosts: [
              {
                name: 'all',
                domains: ['*'],
                routes: [{ match: { prefix: '/' }, route: { cluster: 'application' }, ...route }],
              },
            ],
          },
          ...fields,
        }),
      ],
    },
  ],
});

export const routes = (port: number, domains: string[], list: Route[]): RouteConfiguration => ({
  name: `${port}`,
  virtual_hosts: [{ name: `${domains[0]}`, domains, routes: list, include_request_attempt_count: true }],
});

export const forwardTo = (cluster: string, fields: Record<string, unknown> = {}): Route => ({
  name: 'default',
  match: { prefix: '/' },
  route: { cluster, timeout: '0s', ...fields },
});
