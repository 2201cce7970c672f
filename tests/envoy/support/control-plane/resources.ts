import { extensionTypes } from '#xds';

// What control planes of these tests send, as protobuf JSON.

const source = (initial_fetch_timeout: string) => ({ ads: {}, resource_api_version: 'V3', initial_fetch_timeout });
export const direct = {
  virtual_hosts: [
    { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }] },
  ],
};
export const inline = { route_config: { name: 'inline', ...direct } };
export const table = (name: string, cluster: string) => ({
  name,
  virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster } }] }],
});
export const byName = (name: string, wait = '0s') => ({
  rds: { config_source: source(wait), route_config_name: name },
});
export const listener = (ip: string, name: string, port: number, routes: object, transport_socket?: object) => ({
  name,
  address: { socket_address: { address: ip, port_value: port } },
  filter_chains: [
    {
      ...(transport_socket && { transport_socket }),
      filters: [
        {
          name: 'envoy.filters.network.http_connection_manager',
          typed_config: {
            '@type': extensionTypes.httpConnectionManager,
            stat_prefix: name,
            http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': extensionTypes.router } }],
            ...routes,
          },
        },
      ],
    },
  ],
});
export const secured = (secret: string) => ({
  name: 'envoy.transport_sockets.tls',
  typed_config: {
    '@type': extensionTypes.downstreamTls,
    common_tls_context: { tls_certificate_sds_secret_configs: [{ name: secret, sds_config: source('15s') }] },
  },
});
export const eds = (name: string, wait: string) => ({
  name,
  type: 'EDS',
  connect_timeout: '1s',
  eds_cluster_config: { eds_config: source(wait) },
});
