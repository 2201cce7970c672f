import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, extensionTypes, type Route, typeUrls } from '#xds';
import { block, frame, GET, HELLO, SETTINGS } from '../unit/data-plane-h2/harness.ts';
import { edsCluster, endpoints, forwardTo, gatewayListener } from './data-plane-config.ts';
import { createTestCa, type Pod, startPod, until } from './data-plane-harness.ts';
import { NET } from './own-network.ts';

const DOOR = 7100;
const HOST_PORT = 8080;
/** More than sockets hold on the way: whoever does not read it stops whoever sends it. */
const LARGE = 4 << 20;

/** Hosts that break the rules, or their word; each gets a cluster and a path of its name. */
const HOSTS: Readonly<Record<string, (socket: Socket) => void>> = {
  resets: (socket) => socket.once('data', () => socket.resetAndDestroy()),
  leaves: (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\nshort')),
  hangs: (socket) => socket.resume(),
  early: (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')),
  rambles: (socket) =>
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok and more')),
  garbles: (socket) =>
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\nbad')),
  pours: (socket) =>
    socket.on('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${LARGE}\r\n\r\n`);
      socket.write(Buffer.alloc(LARGE));
    }),
};

/** Connections that nobody needs are closed before a round ends. */
const soonIdle: Partial<Cluster> = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': extensionTypes.httpProtocolOptions,
      common_http_protocol_options: { idle_timeout: '0.05s' },
      explicit_http_config: { http_protocol_options: {} },
    },
  },
};

const request = (path: string, more = ''): string => `GET /${path} HTTP/1.1\r\nhost: a\r\n${more}\r\n`;
const upload = (path: string, length: number): string =>
  `POST /${path} HTTP/1.1\r\nhost: a\r\ncontent-length: ${length}\r\n\r\n`;

const GET_HANGS = block([...GET.filter(([name]) => name !== ':path'), [':path', '/hangs']]);
const times = (count: number, make: (turn: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, turn) => make(turn)));
const streams = (count: number, close: boolean): Buffer =>
  times(count, (turn) => {
    const id = 2 * turn + 1;
    const opened = frame(1, 5, id, GET_HANGS);
    return close ? Buffer.concat([opened, frame(3, 0, id, Buffer.from([0, 0, 0, 8]))]) : opened;
  });

/** What clients do to the proxy. Each is cut off by one of the two, at once or after what it says here. */
const CLIENTS: Readonly<Record<string, readonly (string | Buffer)[]>> = {
  'asks hosts that break off': ['resets', 'leaves', 'early', 'rambles', 'garbles'].map((host) => request(host)),
  'leaves while a host hangs': [request('hangs')],
  'leaves in the middle of a head': ['GET / HTT', 'P/1.1\r\nhos'],
  'leaves in the middle of its body': [upload('hangs', 900), 'short'],
  'never reads': [request('pours')],
  'says both lengths': [
    request('early', 'content-length: 4\r\ntransfer-encoding: chunked\r\n'),
    '0\r\n\r\nGET /hangs HTTP/1.1\r\n\r\n',
  ],
  'sends a head without end': [`GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(100_000)}`],
  'sends NUL in a head': [request('early', 'x: \0\r\n')],
  'pipelines behind a host that hangs': [request('hangs').repeat(50)],
  'resets each stream at once': [HELLO, streams(150, true)],
  'opens streams and goes': [HELLO, streams(60, false)],
  'floods with settings': [HELLO, times(2000, () => SETTINGS)],
  'floods with pings': [HELLO, times(2000, () => frame(6, 0, 0, Buffer.alloc(8)))],
  'never ends a header block': [
    HELLO,
    frame(1, 1, 1, GET_HANGS),
    times(2000, () => frame(9, 0, 1, Buffer.alloc(64, 0x88))),
  ],
  'sends a preface that breaks off': [HELLO.subarray(0, 20)],
};

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let turn = 0; turn < 3; turn++) collect();
}

/** Those of this whole process, of hosts and clients too. */
const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;

describe('hosts and clients that break the rules', () => {
  const ip = `${NET}.8.1`;
  const servers: Server[] = [];
  let pod: Pod;
  let others: number;

  beforeAll(async () => {
    others = sockets();
    const names = Object.keys(HOSTS);
    const places = names.map((_, index) => `${NET}.8.${index + 10}`);
    for (const [index, name] of names.entries()) {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        HOSTS[name]?.(socket);
      });
      servers.push(server);
      await once(server.listen(HOST_PORT, places[index]), 'listening');
    }
    pod = await startPod({ ip, name: 'door', role: 'router', signer: await createTestCa() }, (xds) => {
      xds.push(
        typeUrls.cluster,
        names.map((name) => edsCluster(name, soonIdle)),
      );
      xds.push(
        typeUrls.endpoint,
        names.map((name, index) => endpoints(name, [`${places[index]}:${HOST_PORT}`])),
      );
      const routes = names.map((name): Route => ({ ...forwardTo(name), match: { prefix: `/${name}` } }));
      const table = { name: 'door', virtual_hosts: [{ name: 'all', domains: ['*'], routes }] };
      const listener = gatewayListener('door', { ip, port: DOOR }, { route_config: table });
      expect(xds.push(typeUrls.listener, [listener])).toEqual([]);
    });
  });
  afterAll(async () => {
    await pod?.stop();
    for (const server of servers) server.close();
  });

  const gauges = (): [string, number][] =>
    [...pod.proxy.admin.stats()].filter(([name, value]) => /(?:_rq|_cx|_pending)_active$/.test(name) && value > 0);

  /** Says what a client says, then leaves when the proxy has begun to read it, if the proxy has not left before. */
  async function meet(words: readonly (string | Buffer)[]): Promise<void> {
    const socket = connect({ host: ip, port: DOOR });
    socket.on('error', () => undefined);
    const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    await once(socket, 'connect');
    const before = bytesRead();
    for (const word of words) if (!socket.destroyed) await new Promise((resolve) => socket.write(word, resolve));
    await until(() => socket.destroyed || bytesRead() > before, 'the proxy has read what was said');
    socket.destroy();
    await gone;
  }
  const bytesRead = (): number => pod.proxy.admin.stats().get('http.door.downstream_cx_rx_bytes_total') ?? 0;

  async function round(): Promise<void> {
    for (const words of Object.values(CLIENTS)) await meet(words);
    await until(() => gauges().length === 0, 'nothing is under way');
    await until(() => sockets() <= others, 'all sockets are closed');
    pod.hops.length = 0;
    pod.logs.length = 0;
  }

  function heldMegabytes(): number {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    return (heapUsed + external) / (1 << 20);
  }

  it('leave no connection, no request, no socket and no memory behind', async () => {
    for (let turn = 0; turn < 5; turn++) await round();
    const before = heldMegabytes();
    for (let turn = 0; turn < 15; turn++) await round();
    expect(heldMegabytes() - before).toBeLessThan(1);
  });
});
