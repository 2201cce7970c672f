import { describe, expect, it } from 'vitest';
import { extensionTypes, type Listener } from '#xds';
import { compileCluster } from '../../../server/data-plane/config/cluster-config.ts';
import { compileListener } from '../../../server/data-plane/config/listener-config.ts';

const EXTENSIONS = 'type.googleapis.com/envoy.extensions.filters.';
const ROUTER = { name: 'envoy.filters.http.router', typed_config: { '@type': extensionTypes.router } };

/** A listener whose connection manager has these fields, and further ones of its own. */
function listener(manager: object, fields: object = {}): Listener {
  const config = {
    '@type': extensionTypes.httpConnectionManager,
    stat_prefix: 'p',
    route_config: { name: 't', virtual_hosts: [] },
    http_filters: [ROUTER],
    ...manager,
  };
  return {
    name: 'l',
    address: { socket_address: { address: '127.0.0.1', port_value: 80 } },
    filter_chains: [{ filters: [{ name: 'hcm', typed_config: config }] }],
    ...fields,
  } as Listener;
}

const route = (fields: object): object => ({
  route_config: {
    name: 't',
    virtual_hosts: [{ name: 'a', domains: ['*'], routes: [{ match: { prefix: '/' }, ...fields }] }],
  },
});
const filter = (type: string, config: object): object => ({
  http_filters: [{ name: 'f', typed_config: { '@type': `${EXTENSIONS}http.${type}`, ...config } }, ROUTER],
});
const guarded = (type: string, config: object): Listener => {
  const plain = listener({});
  const [{ filters }] = plain.filter_chains as [{ filters: object[] }];
  const guard = { name: 'g', typed_config: { '@type': `${EXTENSIONS}network.${type}`, ...config } };
  return { ...plain, filter_chains: [{ filters: [guard, ...filters] }] } as unknown as Listener;
};

describe('what breaks the rules of the API of Envoy is refused, as Envoy does', () => {
  it.each<[string, Listener]>([
    [
      'a port beyond 65535',
      listener({}, { address: { socket_address: { address: '127.0.0.1', port_value: 70_000 } } }),
    ],
    [
      'an address that is a name',
      listener({}, { address: { socket_address: { address: 'localhost', port_value: 1 } } }),
    ],
    ['a manager without a prefix', listener({ stat_prefix: '' })],
    ['two routers', listener({ http_filters: [ROUTER, ROUTER] })],
    ['a filter without a name', listener({ http_filters: [{ ...ROUTER, name: '' }] })],
    ['heads of no size', listener({ max_request_headers_kb: 0 })],
    ['heads beyond 8 MiB', listener({ max_request_headers_kb: 9000 })],
    ['no streams', listener({ http2_protocol_options: { max_concurrent_streams: 0 } })],
    ['a window below 65535', listener({ http2_protocol_options: { initial_stream_window_size: 100 } })],
    ['no headers', listener({ common_http_protocol_options: { max_headers_count: 0 } })],
    ['a server name of two lines', listener({ server_name: 'a\nb' })],
    ['two upgrades of one name', listener({ upgrade_configs: [{ upgrade_type: 'a' }, { upgrade_type: 'A' }] })],
    ['a virtual host without a name', listener({ route_config: { virtual_hosts: [{ name: '', domains: ['*'] }] } })],
    ['a status below 200', listener(route({ direct_response: { status: 99 } }))],
    ['a cluster without a name', listener(route({ route: { cluster: '' } }))],
    ['a copy to nobody', listener(route({ route: { cluster: 'c', request_mirror_policies: [{ cluster: '' }] } }))],
    [
      'waits that shrink',
      listener(
        route({
          route: {
            cluster: 'c',
            retry_policy: { retry_on: '5xx', retry_back_off: { base_interval: '2s', max_interval: '1s' } },
          },
        }),
      ),
    ],
    ['a delay of no time', listener(filter('fault.v3.HTTPFault', { delay: { fixed_delay: '0s', percentage: {} } }))],
    ['a buffer without a limit', listener(filter('buffer.v3.Buffer', {}))],
    [
      'a policy without permissions',
      listener(filter('rbac.v3.RBAC', { rules: { policies: { a: { principals: [{ any: true }] } } } })),
    ],
    ['a guard without a prefix', guarded('rbac.v3.RBAC', { rules: {} })],
    ['a limit of no connections', guarded('connection_limit.v3.ConnectionLimit', { stat_prefix: 'a' })],
  ])('%s', (_what, resource) => {
    expect(() => compileListener(resource, 'v1')).toThrow(
      /value (length must|must|is required|does not match)|malformed IP|the last filter|multiple upgrade|mirror policy need|max_interval must/,
    );
  });

  it.each([
    ['ext_authz.v3.ExtAuthzPerRoute', {}, 'override: is required'],
    ['buffer.v3.BufferPerRoute', {}, 'override: is required'],
    ['buffer.v3.BufferPerRoute', { disabled: false }, 'disabled: value must equal true'],
    ['buffer.v3.BufferPerRoute', { buffer: {} }, 'buffer.max_request_bytes: value is required'],
    ['compressor.v3.CompressorPerRoute', {}, 'override: is required'],
    ['jwt_authn.v3.PerRouteConfig', {}, 'requirement_specifier: is required'],
    ['stateful_session.v3.StatefulSessionPerRoute', {}, 'override: is required'],
    [
      'fault.v3.HTTPFault',
      { delay: { fixed_delay: '0s', percentage: {} } },
      'fixed_delay: value must be greater than 0s',
    ],
    [
      'rbac.v3.RBACPerRoute',
      { rbac: { rules: { policies: { a: { principals: [{ any: true }] } } } } },
      'permissions: value must contain at least 1 item(s)',
    ],
  ])('what a route says to a filter: %s %j', (type, config, words) => {
    const perFilter = { f: { '@type': `${EXTENSIONS}http.${type}`, ...config } };
    const given = listener(route({ direct_response: { status: 200 }, typed_per_filter_config: perFilter }));
    expect(() => compileListener(given, 'v1')).toThrow(words);
  });

  it('a filter that says twice which headers an authorizer is told', () => {
    const allowed_headers = { patterns: [{ exact: 'a' }] };
    const http_service = {
      server_uri: { uri: 'http://a', cluster: 'a', timeout: '1s' },
      authorization_request: { allowed_headers },
    };
    const twice = listener(filter('ext_authz.v3.ExtAuthz', { http_service, allowed_headers }));
    expect(() => compileListener(twice, '1')).toThrow('Invalid duplicate configuration for allowed_headers.');
  });

  it.each([
    [{ stat_prefix: 'authz' }, /google_grpc\.target_uri: value length must be at least 1 characters/],
    [{ target_uri: 'authz:9000' }, /google_grpc\.stat_prefix: value length must be at least 1 characters/],
    [{ target_uri: 'unix:/run/authz', stat_prefix: 'a' }, /target_uri: unix:\/run\/authz is no address/],
    [
      { target_uri: 'a:1', stat_prefix: 'a', channel_credentials: { google_default: {} } },
      /google_default: is not supp/,
    ],
    [
      { target_uri: 'a:1', stat_prefix: 'a', channel_credentials: { ssl_credentials: {} } },
      /root_certs: is needed here/,
    ],
    [{ target_uri: '10.0.0.1:1', stat_prefix: 'a', channel_credentials: { ssl_credentials: {} } }, /TLS needs a name/],
  ])('a service with connections of its own: %j', (google_grpc, words) => {
    const grpc_service = { google_grpc };
    const asked = listener(filter('ext_authz.v3.ExtAuthz', { transport_api_version: 'V3', grpc_service }));
    expect(() => compileListener(asked, '1')).toThrow(words);
    const typed_config = { grpc_service };
    const traced = listener({ tracing: { provider: { name: 'envoy.tracers.opentelemetry', typed_config } } });
    expect(() => compileListener(traced, '1')).toThrow(words);
  });

  it('a cluster without a name', () => {
    expect(() => compileCluster({ name: '', type: 'STATIC' }, 'v1')).toThrow(
      'name: value length must be at least 1 characters',
    );
  });

  it('a listener that keeps them is taken', () => {
    expect(compileListener(listener(route({ direct_response: { status: 200 } })), 'v1').name).toBe('l');
  });
});
