import type { ProxyNode } from '#xds';

export type AdsVariant = 'delta' | 'state of the world';

export interface BootstrapOptions {
  readonly node: ProxyNode;
  readonly podIp: string;
  readonly variant: AdsVariant;
  /** Where ADS and SDS are served, in plaintext HTTP/2. */
  readonly adsPort: number;
  readonly sdsPort: number;
}

const FROM_ADS = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '0s' };

/** What Istio's agent would write for Envoy: where to find the control plane and the agent, nothing of the mesh itself. */
export const bootstrap = ({ node, podIp, variant, adsPort, sdsPort }: BootstrapOptions): object => ({
  node,
  admin: { address: socketAddress(podIp, 15000) },
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
    clusters: [grpcCluster('xds-grpc', podIp, adsPort), grpcCluster('sds-grpc', podIp, sdsPort)],
  },
});

const socketAddress = (address: string, port_value: number): object => ({ socket_address: { address, port_value } });

const grpcCluster = (name: string, address: string, port: number): object => ({
  name,
  type: 'STATIC',
  connect_timeout: '1s',
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
  load_assignment: {
    cluster_name: name,
    endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(address, port) } }] }],
  },
});
