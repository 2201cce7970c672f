import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Server, Socket } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HopRecord } from '#domain';
import { type Cluster, type FilterChain, type Listener, typeUrls } from '#xds';
import {
  clientTls,
  edsCluster,
  endpoints,
  forwardTo,
  http,
  inboundCluster,
  outboundListener,
  routes,
  standardClusters,
  virtualInbound,
  virtualOutbound,
} from './data-plane-config.ts';
import { createTestCa, type Pod, startPod, until } from './data-plane-harness.ts';
import { NET } from './own-network.ts';

const CLIENT = `${NET}.1.1`;
const SERVER = `${NET}.1.2`;
const VIP = { ip: `${NET}.9.9`, port: 80 };
const WEB = 'outbound|80||web.default.svc.cluster.local';
const GRPC = 'outbound|9000||web.default.svc.cluster.local';
const DEAD = 'outbound|9001||web.default.svc.cluster.local';

const http2 = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
};

const mutual = clientTls(
  'spiffe://cluster.local/ns/default/sa/server',
  'outbound_.80_._.web.default.svc.cluster.local',
);
const clusters: Cluster[] = [
  ...standardClusters,
  edsCluster(WEB, { transport_socket: mutual }),
  edsCluster(GRPC, { transport_socket: mutual, ...http2 }),
  edsCluster(DEAD, http2),
];

/** An HTTP listener that lets WebSocket through, as Istio configures it. */
function outbound(): Listener {
  const listener = outboundListener(80);
  const rds = { config_source: { ads: {} }, route_config_name: '80' };
  const filter = http({ stat_prefix: 'outbound', rds, upgrade_configs: [{ upgrade_type: 'websocket' }] });
  return { ...listener, filter_chains: [{ filters: [filter] }] };
}

function inbound(): Listener {
  const one = virtualInbound(8080, 'STRICT');
  const two = virtualInbound(9000, 'STRICT');
  const chains: FilterChain[] = [...one.filter_chains!, ...two.filter_chains!.slice(1)];
  for (const { filters } of chains) {
    for (const { typed_config } of filters) {
      if (typed_config !== undefined && 'http_filters' in typed_config)
        typed_config['upgrade_configs'] = [{ upgrade_type: 'websocket' }];
    }
  }
  return { ...one, filter_chains: chains };
}

let client: Pod;
let server: Pod;
let session: ClientHttp2Session;
const closing: { close(): void }[] = [];
const sockets: Socket[] = [];
/** How long hosts were told that calls may last. */
const told: unknown[] = [];

/** The application behind the server's sidecar: HTTP/1.1 with WebSocket on 8080, HTTP/2 without TLS on 9000. */
async function startApplications(ip: string): Promise<void> {
  const web = createTcpServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    let upgraded = false;
    socket.on('data', (chunk) => {
      if (upgraded) socket.write(chunk);
      else if (/upgrade: websocket/i.test(chunk.toString('latin1'))) {
        upgraded = true;
        socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
      } else {
        const hints = chunk.includes('/web/hints') ? 'HTTP/1.1 103 Early Hints\r\n\r\n' : '';
        socket.write(`${hints}${hints}HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nweb`);
      }
    });
  });
  const grpc = createServer();
  grpc.on('stream', (opened, headers) => {
    const stream = opened as ServerHttp2Stream;
    stream.on('error', () => undefined);
    told.push(headers['grpc-timeout']);
    if (/^\/(mesh\.Echo\/wait|bounded)/.test(headers[':path'] ?? '')) return;
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-te': String(headers.te) }));
    stream.pipe(stream);
  });
  for (const [listener, port] of [
    [web, 8080],
    [grpc as unknown as Server, 9000],
  ] as const) {
    closing.push(listener);
    listener.listen(port, ip);
    await once(listener, 'listening');
  }
}

beforeAll(async () => {
  const signer = await createTestCa();
  await startApplications(`${NET}.101.2`);
  server = await startPod({ ip: SERVER, name: 'server-v1', ports: [8080, 9000], signer }, (xds) => {
    xds.push(typeUrls.cluster, [...standardClusters, inboundCluster(8080), { ...inboundCluster(9000), ...http2 }]);
    xds.push(typeUrls.listener, [virtualOutbound, inbound()]);
  });
  client = await startPod({ ip: CLIENT, name: 'client-v1', signer }, (xds) => {
    xds.push(typeUrls.cluster, clusters);
    xds.push(typeUrls.endpoint, [
      endpoints(WEB, [`${SERVER}:8080`]),
      endpoints(GRPC, [`${SERVER}:9000`]),
      endpoints(DEAD, [`${NET}.8.8:1`]),
    ]);
    xds.push(typeUrls.listener, [virtualOutbound, outbound()]);
    const at = (prefix: string, cluster: string, fields: Record<string, unknown> = {}) => ({
      ...forwardTo(cluster, fields),
      match: { prefix },
    });
    const bounded = { max_stream_duration: { grpc_timeout_header_max: '0.04s', grpc_timeout_header_offset: '0.01s' } };
    const lasting = { max_stream_duration: { grpc_timeout_header_max: '30s', grpc_timeout_header_offset: '0.01s' } };
    xds.push(typeUrls.route, [
      routes(
        80,
        ['*'],
        [
          at('/mesh.Echo/', GRPC, { max_grpc_timeout: '0s' }),
          at('/bounded', GRPC, bounded),
          at('/lasting', GRPC, lasting),
          at('/dead', DEAD),
          at('/web', WEB),
        ],
      ),
    ]);
  });
  session = connect('http://web', { createConnection: () => client.dial(VIP) });
  session.on('error', () => undefined);
});

afterAll(async () => {
  session.destroy();
  for (const socket of sockets) socket.destroy();
  for (const one of closing) one.close();
  await client.stop();
  await server.stop();
});

interface Reply {
  readonly head: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: string;
}

/** A gRPC call as bytes: what the proxies must carry. */
function call(path: string, headers: Record<string, string> = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const fields = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers };
    const stream = session.request(fields);
    let head: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    let body = '';
    stream.on('response', (given) => {
      head = given;
    });
    stream.on('trailers', (given) => {
      trailers = given;
    });
    stream.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    stream.on('error', reject);
    stream.on('close', () => resolve({ head, trailers, body }));
    stream.end('message');
  });
}

async function hopsOf(path: string): Promise<{ out: HopRecord; into: HopRecord | undefined }> {
  const find = (pod: Pod): HopRecord | undefined => pod.hops.findLast((hop) => hop.request.path === path);
  await until(() => find(client) !== undefined, `a hop for ${path}`);
  return { out: find(client)!, into: find(server) };
}

const tlsPeerOf = (hop: HopRecord): Record<string, unknown> =>
  hop.steps.find(({ stage }) => stage === 'tls_peer')?.evidence ?? {};

describe('two sidecars', () => {
  it('carry HTTP/1.1 over one HTTP/2 connection, and call it HTTP/1.1', async () => {
    const paths = Array.from({ length: 20 }, (_, i) => `/web/${i}`);
    const answers = await Promise.all(paths.map((path) => client.fetch(VIP, { host: 'web', path })));
    for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: 'web' });
    const { out, into } = await hopsOf('/web/19');
    expect(out.request.protocol).toBe('HTTP/1.1');
    expect(into?.request.protocol).toBe('HTTP/1.1');
    expect(tlsPeerOf(out)).toMatchObject({ alpn: 'meshwork-h2', peer: 'spiffe://cluster.local/ns/default/sa/server' });
    const stats = server.proxy.admin.stats();
    const served = [...stats].find(([name]) => /^http\.inbound.*8080.*downstream_cx_total$/.test(name));
    expect(served?.[1]).toBe(1);
    expect(client.proxy.admin.stats().get(`cluster.${WEB}.upstream_cx_total`)).toBeGreaterThan(1);
  });

  it('let a WebSocket through', async () => {
    const socket = client.dial(VIP);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.write('GET /web/chat HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    await until(() => text.includes('\r\n\r\n'), 'an answer to the upgrade');
    expect(text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(text).toMatch(/upgrade: websocket/i);
    socket.write('over the mesh');
    await until(() => text.endsWith('over the mesh'), 'an echo');
    socket.destroy();
  });

  it('refuse to leave HTTP for anything else', async () => {
    const headers = { connection: 'upgrade', upgrade: 'foo' };
    expect((await client.fetch(VIP, { host: 'web', path: '/web/foo', headers })).status).toBe(403);
    const { out } = await hopsOf('/web/foo');
    expect(out.response.details).toBe('upgrade_failed');
  });

  it('write down a connection that spoke no valid HTTP', async () => {
    const socket = client.dial(VIP);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.write('GET / HTTP/1.1\r\nhost: web\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n');
    await once(socket, 'close');
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    const line = client.logs.find((entry) => entry.includes('http1.content_length_and_chunked_not_allowed'));
    expect(line).toContain('"- - HTTP/1.1" 400 DPE http1.content_length_and_chunked_not_allowed');
    expect(line).toContain(' 0 11 ');
  });

  it('carry gRPC over HTTP/2 all the way, trailers included', async () => {
    const reply = await call('/mesh.Echo/say');
    expect(reply.head[':status']).toBe(200);
    expect(reply.body).toBe('message');
    expect(reply.trailers).toMatchObject({ 'grpc-status': '0', 'x-te': 'trailers' });
    const { out, into } = await hopsOf('/mesh.Echo/say');
    expect(out.request.protocol).toBe('HTTP/2');
    expect(into?.request.protocol).toBe('HTTP/2');
    expect(tlsPeerOf(out)['alpn']).toBe('h2');
    for (const { ip } of [client, server]) {
      const metrics = await (await fetch(`http://${ip}:15090/stats/prometheus`)).text();
      for (const name of ['istio_request_messages_total', 'istio_response_messages_total']) {
        const [sample = ''] = metrics.split('\n').filter((line) => line.startsWith(`${name}{`));
        expect(sample).toMatch(/^\w+\{reporter="(source|destination)",source_workload="client-v1",.*\} 1$/);
        expect(sample).not.toContain('response_code');
      }
    }
    const counted = [...client.proxy.admin.stats()].filter(([name]) => name.startsWith(`cluster.${GRPC}.grpc.`));
    expect(
      Object.fromEntries(counted.map(([name, value]) => [name.slice(`cluster.${GRPC}.grpc.`.length), value])),
    ).toEqual({
      '0': 1,
      success: 1,
      total: 1,
      request_message_count: 1,
      response_message_count: 1,
    });
  });

  it('answer gRPC in its own words when there is no route or no host', async () => {
    const lost = await call('/nowhere');
    expect(lost.head).toMatchObject({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' });
    const dead = await call('/dead');
    expect(dead.head['grpc-status']).toBe('14');
    expect(dead.head['grpc-message']).toContain('reset reason: remote connection failure');
    const { out } = await hopsOf('/dead');
    expect(out.response).toMatchObject({ status: 200, flags: ['UF'] });
  });

  it('give a call the time that it asks for', async () => {
    const reply = await call('/mesh.Echo/wait', { 'grpc-timeout': '40m' });
    expect(reply.head).toMatchObject({ 'grpc-status': '14', 'grpc-message': 'upstream request timeout' });
    const { out } = await hopsOf('/mesh.Echo/wait');
    expect(out.response).toMatchObject({ flags: ['UT'], details: 'response_timeout' });
  });

  it('end a stream whose client, of gRPC or not, asked for more than the route allows', async () => {
    const reply = await call('/bounded', { 'content-type': 'text/plain', 'grpc-timeout': '1H' });
    expect(reply.head[':status']).toBe(504);
    const { out } = await hopsOf('/bounded');
    expect(out.response).toMatchObject({ flags: [], details: 'max_duration_timeout' });
  });

  it('tell the host of a call how long the route lets it last', async () => {
    await call('/lasting', { 'grpc-timeout': '1H' });
    expect(told.at(-1)).toBe('29990m');
  });

  it('hear only the first of several words before an answer', async () => {
    const counted = (): number => server.proxy.admin.stats().get('cluster.inbound|8080||.upstream_rq_103') ?? 0;
    expect((await client.fetch(VIP, { host: 'web', path: '/web/hints' })).body).toBe('web');
    expect(counted()).toBe(1);
  });

  it('tell a call that its client gave up', async () => {
    const { length } = told;
    const stream = session.request({ ':method': 'POST', ':path': '/mesh.Echo/wait?gone' });
    stream.on('error', () => undefined);
    stream.write('x');
    await until(() => told.length > length, 'the call is at its host');
    stream.close(8);
    const { out } = await hopsOf('/mesh.Echo/wait?gone');
    expect(out.response).toMatchObject({ status: 0, flags: ['DR'], details: 'http2.remote_reset' });
  });
});
