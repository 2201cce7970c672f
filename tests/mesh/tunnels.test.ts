import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect as http2Connect } from 'node:http2';
import { connect, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Any, type Cluster, extensionTypes, type Listener, type Route, typeUrls } from '#xds';
import { http, router, staticCluster } from './data-plane-config.ts';
import { createTestCa, type Pod, startPod, until } from './data-plane-harness.ts';
import { NET } from './own-network.ts';

const IP = `${NET}.1.1`;
const HTTP_PORT = 8080;
const HOST = `${NET}.2.1`;
const BYTES_PORT = 9000;
const WEB_PORT = 9001;
const TCP_PORT = 8081;
const POST_PORT = 8082;
const NAMED_PORT = 8083;
const TOLD_PORT = 9002;

const LOG = {
  name: 'envoy.access_loggers.file',
  typed_config: {
    '@type': extensionTypes.fileAccessLog,
    path: '/dev/stdout',
    log_format: {
      text_format_source: {
        inline_string:
          '%REQ(:METHOD)% %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %UPSTREAM_PROTOCOL%\n',
      },
    },
  },
};

const ROUTES: Route[] = [
  {
    match: { connect_matcher: {} },
    route: { cluster: 'bytes', upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: {} }] },
  },
  { match: { prefix: '/late' }, route: { cluster: 'web', timeout: '0.05s' } },
  { match: { prefix: '/copied' }, route: { cluster: 'web', request_mirror_policies: [{ cluster: 'bytes' }] } },
  { match: { prefix: '/' }, route: { cluster: 'web' } },
];

const EDGE: Listener = {
  name: 'edge',
  address: { socket_address: { address: IP, port_value: HTTP_PORT } },
  filter_chains: [
    {
      filters: [
        http({
          stat_prefix: 'edge',
          http_filters: [router],
          route_config: { name: 'table', virtual_hosts: [{ name: 'all', domains: ['*'], routes: ROUTES }] },
          upgrade_configs: [{ upgrade_type: 'CONNECT' }, { upgrade_type: 'websocket' }],
          http2_protocol_options: { allow_connect: true },
          access_log: [LOG],
        }),
      ],
    },
  ],
};

/** Every connection to this port is a tunnel through the web server. */
const tunnelled = (port: number, tunnel: object, cluster = 'web'): Listener => ({
  name: `tcp-${port}`,
  address: { socket_address: { address: IP, port_value: port } },
  filter_chains: [
    {
      filters: [
        {
          name: 'envoy.filters.network.tcp_proxy',
          typed_config: {
            '@type': extensionTypes.tcpProxy,
            stat_prefix: `tcp-${port}`,
            cluster,
            tunneling_config: { hostname: `${HOST}:${BYTES_PORT}`, ...tunnel },
          } as Any,
        },
      ],
    },
  ],
});

const CLUSTERS: Cluster[] = [
  staticCluster('bytes', [`${HOST}:${BYTES_PORT}`]),
  staticCluster('web', [`${HOST}:${WEB_PORT}`]),
  {
    ...staticCluster('told', [`${HOST}:${TOLD_PORT}`]),
    transport_socket: {
      name: 'envoy.transport_sockets.upstream_proxy_protocol',
      typed_config: {
        '@type':
          'type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport',
        config: {},
        transport_socket: { name: 'raw', typed_config: { '@type': extensionTypes.rawBuffer } },
      },
    },
  },
];

/** Everything that a stream brings until it ends. */
async function readAll(stream: Duplex): Promise<string> {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  await once(stream, 'end');
  return text;
}

describe('a proxy that tunnels go through', () => {
  let pod: Pod;
  const servers: (Server | TcpServer)[] = [];
  /** Requests that came to the web server, and the bytes behind the heads of those that became tunnels. */
  const arrived: { method: string; url: string; headers: IncomingMessage['headers']; first: string }[] = [];

  /** The first bytes that came to a host which is told who its client is. */
  let told = '';

  /** Answers a tunnel only when it is told to, so that bytes which come too early are seen. */
  let agree: (() => void) | undefined;

  beforeAll(async () => {
    // Says what it got, backwards, once the client has said all.
    const bytes = createTcpServer({ allowHalfOpen: true }, (socket) => {
      readAll(socket).then((text) => socket.end([...text].reverse().join('')));
    });
    const web = createServer();
    const tunnel = ({ method = '', url = '', headers }: IncomingMessage, socket: Duplex, first: Buffer): void => {
      const seen = { method, url, headers, first: first.toString() };
      arrived.push(seen);
      socket.on('data', (chunk: Buffer) => {
        seen.first += chunk.toString();
        if (seen.first.endsWith('.')) socket.end(`got ${seen.first}`);
      });
      agree = () => socket.write('HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    };
    web.on('upgrade', tunnel);
    // A proxy as they stand at the edge of many networks.
    web.on('connect', ({ method = '', url = '', headers }: IncomingMessage, client: Socket, first: Buffer) => {
      arrived.push({ method, url, headers, first: first.toString() });
      const [host, port] = url.split(':');
      const onward = connect({ host: host!, port: Number(port), allowHalfOpen: true }, () => {
        client.allowHalfOpen = true;
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        client.pipe(onward).pipe(client);
      });
    });
    web.on('request', (request, response) => {
      arrived.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, first: '' });
      response.flushHeaders();
      request.pipe(response);
    });
    const named = createTcpServer((socket) => {
      socket.once('data', (chunk) => {
        told = chunk.toString();
        socket.end();
      });
    });
    servers.push(bytes.listen(BYTES_PORT, HOST), web.listen(WEB_PORT, HOST), named.listen(TOLD_PORT, HOST));
    await Promise.all(servers.map((server) => once(server, 'listening')));
    const added = [{ header: { key: 'proxy-authorization', value: 'Basic %DOWNSTREAM_LOCAL_PORT%' } }];
    const listeners = [
      EDGE,
      tunnelled(TCP_PORT, { headers_to_add: added }),
      tunnelled(POST_PORT, { use_post: true }),
      tunnelled(NAMED_PORT, {}, 'told'),
    ];
    pod = await startPod({ ip: IP, name: 'edge', role: 'router', signer: await createTestCa() }, (xds) => {
      xds.push(typeUrls.cluster, CLUSTERS);
      expect(xds.push(typeUrls.listener, listeners)).toEqual([]);
    });
  });
  afterAll(async () => {
    await pod?.stop();
    for (const server of servers) server.close();
  });

  const figure = (name: string): number => pod.proxy.admin.stats().get(name) ?? 0;

  it('ends a CONNECT of HTTP/2 and lets either side finish by itself', async () => {
    const session = http2Connect(`http://${IP}:${HTTP_PORT}`);
    const stream = session.request({ ':method': 'CONNECT', ':authority': 'anything:1' });
    const text = 'x'.repeat(300_000);
    stream.end(`${text}abc`);
    const [head] = (await once(stream, 'response')) as [Record<string, unknown>];
    const answer = await readAll(stream);
    session.close();
    expect([head[':status'], answer.slice(0, 4), answer.length]).toEqual([200, 'cbax', 300_003]);
    await until(() => pod.logs.some((line) => line.startsWith('CONNECT')), 'the line of the tunnel');
    expect(pod.logs.at(-1)?.trim()).toBe('CONNECT 200 - 300003 300003 -');
    expect([figure('cluster.bytes.upstream_cx_total'), figure('cluster.bytes.upstream_cx_http1_total')]).toEqual([
      1, 0,
    ]);
  });

  it('ends a CONNECT of HTTP/1.1 whose bytes come with its head', async () => {
    const socket = connect(HTTP_PORT, IP, () => socket.write('CONNECT far:80 HTTP/1.1\r\nhost: far:80\r\n\r\nabc'));
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(first.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n(?!.*(content-length|transfer-encoding))/s);
    // As in Envoy, a client of HTTP/1.1 that closes its side has left.
    socket.end();
    await until(() => figure('cluster.bytes.upstream_cx_destroy') === 2, 'the end of the tunnel');
  });

  it('keeps the bytes behind a WebSocket until the host has agreed to it', async () => {
    const socket = connect(HTTP_PORT, IP, () =>
      socket.write('GET /chat HTTP/1.1\r\nhost: shop\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\nearly.'),
    );
    const answer = readAll(socket);
    await until(() => arrived.length === 1, 'the request at the host');
    await new Promise(setImmediate);
    expect([arrived[0]?.url, arrived[0]?.first]).toEqual(['/chat', '']);
    agree?.();
    expect((await answer).split('\r\n\r\n')[1]).toBe('got early.');
    await until(() => pod.logs.some((line) => line.startsWith('GET 101')), 'the line of the WebSocket');
    expect(pod.logs.at(-1)?.trim()).toBe('GET 101 UC 6 10 HTTP/1.1');
  });

  it('waits no longer for the host of a WebSocket than the route says', async () => {
    const socket = connect(HTTP_PORT, IP, () =>
      socket.write('GET /late HTTP/1.1\r\nhost: shop\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n'),
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    const [head = '', body] = answer.toString().split('\r\n\r\n');
    expect([head.split('\r\n')[0], body]).toEqual(['HTTP/1.1 504 Gateway Timeout', 'upstream request timeout']);
    await until(() => pod.logs.some((line) => line.startsWith('GET 504')), 'the line of the WebSocket');
    expect([pod.logs.at(-1)?.trim(), figure('cluster.web.upstream_rq_timeout')]).toEqual([
      'GET 504 UT 0 24 HTTP/1.1',
      1,
    ]);
  });

  it('breaks off the copy of a WebSocket when the client has left', async () => {
    const socket = connect(HTTP_PORT, IP, () =>
      socket.write('GET /copied HTTP/1.1\r\nhost: shop\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\nbytes'),
    );
    const brokenOff = 'cluster.bytes.upstream_cx_destroy_local_with_active_rq';
    const before = figure(brokenOff);
    await until(() => figure('cluster.bytes.upstream_rq_active') === 1, 'the copy at its host');
    socket.destroy();
    await until(() => figure('cluster.bytes.upstream_cx_active') === 0, 'the end of the copy');
    expect(figure(brokenOff)).toBe(before + 1);
  });

  it('counts an answer that begins before its request is over, and each reset once', async () => {
    const counted = (): number[] =>
      ['response_before_rq_complete', 'rx_reset'].map((name) => figure(`http.edge.downstream_rq_${name}`));
    const [early = 0, resets = 0] = counted();
    const session = http2Connect(`http://${IP}:${HTTP_PORT}`);
    const whole = session.request({ ':method': 'POST', ':path': '/whole' });
    whole.write('a');
    await once(whole, 'response');
    whole.end();
    await readAll(whole);
    expect(counted()).toEqual([early + 1, resets]);
    const broken = session.request({ ':method': 'POST', ':path': '/broken' });
    broken.write('a');
    await once(broken, 'response');
    broken.close(8);
    await until(() => counted()[1] !== resets, 'the reset');
    expect(counted()).toEqual([early + 2, resets + 1]);
    session.destroy();
  });

  it('takes a TCP connection through a proxy that connects on, and lets either side finish by itself', async () => {
    const socket = connect({ host: IP, port: TCP_PORT, allowHalfOpen: true }, () =>
      socket.end(`${'y'.repeat(200_000)}12`),
    );
    const answer = await readAll(socket);
    socket.destroy();
    const { method, url, headers } = arrived.at(-1)!;
    expect([answer.slice(0, 3), answer.length]).toEqual(['21y', 200_002]);
    expect([method, url, headers]).toEqual([
      'CONNECT',
      `${HOST}:${BYTES_PORT}`,
      { host: `${HOST}:${BYTES_PORT}`, 'proxy-authorization': `Basic ${TCP_PORT}` },
    ]);
  });

  it('asks for a tunnel by POST, whose bodies are the bytes', async () => {
    const socket = connect({ host: IP, port: POST_PORT, allowHalfOpen: true }, () => socket.end('back and forth'));
    expect(await readAll(socket)).toBe('back and forth');
    socket.destroy();
    const { method, url, headers } = arrived.at(-1)!;
    expect([method, url, headers.host]).toEqual(['POST', '/', `${HOST}:${BYTES_PORT}`]);
  });

  it('begin with a header that names the client, where the host is told that', async () => {
    const client = connect(NAMED_PORT, IP);
    client.on('error', () => undefined);
    await once(client, 'connect');
    const from = `${client.localAddress} ${IP} ${client.localPort} ${NAMED_PORT}`;
    await until(() => told !== '', 'the host has heard something');
    expect(told.split('\r\n').slice(0, 2)).toEqual([`PROXY TCP4 ${from}`, `CONNECT ${HOST}:${BYTES_PORT} HTTP/1.1`]);
    client.destroy();
  });
});
