import { afterEach, describe, expect, it } from 'vitest';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import type { ReceivedRequest, TestServer } from './harness.ts';
import { exchange, RawClient, startServer } from './harness.ts';

const CLOSE = 'Connection: close\r\n';
let server: TestServer;

afterEach(() => server.close());

/** Answers when the request is complete, with a body of known length. */
function answer(request: ReceivedRequest, body = 'ok'): void {
  request.onEnd = () => {
    request.stream.sendHead(
      { status: 200, headers: Headers.of({ 'content-length': String(body.length) }) },
      body.length === 0,
    );
    if (body.length > 0) {
      request.stream.sendData(Buffer.from(body));
      request.stream.sendEnd();
    }
  };
}

describe('a server connection reads requests', () => {
  it('delivers method, path, authority and lower-case headers without those of the hop, but for TE: trailers', async () => {
    server = await startServer(answer);
    await exchange(
      server.port,
      'GET /a?b=c HTTP/1.1\r\nHost: Shop:80\r\nX-Canary:  true \r\nKeep-Alive: 5\r\nTE: trailers\r\nX-Odd: 1\r\n' +
        'Connection: close, X-Odd\r\n\r\n',
    );
    const { head } = server.requests[0]!.stream;
    expect(head).toMatchObject({
      method: 'GET',
      path: '/a?b=c',
      authority: 'Shop:80',
      scheme: 'http',
      protocol: 'HTTP/1.1',
    });
    expect(head.headers.entries()).toEqual([
      ['x-canary', 'true'],
      ['te', 'trailers'],
    ]);
    expect(server.requests[0]!.ended).toBe(true);
  });

  it('reads a body by Content-Length and keeps that header', async () => {
    server = await startServer(answer);
    await exchange(server.port, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n${CLOSE}\r\nhello`);
    expect(server.requests[0]!.body).toBe('hello');
    expect(server.requests[0]!.stream.head.headers.get('content-length')).toBe('5');
  });

  it('hands on nothing of what came together with a chunk that is none', async () => {
    server = await startServer(answer);
    await exchange(server.port, `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n`);
    expect(server.requests[0]!.body).toBe('');
  });

  it('reads a chunked body with extensions and trailers', async () => {
    server = await startServer(answer);
    await exchange(
      server.port,
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n${CLOSE}\r\n` +
        '5;x="y"\r\nhello\r\n00A\r\n, world!!!\r\n0\r\nX-Sum: 9\r\nContent-Length: 3\r\n\r\n',
    );
    const request = server.requests[0]!;
    expect(request.body).toBe('hello, world!!!');
    expect(request.trailers?.entries()).toEqual([['x-sum', '9']]);
    expect(request.stream.head.headers.has('transfer-encoding')).toBe(false);
  });

  it('takes the authority of an absolute target and ignores Host', async () => {
    server = await startServer(answer);
    await exchange(server.port, `GET http://real:81?x=1 HTTP/1.1\r\nHost: fake\r\n${CLOSE}\r\n`);
    expect(server.requests[0]!.stream.head).toMatchObject({ authority: 'real:81', path: '/?x=1' });
  });

  it('reads a message sent byte by byte', async () => {
    server = await startServer(answer);
    const client = new RawClient(server.port);
    const text = `\r\nPOST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n${CLOSE}\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n`;
    for (const byte of text) {
      client.write(byte);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    expect(await client.untilClosed()).toContain('HTTP/1.1 200 OK');
    expect(server.requests[0]!.body).toBe('abc');
    expect(server.requests[0]!.trailers?.get('a')).toBe('b');
  });

  it('passes over an empty line in front of a request, whole or cut between its CR and its LF', async () => {
    server = await startServer((request) => request.stream.sendHead({ status: 204, headers: new Headers() }, true));
    for (const parts of [['\r\n'], ['\r', '\n'], ['\r\n\r', '\n']]) {
      const client = new RawClient(server.port);
      const seen = server.requests.length;
      for (const part of parts) {
        client.write(part);
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
      client.write(`GET / HTTP/1.1\r\nHost: a\r\n${CLOSE}\r\n`);
      expect(await client.untilClosed(), JSON.stringify(parts)).toMatch(/^HTTP\/1\.1 204 /);
      expect(server.requests.length).toBe(seen + 1);
    }
  });

  it('answers pipelined requests one after another, in order', async () => {
    const open: ReceivedRequest[] = [];
    server = await startServer((request) => open.push(request));
    const client = new RawClient(server.port);
    client.write(
      'POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxxGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n',
    );
    for (const path of ['/1', '/2', '/3']) {
      const body = `for ${path}`;
      while (open.length === 0) await new Promise<void>((resolve) => setImmediate(resolve));
      expect(open.length).toBe(1);
      const request = open.shift()!;
      expect(request.stream.head.path).toBe(path);
      request.stream.sendHead({ status: 200, headers: new Headers() }, false);
      request.stream.sendData(Buffer.from(body));
      request.stream.sendEnd();
      await client.until((received) => received.includes(`${body}\r\n0\r\n\r\n`));
    }
    client.socket.destroy();
  });

  it('answers many pipelined requests that are answered at once without growing the stack', async () => {
    server = await startServer((request) => request.stream.sendHead({ status: 204, headers: new Headers() }, true));
    const client = new RawClient(server.port);
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(20_000));
    await client.until((received) => received.length >= 20_000 * 'HTTP/1.1 204 No Content\r\n\r\n'.length);
    expect(server.requests.length).toBe(20_000);
    client.socket.destroy();
  });

  it('leaves Expect: 100-continue to the upstream and passes its 100 on', async () => {
    server = await startServer((request) => {
      answer(request);
      if (request.stream.head.headers.get('expect') === '100-continue') {
        request.stream.sendInformational({ status: 100, headers: new Headers() });
      }
    });
    const client = new RawClient(server.port);
    client.write(`PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n${CLOSE}\r\n`);
    await client.until((received) => received.startsWith('HTTP/1.1 100 Continue\r\n\r\n'));
    client.write('hi');
    expect(await client.untilClosed()).toContain('HTTP/1.1 200 OK');
  });

  it('resets the stream when the client leaves before its answer', async () => {
    server = await startServer(() => undefined);
    const client = new RawClient(server.port);
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    while (server.requests.length === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    const reset = new Promise<void>((resolve) => {
      server.requests[0]!.onReset = resolve;
    });
    client.socket.destroy();
    await reset;
    expect(server.requests[0]!.resetReason).toEqual({
      reason: 'connection_termination',
      detail: 'downstream_remote_disconnect',
    });
  });
});
