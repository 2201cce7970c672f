import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import type { ReceivedRequest, TestServer } from './harness.ts';
import { exchange, ManualClock, RawClient, startServer } from './harness.ts';

let server: TestServer;

afterEach(() => server.close());

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const LARGE_POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegin';
const GET_CLOSE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

function respond(status: number, headers: Record<string, string>, body?: string): (request: ReceivedRequest) => void {
  return ({ stream }) => {
    stream.sendHead({ status, headers: Headers.of(headers) }, body === undefined);
    if (body === undefined) return;
    stream.sendData(Buffer.from(body, 'latin1'));
    stream.sendEnd();
  };
}

describe('a server connection writes responses', () => {
  it('frames a body of known length by Content-Length', async () => {
    server = await startServer(respond(200, { 'content-length': '2', 'x-a': 'b' }, 'hi'));
    expect(await exchange(server.port, GET_CLOSE)).toBe(
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-a: b\r\nconnection: close\r\n\r\nhi',
    );
  });

  it('frames a body of unknown length by chunks, with trailers', async () => {
    server = await startServer(({ stream }) => {
      stream.sendHead({ status: 200, headers: new Headers() }, false);
      stream.sendData(Buffer.from('0123456789abcdefg'));
      stream.sendEnd(Headers.of({ 'grpc-status': '0' }));
    });
    expect(await exchange(server.port, GET_CLOSE)).toBe(
      'HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n11\r\n0123456789abcdefg\r\n0\r\ngrpc-status: 0\r\n\r\n',
    );
  });

  it('writes a head and its body in one packet', async () => {
    server = await startServer(respond(200, { 'content-length': '2' }, 'hi'));
    const client = new RawClient(server.port);
    const first = new Promise<string>((resolve) => client.socket.once('data', (chunk) => resolve(chunk.toString())));
    client.write(GET);
    expect((await first).endsWith('\r\n\r\nhi')).toBe(true);
    client.socket.destroy();
  });

  it.each([
    ['GET', 200, {}, 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'],
    ['GET', 204, {}, 'HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n'],
    [
      'GET',
      304,
      { 'content-length': '9' },
      'HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\nconnection: close\r\n\r\n',
    ],
    ['HEAD', 200, { 'content-length': '9' }, 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\n'],
    ['GET', 599, {}, 'HTTP/1.1 599 Unknown\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'],
  ])('writes a %s answer %i without a body', async (method, status, headers, expected) => {
    server = await startServer(respond(status, headers as Record<string, string>));
    expect(await exchange(server.port, `${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)).toBe(expected);
  });

  it('never sends a body behind the head of a HEAD answer', async () => {
    server = await startServer(respond(200, { 'content-length': '2' }, 'hi'));
    const text = await exchange(server.port, 'HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(text.endsWith('\r\n\r\n')).toBe(true);
  });

  it('sends no more than Content-Length promised, and closes when it is less', async () => {
    server = await startServer(respond(200, { 'content-length': '3' }, 'hello'));
    const client = new RawClient(server.port);
    client.write(GET);
    await client.until((received) => received.endsWith('hel'));
    client.socket.destroy();
    await server.close();
    server = await startServer(respond(200, { 'content-length': '3' }, 'h'));
    expect(await exchange(server.port, GET)).toContain('\r\n\r\nh');
  });

  it('keeps the connection open between requests and counts them', async () => {
    server = await startServer(respond(200, { 'content-length': '2' }, 'hi'));
    const client = new RawClient(server.port);
    for (let i = 1; i <= 3; i++) {
      client.write(GET);
      await client.until((received) => received.split('\r\n\r\nhi').length === i + 1);
    }
    expect(server.connections.length).toBe(1);
    expect(server.connections[0]!.requestCount).toBe(3);
    expect(server.connections[0]!.idle).toBe(true);
    client.socket.destroy();
  });

  it('says Connection: close on the next response once it drains', async () => {
    server = await startServer(respond(200, { 'content-length': '2' }, 'hi'));
    const client = new RawClient(server.port);
    client.write(GET);
    await client.until((received) => received.endsWith('hi'));
    server.connections[0]!.drain();
    client.write(GET);
    expect(await client.untilClosed()).toMatch(/connection: close\r\n\r\nhi$/);
  });

  it('closes after an answer that came before the request was complete', async () => {
    server = await startServer(respond(413, {}));
    const client = new RawClient(server.port);
    client.write(LARGE_POST);
    const text = await client.untilClosed();
    expect(text).toBe('HTTP/1.1 413 Payload Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  });

  it('resets the connection of a client that goes on after such an answer, as a kernel does with bytes that nobody has read', async () => {
    server = await startServer(respond(413, {}));
    const broken: string[] = [];
    const client = connect({ port: server.port, host: '127.0.0.1' }, () => client.write(LARGE_POST));
    client.on('error', ({ code = '' }: NodeJS.ErrnoException) => broken.push(code));
    client.once('data', () => client.write('more'));
    await new Promise((resolve) => client.once('close', resolve));
    expect(broken).toEqual(['ECONNRESET']);
  });

  it('tells of a client that does not close after such an answer, unless nobody waits for it', async () => {
    const clock = new ManualClock();
    let late = 0;
    for (const delayedCloseMs of [1000, 0]) {
      server = await startServer(respond(413, {}), { clock, delayedCloseMs, onDelayedClose: () => late++ });
      const client = new RawClient(server.port);
      client.write(LARGE_POST);
      await client.until((received) => received.endsWith('\r\n\r\n'));
      clock.advance(999);
      expect(late).toBe(delayedCloseMs === 0 ? 1 : 0);
      clock.advance(2);
      await client.untilClosed();
      expect(late).toBe(1);
      await server.close();
    }
    server = await startServer(respond(204, {}));
  });

  it('drains a connection that was idle for too long: it closes a while later, or with the next answer', async () => {
    const clock = new ManualClock();
    let idle = 0;
    const onIdleTimeout = (): number => idle++;
    server = await startServer(respond(204, {}), { clock, idleTimeoutMs: 5000, drainTimeoutMs: 1000, onIdleTimeout });
    const [silent, asks] = [new RawClient(server.port), new RawClient(server.port)];
    for (const client of [silent, asks]) {
      client.write(GET);
      await client.until((received) => received.endsWith('\r\n\r\n'));
    }
    clock.advance(4999);
    expect(idle).toBe(0);
    clock.advance(2);
    expect([idle, server.connections.map((connection) => connection.idle)]).toEqual([2, [true, true]]);
    asks.write(GET);
    expect(await asks.untilClosed()).toMatch(/connection: close\r\n\r\n$/);
    clock.advance(1000);
    expect(await silent.untilClosed()).not.toContain('connection: close');
    expect([idle, server.errors]).toEqual([2, []]);
  });

  it('closes a connection on which nothing was ever asked at once when it was idle for too long', async () => {
    const clock = new ManualClock();
    let idle = 0;
    server = await startServer(respond(204, {}), { clock, idleTimeoutMs: 5000, onIdleTimeout: () => idle++ });
    const client = new RawClient(server.port);
    while (server.connections.length === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    clock.advance(5001);
    expect(await client.untilClosed()).toBe('');
    expect(idle).toBe(1);
  });

  it('answers 408 when a head does not arrive in time', async () => {
    const failure = { status: 408, details: 'request_header_timeout', body: 'late', explanation: 'late' };
    const clock = new ManualClock();
    server = await startServer(respond(204, {}), { clock, headLimit: { ms: 1000, failure } });
    const client = new RawClient(server.port);
    client.write('GET / HTTP/1.1\r\nHos');
    while (server.connections[0]?.idle !== false) await new Promise<void>((resolve) => setImmediate(resolve));
    clock.advance(1001);
    await client.until((received) => received.endsWith('late'));
    expect(client.received).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n/);
    expect(server.errors[0]?.details).toBe('request_header_timeout');
    client.socket.destroy();
  });

  it('serves HTTP/1.0 when allowed: closes, and delimits by the end of the connection', async () => {
    server = await startServer(respond(200, {}, 'hi'), { acceptHttp10: true });
    expect(await exchange(server.port, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n')).toBe(
      'HTTP/1.0 200 OK\r\nconnection: close\r\n\r\nhi',
    );
  });

  it('keeps an HTTP/1.0 connection that asks for it', async () => {
    server = await startServer(respond(200, { 'content-length': '2' }, 'hi'), { acceptHttp10: true });
    const client = new RawClient(server.port);
    client.write('GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n');
    await client.until((received) => received.endsWith('hi'));
    expect(client.received).toContain('connection: keep-alive');
    expect(client.closed).toBe(false);
    client.socket.destroy();
  });

  it('passes bytes both ways after 101', async () => {
    server = await startServer((request) => {
      request.onData = (chunk) => request.stream.sendData(Buffer.from(chunk.toString().toUpperCase()));
      request.onEnd = () => request.stream.sendEnd();
      request.stream.sendHead({ status: 101, headers: Headers.of({ upgrade: 'websocket' }) }, false);
    });
    const client = new RawClient(server.port);
    client.write('GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    await client.until((received) => received.endsWith('\r\n\r\n'));
    expect(client.received).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n',
    );
    client.write('ping');
    await client.until((received) => received.endsWith('PING'));
    client.socket.destroy();
  });

  it('cannot be made to split a response by a header value', async () => {
    server = await startServer(({ stream }) => {
      const headers = new Headers();
      headers.set('x-a', 'one\r\nx-evil: 1');
      headers.add('x-b', 'caf\u00e9 \u010a\u010d 日本');
      stream.sendHead({ status: 200, headers }, true);
    });
    const text = await exchange(server.port, GET_CLOSE);
    expect(text.split('\r\n').filter((line) => line.startsWith('x-'))).toHaveLength(2);
    expect(text).not.toMatch(/[^\r]\n/);
  });
});
