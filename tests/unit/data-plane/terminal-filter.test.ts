import { describe, expect, it } from 'vitest';
import { extensionTypes } from '#xds';
import { compileListener } from '../../../server/data-plane/config/listener-config.ts';

const TCP = { name: 'take', typed_config: { '@type': extensionTypes.tcpProxy, stat_prefix: 's', cluster: 'c' } };
const LIMIT = {
  name: 'few',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit',
    stat_prefix: 's',
    max_connections: 9,
  },
};
const ROUTER = { name: 'way', typed_config: { '@type': extensionTypes.router } };
const BUFFER = {
  name: 'hold',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer',
    max_request_bytes: 9,
  },
};

const http = (...filters: { readonly name: string; readonly typed_config: { readonly '@type': string } }[]) => ({
  name: 'web',
  typed_config: {
    '@type': extensionTypes.httpConnectionManager,
    stat_prefix: 's',
    route_config: { name: 'r', virtual_hosts: [] },
    http_filters: filters,
  },
});

const compile = (...filters: { readonly name: string; readonly typed_config: { readonly '@type': string } }[]) =>
  compileListener(
    { name: 'l', address: { socket_address: { address: '127.0.0.1', port_value: 80 } }, filter_chains: [{ filters }] },
    'v1',
  );

describe('the order of filters', () => {
  it('is right with the one that ends a chain behind all others', () => {
    expect(compile(LIMIT, TCP).chains).toHaveLength(1);
    expect(compile(http(BUFFER, ROUTER)).chains).toHaveLength(1);
  });

  it.each([
    [
      [TCP, LIMIT],
      'Error: terminal filter named take of type envoy.filters.network.tcp_proxy must be the last filter in a network filter chain.',
    ],
    [
      [LIMIT],
      'Error: non-terminal filter named few of type envoy.filters.network.connection_limit is the last filter in a network filter chain.',
    ],
    [
      [http(ROUTER, BUFFER)],
      'Error: terminal filter named way of type envoy.filters.http.router must be the last filter in a http filter chain.',
    ],
    [
      [http(BUFFER)],
      'Error: non-terminal filter named hold of type envoy.filters.http.buffer is the last filter in a http filter chain.',
    ],
  ])('is refused in Envoy’s words (%#)', (filters, words) => {
    expect(() => compile(...filters)).toThrow(words);
  });
});
