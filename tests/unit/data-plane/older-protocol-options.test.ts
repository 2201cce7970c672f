import { expect, it } from 'vitest';
import type { Cluster } from '#xds';
import { readUpstreamProtocol } from '../../../server/data-plane/config/upstream-protocol.ts';

const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const read = (fields: object) => readUpstreamProtocol({ name: 'a', ...fields } as Cluster);

// As EnvoyFilters that were written for older Envoys have them.
it.each([
  ['none', {}, 'http1'],
  ['those of HTTP/1', { http_protocol_options: {} }, 'http1'],
  ['those of HTTP/2', { http2_protocol_options: {} }, 'http2'],
  [
    'both, as the client speaks',
    { http_protocol_options: {}, http2_protocol_options: {}, protocol_selection: 'USE_DOWNSTREAM_PROTOCOL' },
    'downstream',
  ],
] as const)('a cluster whose own options are %s speaks it', (_what, fields, protocol) => {
  expect(read(fields).protocol).toBe(protocol);
});

it('limits stand in the cluster’s own fields, too', () => {
  const common = { common_http_protocol_options: { idle_timeout: '7s' }, max_requests_per_connection: 3 };
  const own = { http2_protocol_options: { max_concurrent_streams: 5 }, ...common };
  expect(read(own)).toMatchObject({ idleTimeoutMs: 7000, maxRequestsPerConnection: 3, maxConcurrentStreams: 5 });
});

it('an extension takes the place of all but the number of requests', () => {
  const typed_extension_protocol_options = {
    [OPTIONS]: { '@type': `type.googleapis.com/${OPTIONS}`, explicit_http_config: { http_protocol_options: {} } },
  };
  const own = { http2_protocol_options: {}, max_requests_per_connection: 3 };
  expect(read({ typed_extension_protocol_options, ...own })).toMatchObject({
    protocol: 'http1',
    maxRequestsPerConnection: 3,
  });
});

it('both protocols without a choice between them are refused', () => {
  expect(() => read({ http_protocol_options: {}, http2_protocol_options: {} })).toThrow(/protocol_selection/);
});
