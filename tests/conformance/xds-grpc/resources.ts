import {
  type Cluster,
  type EncodedResource,
  encodeResource,
  extensionTypes,
  type HttpConnectionManager,
  typeUrls,
} from '#xds';
import type { GrpcBackend } from './grpc-peers.ts';

/** The target of the tests: a gRPC client asks for a listener of exactly this name. */
export const target = 'reviews.default:9080';
const subset = (version: string): string => `outbound|9080|${version}|reviews.default.svc.cluster.local`;

const hcm = {
  '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  stat_prefix: 'outbound',
  rds: { config_source: { ads: {}, resource_api_version: 'V3' }, route_config_name: target },
  http_filters: [
    {
      name: 'envoy.filters.http.router',
      typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
    },
  ],
} satisfies HttpConnectionManager;

const clusterOf = (
  version: string,
  lbPolicy: NonNullable<Cluster['lb_policy']>,
  server: string | undefined,
): EncodedResource =>
  encodeResource(typeUrls.cluster, {
    ...(server !== undefined && { transport_socket: mutualTls(server) }),
    name: subset(version),
    type: 'EDS',
    lb_policy: lbPolicy,
    eds_cluster_config: { eds_config: { ads: {}, resource_api_version: 'V3' }, service_name: subset(version) },
  });

const endpointsOf = (version: string, { address, port }: GrpcBackend): EncodedResource =>
  encodeResource(typeUrls.endpoint, {
    cluster_name: subset(version),
    endpoints: [
      {
        locality: { region: 'lab', zone: 'a' },
        // gRPC ignores a locality without a weight.
        load_balancing_weight: 1,
        lb_endpoints: [{ endpoint: { address: { socket_address: { address, port_value: port } } } }],
      },
    ],
  });

/** As Istio's istiod tells proxyless clients: certificates come from the provider that the bootstrap names. */
const mutualTls = (server: string): NonNullable<Cluster['transport_socket']> => ({
  name: 'envoy.transport_sockets.tls',
  typed_config: {
    '@type': extensionTypes.upstreamTls,
    common_tls_context: {
      tls_certificate_provider_instance: { instance_name: 'default' },
      combined_validation_context: {
        default_validation_context: {
          ca_certificate_provider_instance: { instance_name: 'default' },
          match_subject_alt_names: [{ exact: server }],
        },
      },
    },
  },
});

export interface CanaryOptions {
  readonly v1: GrpcBackend;
  readonly v2: GrpcBackend;
  /** Percent for v1 and v2. */
  readonly weights: readonly [number, number];
  /** Balancer of v2's cluster. */
  readonly lbPolicy?: NonNullable<Cluster['lb_policy']>;
  /** SPIFFE id that both must prove over mutual TLS; absent: plaintext. */
  readonly server?: string;
}

/** Everything a proxyless gRPC client needs for two weighted versions of one service. */
export function canary({ v1, v2, weights, lbPolicy = 'ROUND_ROBIN', server }: CanaryOptions): EncodedResource[] {
  const clusters = weights.map((weight, index) => ({ name: subset(`v${index + 1}`), weight }));
  return [
    encodeResource(typeUrls.listener, { name: target, api_listener: { api_listener: hcm } }),
    encodeResource(typeUrls.route, {
      name: target,
      virtual_hosts: [
        {
          name: target,
          domains: ['*'],
          routes: [{ match: { prefix: '' }, route: { weighted_clusters: { clusters } } }],
        },
      ],
    }),
    clusterOf('v1', 'ROUND_ROBIN', server),
    clusterOf('v2', lbPolicy, server),
    endpointsOf('v1', v1),
    endpointsOf('v2', v2),
  ];
}
