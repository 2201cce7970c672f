import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createFetch, type Dial, type FetchInit } from '#workloads';
import { manualClock } from './support.ts';

const closes: (() => void)[] = [];
afterEach(() => {
  for (const close of closes.splice(0)) close();
});

/** A server that answers each chunk that it reads, in turn, and keeps what it has read. */
async function scripted(...answers: readonly string[]) {
  const read: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      const answer = answers[read.length];
      read.push(chunk.toString());
      if (answer !== undefined) socket.write(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closes.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, read, sockets };
}

/** Fetches from a host that nobody knows: only a proxy leads there. */
function fetcher(port: number) {
  const clock = manualClock();
  const dialled: string[] = [];
  const dial: Dial = (host, at) => {
    dialled.push(`${host}:${at}`);
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port }, () => resolve(socket)).once('error', reject);
    });
  };
  const fetch = (url: string, init: FetchInit = {}) => createFetch(dial, clock)(url, { persistent: true, ...init });
  return { clock, dialled, fetch };
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const proxy = (more: object = {}) => ({
  host: 'proxy',
  port: 3128,
  headers: { 'user-agent': 'me' },
  tunnel: false,
  ...more,
});

it('says HTTP/1.0 in the request line where that is asked for, with and without a body', async () => {
  const server = await scripted('HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok', OK);
  const { fetch } = fetcher(server.port);
  const first = await fetch('http://x/a', { http10: true });
  expect(first.head?.version).toBe('1.0');
  await fetch('http://x/b', { http10: true, method: 'POST', body: 'HTTP/1.1\r\n' });
  expect(server.read).toEqual([
    'GET /a HTTP/1.0\r\nHost: x\r\n\r\n',
    'POST /b HTTP/1.0\r\ncontent-length: 10\r\nHost: x\r\n\r\nHTTP/1.1\r\n',
  ]);
});

it('gives an http request to a proxy with its whole URL', async () => {
  const server = await scripted(OK);
  const { fetch, dialled } = fetcher(server.port);
  const { status, times, localPort } = await fetch('http://x:81/a?b', { proxy: proxy() });
  expect({ status, dialled }).toEqual({ status: 200, dialled: ['proxy:3128'] });
  expect(server.read[0]).toBe(
    'GET http://x:81/a?b HTTP/1.1\r\nhost: x:81\r\nuser-agent: me\r\nproxy-connection: Keep-Alive\r\n\r\n',
  );
  expect(times).toEqual({ connectedMs: 0, answeredMs: 0 });
  expect(localPort).toBeGreaterThan(0);
});

it('asks a proxy for a tunnel by CONNECT, and sends the request through it', async () => {
  const server = await scripted('HTTP/1.1 200 Connection established\r\n\r\n', OK);
  const { fetch } = fetcher(server.port);
  const { status, body } = await fetch('http://x/a', { proxy: proxy({ tunnel: true }) });
  expect([status, body.toString()]).toEqual([200, 'ok']);
  expect(server.read).toEqual([
    'CONNECT x:80 HTTP/1.1\r\nhost: x:80\r\nuser-agent: me\r\nproxy-connection: Keep-Alive\r\n\r\n',
    'GET /a HTTP/1.1\r\nHost: x\r\n\r\n',
  ]);
});

it('fails with the status of a proxy that makes no tunnel', async () => {
  const server = await scripted('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
  await expect(fetcher(server.port).fetch('https://x/', { proxy: proxy() })).rejects.toThrow(
    'CONNECT tunnel failed, response 403',
  );
});

it('gives up a connection that a silent proxy does not make in time, and closes what it had', async () => {
  const server = await scripted();
  const { fetch, clock } = fetcher(server.port);
  const answer = fetch('https://x/', { proxy: proxy(), connectTimeoutMs: 500 });
  await expect.poll(() => server.read.length).toBe(1);
  clock.advance(500);
  await expect(answer).rejects.toThrow('no connection within 500 ms');
  await expect.poll(() => server.sockets[0]?.closed).toBe(true);
  expect(clock.waiting).toBe(0);
});

it('lets an answer take longer than a connection may', async () => {
  const server = await scripted();
  const { fetch, clock } = fetcher(server.port);
  const answer = fetch('http://x/', { connectTimeoutMs: 500 });
  await expect.poll(() => server.read.length).toBe(1);
  clock.advance(1500);
  server.sockets[0]?.write(OK);
  expect((await answer).times).toEqual({ connectedMs: 0, answeredMs: 1500 });
});

it.each<[string, FetchInit]>([
  ['a path with a space', { target: '/a b' }],
  ['a method of two words', { method: 'A B' }],
  ['a header value beyond Latin-1', { headers: { x: '\u{100}' } }],
  ['the name of a header with a space, over HTTP/2', { headers: { 'x y': '1' }, http2: true }],
])('fails, and closes the connection, where a request cannot be written: %s', async (_, init) => {
  const server = await scripted(OK);
  await expect(fetcher(server.port).fetch('http://x/', init)).rejects.toThrow(/unescaped|valid|Invalid/);
  await expect.poll(() => server.sockets[0]?.closed).toBe(true);
});

it('says that it waits for the server’s consent, and keeps the connection, where a header says so', async () => {
  const server = await scripted(OK);
  const { fetch } = fetcher(server.port);
  const { status } = await fetch('http://x/', { method: 'POST', headers: { expect: '100-continue' }, body: 'a' });
  expect(status).toBe(200);
  expect(server.read.join('')).toBe('POST / HTTP/1.1\r\ncontent-length: 1\r\nHost: x\r\nexpect: 100-continue\r\n\r\na');
});
