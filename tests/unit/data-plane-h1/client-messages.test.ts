import { afterEach, describe, expect, it } from 'vitest';
import type { RequestHead } from '../../../server/data-plane/http/codec.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { Call, request, ScriptedServer, startPool } from './pool-harness.ts';

let server: ScriptedServer;

afterEach(() => server.close());

/** Sends one request; the server answers `text`, then closes when `close`. */
async function respond(text: string, close = false, head: RequestHead = request()): Promise<Call> {
  server = await ScriptedServer.start((socket) => {
    socket.write(Buffer.from(text, 'latin1'));
    if (close) socket.end();
  });
  const { pool } = startPool(server.port);
  const call = new Call(pool, head);
  await call.response.settled();
  expect(pool.activeStreams).toBe(0);
  return call;
}

async function eventually(test: () => boolean): Promise<void> {
  while (!test()) await new Promise<void>((resolve) => setImmediate(resolve));
}

describe('a client connection reads responses', () => {
  it('delivers status, headers, chunked body and trailers', async () => {
    const { response } = await respond(
      'HTTP/1.1 201 Anything goes\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nGrpc-Status: 0\r\n\r\n',
    );
    expect(response.response?.status).toBe(201);
    expect(response.response?.headers.entries()).toEqual([['x-a', 'b']]);
    expect(response.body).toBe('hi');
    expect(response.trailers?.get('grpc-status')).toBe('0');
  });

  it('takes the end of the connection as the end of a body without length', async () => {
    const { response } = await respond('HTTP/1.1 200 OK\r\n\r\nuntil the end', true);
    expect(response.body).toBe('until the end');
    expect(response.ended).toBe(true);
  });

  it.each([
    'HTTP/1.1 204 No Content\r\n\r\n',
    'HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n',
    'HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n',
  ])('knows that nothing follows %j', async (text) => {
    const { response } = await respond(text);
    expect(response).toMatchObject({ ended: true, body: '' });
  });

  it('knows that the answer to HEAD has no body', async () => {
    const { response } = await respond('HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n', false, request('HEAD'));
    expect(response).toMatchObject({ ended: true, body: '' });
    expect(response.response?.headers.get('content-length')).toBe('7');
  });

  it('passes informational responses on before the final one', async () => {
    const { response } = await respond(
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx',
    );
    expect(response.informationals.map((head) => head.status)).toEqual([100, 103]);
    expect(response.body).toBe('x');
  });

  it.each([
    ['before the head is complete', 'HTTP/1.1 200 OK\r\ncontent-', 'protocol_error'],
    ['in a body of known length', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc', 'protocol_error'],
    ['in a chunked body', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n', 'protocol_error'],
  ])('resets the stream when the server leaves %s', async (_name, text, reason) => {
    const { response, stream } = await respond(text, true);
    expect(response.resetReason).toEqual({ reason, detail: '' });
    expect(response.ended).toBe(false);
    expect(stream!.responseBytes).toBe(text.length);
  });

  it.each([
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n', 'http1.codec_error'],
    ['a bare line feed', 'HTTP/1.1 200 OK\nA: b\n\n', 'http1.codec_error'],
    ['a folded header', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n', 'http1.codec_error'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', 'http1.codec_error'],
    ['HTTP/2', 'HTTP/2.0 200 OK\r\n\r\n', 'http1.codec_error'],
    ['101 that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 'http1.codec_error'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 'http1.codec_error'],
    [
      'length and chunked',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      'http1.content_length_and_chunked_not_allowed',
    ],
    [
      'a coding that is not chunked',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n',
      'http1.invalid_transfer_encoding',
    ],
    [
      '204 with a length',
      'HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc',
      'http1.content_length_not_allowed',
    ],
    [
      '204 with chunks',
      'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'http1.transfer_encoding_not_allowed',
    ],
    ['a bad chunk size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 'http1.codec_error'],
    ['too large a head', `HTTP/1.1 200 OK\r\nA: ${'b'.repeat(81_920)}\r\n\r\n`, 'http1.headers_too_large'],
  ])('resets the stream on %s', async (_name, text, detail) => {
    const { response } = await respond(text);
    expect(response.resetReason).toEqual({ reason: 'protocol_error', detail });
  });

  it.each([
    ['says Connection: close', 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok'],
    ['speaks HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok'],
    ['sends more than its response', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n'],
  ])('does not reuse a connection when the server %s', async (_name, text) => {
    server = await ScriptedServer.start((socket) => socket.write(text));
    const { pool } = startPool(server.port);
    const call = new Call(pool);
    await call.response.settled();
    expect(call.response.body).toBe('ok');
    await eventually(() => pool.activeConnections === 0);
  });

  it('ends a response that came before the request was complete, and closes', async () => {
    server = await ScriptedServer.start((socket) =>
      socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n'),
    );
    const { pool } = startPool(server.port);
    const call = await new Call(pool, null).decided();
    call.stream!.sendHead(request('POST'), false);
    await call.response.settled();
    expect(call.response.response?.status).toBe(413);
    expect(pool.activeConnections).toBe(0);
    expect(call.stream!.sendData(Buffer.from('late'))).toBe(true);
    call.stream!.sendEnd();
  });
});

describe('a client connection writes requests', () => {
  async function sent(head: RequestHead, body: readonly string[] | undefined, trailers?: Headers): Promise<string> {
    server = await ScriptedServer.start(() => undefined);
    const { pool } = startPool(server.port);
    const call = await new Call(pool, null).decided();
    call.stream!.sendHead(head, body === undefined);
    for (const part of body ?? []) call.stream!.sendData(Buffer.from(part));
    if (body !== undefined) call.stream!.sendEnd(trailers);
    await eventually(() => (server.received[0] ?? '') !== '');
    for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve));
    pool.close();
    return server.received[0]!;
  }

  it('begins with the request line and Host, and gives a GET no length', async () => {
    expect(await sent(request('GET', '/a?b', { 'x-a': 'b' }), undefined)).toBe(
      'GET /a?b HTTP/1.1\r\nhost: app:80\r\nx-a: b\r\n\r\n',
    );
  });

  it('gives a POST without a body the length 0', async () => {
    expect(await sent(request('POST'), undefined)).toContain('\r\ncontent-length: 0\r\n\r\n');
  });

  it('keeps a known length, and writes an unknown one in chunks with trailers', async () => {
    expect(await sent(request('PUT', '/', { 'content-length': '4' }), ['ab', 'cd'])).toMatch(
      /content-length: 4\r\n\r\nabcd$/,
    );
    await server.close();
    expect(await sent(request('PUT'), ['ab', 'c'], Headers.of({ 'x-sum': '1' }))).toMatch(
      /transfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nx-sum: 1\r\n\r\n$/,
    );
  });

  it('encodes what must not stand in a request line', async () => {
    expect(await sent(request('GET', '/a b\r\nX: y/日'), undefined)).toMatch(
      /^GET \/a%20b%0D%0AX:%20y\/%E6%97%A5 HTTP\/1.1\r\n/,
    );
  });

  it('opens a tunnel by Upgrade and passes bytes both ways', async () => {
    server = await ScriptedServer.start((socket, text) => {
      if (text.startsWith('GET'))
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst');
      else socket.end(text.toUpperCase());
    });
    const { pool } = startPool(server.port);
    const call = await new Call(pool, null).decided();
    call.stream!.sendHead(request('GET', '/ws', { upgrade: 'websocket', 'sec-websocket-key': 'k' }), false);
    await call.response.until(() => call.response.body === 'first');
    expect(call.response.response?.status).toBe(101);
    expect(call.response.response?.headers.get('upgrade')).toBe('websocket');
    call.stream!.sendData(Buffer.from('frame'));
    await call.response.settled();
    expect(call.response.body).toBe('firstFRAME');
    expect(server.received[0]).toContain('upgrade: websocket\r\nsec-websocket-key: k\r\nconnection: Upgrade\r\n\r\n');
    expect(pool.activeConnections).toBe(0);
  });
});
