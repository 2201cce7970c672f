import { once } from 'node:events';
import { type IncomingMessage, request, type Server } from 'node:http';
import { connect } from 'node:http2';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { typeUrls } from '#xds';
import { http, router, staticCluster } from './data-plane-config.ts';
import { createTestCa, listen, type Pod, startPod, until } from './data-plane-harness.ts';
import { NET } from './own-network.ts';

const IP = `${NET}.1.1`;
const EXTENSIONS = 'type.googleapis.com/envoy.extensions.';
const library = (kind: string) => ({
  name: 'text',
  typed_config: { '@type': `${EXTENSIONS}compression.gzip.${kind}.v3.Gzip` },
});
const UNPACKING = {
  name: 'unpack',
  typed_config: {
    '@type': `${EXTENSIONS}filters.http.decompressor.v3.Decompressor`,
    decompressor_library: library('decompressor'),
  },
};
const BUFFER = {
  name: 'buffer',
  typed_config: { '@type': `${EXTENSIONS}filters.http.buffer.v3.Buffer`, max_request_bytes: 1_000_000 },
};
const PACKING = {
  name: 'pack',
  typed_config: {
    '@type': `${EXTENSIONS}filters.http.compressor.v3.Compressor`,
    request_direction_config: { common_config: { min_content_length: 10 } },
    response_direction_config: { common_config: { enabled: { default_value: false, runtime_key: 'none' } } },
    compressor_library: library('compressor'),
  },
};
/** Wide enough that no test waits for it. */
const NARROWING = {
  name: 'narrow',
  typed_config: {
    '@type': `${EXTENSIONS}filters.http.bandwidth_limit.v3.BandwidthLimit`,
    stat_prefix: 'narrow',
    enable_mode: 'REQUEST_AND_RESPONSE',
    limit_kbps: 50_000,
    fill_interval: '0.02s',
  },
};
const TELLING = {
  name: 'tell',
  typed_config: {
    '@type': `${EXTENSIONS}filters.http.bandwidth_limit.v3.BandwidthLimit`,
    stat_prefix: 'tell',
    enable_mode: 'RESPONSE',
    limit_kbps: 1,
    enable_response_trailers: true,
    response_trailer_prefix: 'X-Mine',
  },
};
const PORTS = { unpacking: 8081, packing: 8082, held: 8083, narrow: 8084, telling: 8085 };
const LONG = Array.from({ length: 20_000 }, (_, i) => `line ${(i * 7919) % 10_007}`).join('\n');

const listener = (name: keyof typeof PORTS, filters: readonly object[]) => ({
  name,
  address: { socket_address: { address: IP, port_value: PORTS[name] } },
  filter_chains: [
    {
      filters: [
        http({
          stat_prefix: name,
          http_filters: [...filters, router],
          route_config: {
            name: 'table',
            virtual_hosts: [
              { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'application' } }] },
            ],
          },
        }),
      ],
    },
  ],
});

describe('a filter that changes bodies', () => {
  const servers: Server[] = [];
  let pod: Pod;
  /** What the application got. */
  let arrived: { headers: IncomingMessage['headers']; body: Buffer };
  /** What it answers. */
  let answer: { headers: Record<string, string>; body: Buffer };

  const ask = async (
    port: number,
    body: Buffer | string = '',
    headers: Record<string, string> = {},
  ): Promise<{ headers: IncomingMessage['headers']; body: Buffer }> => {
    const call = request({ host: IP, port, method: 'POST', path: '/', headers, agent: false });
    call.end(body);
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    return { headers: response.headers, body: Buffer.concat(await response.toArray()) };
  };
  const figure = (name: string): number => pod.proxy.admin.stats().get(`http.${name}`) ?? 0;

  beforeAll(async () => {
    await listen(servers, `${NET}.2.1`, 8080, (given, response) => {
      const chunks: Buffer[] = [];
      given.on('data', (chunk: Buffer) => chunks.push(chunk));
      given.on('end', () => {
        arrived = { headers: given.headers, body: Buffer.concat(chunks) };
        response.writeHead(200, answer.headers).end(answer.body);
      });
    });
    const signer = await createTestCa();
    pod = await startPod({ ip: IP, name: 'edge', role: 'router', signer }, (xds) => {
      xds.push(typeUrls.cluster, [staticCluster('application', [`${NET}.2.1:8080`])]);
      const listeners = [
        listener('unpacking', [UNPACKING]),
        listener('packing', [PACKING]),
        listener('held', [BUFFER, UNPACKING]),
        listener('narrow', [NARROWING, UNPACKING]),
        listener('telling', [TELLING]),
      ];
      expect(xds.push(typeUrls.listener, listeners)).toEqual([]);
    });
    answer = { headers: {}, body: Buffer.from('plain') };
  });
  afterAll(async () => {
    await pod?.stop();
    for (const server of servers) server.close();
  });

  it.each(['unpacking', 'held'] as const)('unpacks a request of many pieces (%s)', async (name) => {
    const { body } = await ask(PORTS[name], gzipSync(LONG), { 'content-encoding': 'gzip' });
    expect(body.toString()).toBe('plain');
    expect(arrived.body.toString()).toBe(LONG);
    expect(arrived.headers['content-encoding']).toBeUndefined();
    expect(figure(`${name}.decompressor.text.gzip.request.total_uncompressed_bytes`)).toBe(LONG.length);
    const told = 'the body of the request came in gzip and is unpacked here';
    await until(() => pod.hops.some(({ steps }) => steps.some(({ detail }) => detail === told)), told);
  });

  it('gives what can be read of a request that is no gzip, and counts the error', async () => {
    await ask(PORTS.unpacking, 'no gzip at all', { 'content-encoding': 'gzip' });
    expect(arrived.body.length).toBe(0);
    expect(figure('unpacking.decompressor.text.gzip.decompressor_library.zlib_data_error')).toBe(1);
  });

  it('stops where little would become far too much', async () => {
    await ask(PORTS.unpacking, gzipSync(Buffer.alloc(20_000_000)), { 'content-encoding': 'gzip' });
    expect(arrived.body.length).toBeLessThan(3_000_000);
    expect(figure('unpacking.decompressor.text.gzip.decompressor_library.zlib_data_error')).toBe(2);
  });

  it('unpacks an answer, and tells the host that it may be packed', async () => {
    answer = { headers: { 'content-encoding': 'gzip' }, body: gzipSync(LONG) };
    const { headers, body } = await ask(PORTS.unpacking);
    answer = { headers: {}, body: Buffer.from('plain') };
    expect([headers['content-encoding'], body.toString() === LONG]).toEqual([undefined, true]);
    expect(arrived.headers['accept-encoding']).toBe('gzip');
  });

  it('packs a request that is long enough', async () => {
    await ask(PORTS.packing, LONG, { 'content-type': 'text/plain' });
    expect(arrived.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(arrived.body).toString()).toBe(LONG);
    await ask(PORTS.packing, 'short', { 'content-type': 'text/plain', 'content-length': '5' });
    expect(arrived.body.toString()).toBe('short');
    expect(figure('packing.compressor.text.gzip.request.content_length_too_small')).toBe(1);
  });

  it('limits bodies that are unpacked, and loses nothing of what is held back', async () => {
    const long = Buffer.from(LONG.repeat(20));
    answer = { headers: { 'content-encoding': 'gzip' }, body: gzipSync(long) };
    const { body } = await ask(PORTS.narrow, gzipSync(long), { 'content-encoding': 'gzip' });
    answer = { headers: {}, body: Buffer.from('plain') };
    expect([arrived.body.equals(long), body.equals(long)]).toEqual([true, true]);
    const all = pod.proxy.admin.stats();
    const figures = ['response_allowed_total_size', 'response_incoming_total_size', 'response_pending'];
    expect(figures.map((name) => all.get(`narrow.http_bandwidth_limit.${name}`))).toEqual([
      long.length,
      long.length,
      0,
    ]);
    const told = /goes on with 51200000 bytes a second at most/;
    await until(() => pod.hops.some(({ steps }) => steps.some(({ detail = '' }) => told.test(detail))), String(told));
  });

  it('tells clients of HTTP/2 in trailers how long a body was held back', async () => {
    answer = { headers: {}, body: Buffer.alloc(1100) };
    const session = connect(`http://${IP}:${PORTS.telling}`);
    const call = session.request({ ':path': '/' });
    const trailers = once(call, 'trailers') as Promise<[Readonly<Record<string, string>>]>;
    const bytes = Buffer.concat(await call.toArray()).length;
    const [told] = await trailers;
    session.close();
    answer = { headers: {}, body: Buffer.from('plain') };
    const held = Number(told['x-mine-bandwidth-response-filter-delay-ms']);
    expect([bytes, held > 0, held % 50]).toEqual([1100, true, 0]);
    expect(Number(told['x-mine-bandwidth-response-delay-ms'])).toBeGreaterThan(0);
    expect(pod.proxy.admin.stats().get('tell.http_bandwidth_limit.response_enforced')).toBe(held / 50);
  });
});
