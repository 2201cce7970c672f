import type { SocketAddress } from '#domain';

export type AdsVariant = 'delta' | 'state of the world';

export interface BootstrapOptions {
  readonly node: { readonly id: string; readonly cluster: string; readonly metadata: object };
  readonly podIp: string;
  readonly variant: AdsVariant;
  /** Where ADS and SDS are served, in plaintext HTTP/2. */
  readonly adsPort: number;
  readonly sdsPort: number;
  /** The ports of Istio's agent, which pods and probes ask, are served as well. */
  readonly agentPorts?: boolean;
}

const ADMIN_PORT = 15000;
const FROM_ADS = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '0s' };

/** What Istio's agent would write for Envoy: where to find the control plane and the agent, nothing of the mesh itself. */
export const bootstrap = (options: BootstrapOptions): object => {
  const { node, podIp, variant, adsPort, sdsPort, agentPorts = false } = options;
  const admin = { ip: podIp, port: ADMIN_PORT };
  return {
    node,
    admin: { address: socketAddress(admin) },
    dynamic_resources: {
      ads_config: {
        api_type: variant === 'delta' ? 'DELTA_GRPC' : 'GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: 'xds-grpc' } }],
      },
      lds_config: FROM_ADS,
      cds_config: FROM_ADS,
    },
    static_resources: {
      clusters: [
        grpcCluster('xds-grpc', { ip: podIp, port: adsPort }),
        grpcCluster('sds-grpc', { ip: podIp, port: sdsPort }),
        ...(agentPorts ? [cluster('agent', admin)] : []),
      ],
      listeners: agentPorts ? AGENT_PAGES.map(([port, pages]) => pagesListener({ ip: podIp, port }, pages)) : [],
    },
  };
};

export const socketAddress = ({ ip, port }: SocketAddress): object => ({
  socket_address: { address: ip, port_value: port },
});

export const loadAssignment = (name: string, addresses: readonly SocketAddress[]): object => ({
  cluster_name: name,
  endpoints: [{ lb_endpoints: addresses.map((address) => ({ endpoint: { address: socketAddress(address) } })) }],
});

const cluster = (name: string, address: SocketAddress): object => ({
  name,
  type: 'STATIC',
  connect_timeout: '1s',
  load_assignment: loadAssignment(name, [address]),
});

const grpcCluster = (name: string, address: SocketAddress): object => ({
  ...cluster(name, address),
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
});

/** Pages by path, each with the path at the admin port that answers for it. */
type Pages = Readonly<Record<string, string>>;

const READY = { '/healthz/ready': '/ready' };
const METRICS = { '/stats/prometheus': '/stats/prometheus' };

const AGENT_PAGES: readonly (readonly [port: number, pages: Pages])[] = [
  [15020, { ...READY, ...METRICS, '/metrics': '/stats/prometheus' }],
  [15021, READY],
  [15090, METRICS],
];

const pagesListener = (address: SocketAddress, pages: Pages): object => ({
  name: `agent_${address.port}`,
  address: socketAddress(address),
  filter_chains: [
    {
      filters: [
        {
          name: 'envoy.filters.network.http_connection_manager',
          typed_config: {
            '@type':
              'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
            stat_prefix: 'agent',
            route_config: {
              virtual_hosts: [
                {
                  name: 'agent',
                  domains: ['*'],
                  routes: Object.entries(pages).map(([path, prefix_rewrite]) => ({
                    match: { path },
                    route: { cluster: 'agent', prefix_rewrite },
                  })),
                },
              ],
            },
            http_filters: [
              {
                name: 'envoy.filters.http.router',
                typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
              },
            ],
          },
        },
      ],
    },
  ],
});
