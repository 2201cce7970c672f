import { once } from 'node:events';
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { RequestHead } from '../../../server/data-plane/http/codec.ts';
import { FrameType } from '../../../server/data-plane/http/h2/frame.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import type { HostPoolOptions } from '../../../server/data-plane/upstream/pool-options.ts';
import { systemClock } from '../../../server/system.ts';
import { listen } from '../data-plane-h1/harness.ts';
import { Call, ScriptedServer, startPool, type TestPool } from '../data-plane-h1/pool-harness.ts';
import { block, frame, SETTINGS, uint32 } from './harness.ts';

let cleanup: (() => void)[] = [];

afterEach(() => {
  for (const close of cleanup.reverse()) close();
  cleanup = [];
});

const head = (method = 'GET', path = '/', headers: Record<string, string> = {}): RequestHead => ({
  method,
  path,
  authority: 'app:80',
  scheme: 'http',
  protocol: 'HTTP/2',
  headers: Headers.of(headers),
});

type Settings = Parameters<ServerHttp2Session['settings']>[0];

/** A pool of HTTP/2 connections to Node's own server. */
async function start(
  onStream: (stream: ServerHttp2Stream, headers: Record<string, string>) => void,
  settings: Settings = {},
  options: Partial<HostPoolOptions> = {},
): Promise<TestPool & { server: Http2Server; sessions: ServerHttp2Session[] }> {
  const sessions: ServerHttp2Session[] = [];
  const server = createServer({ settings, maxSessionMemory: 1000 });
  server.on('session', (session) => sessions.push(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    onStream(stream as ServerHttp2Stream, headers as Record<string, string>);
  });
  const port = await listen(server as unknown as Parameters<typeof listen>[0]);
  const started = startPool(port, {}, { protocol: 'http2', ...options });
  cleanup.push(
    () => server.close(),
    () => started.pool.close(),
  );
  return { ...started, server, sessions };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function eventually(test: () => boolean): Promise<void> {
  while (!test()) await turn();
}

function bodyOf(stream: ServerHttp2Stream): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => resolve(Buffer.concat(chunks)));
  });
}

describe('a pool of HTTP/2 connections', () => {
  it('sends many requests at a time over one connection', async () => {
    const { pool, breakers, sessions, stats } = await start(async (stream, headers) => {
      const body = await bodyOf(stream);
      stream.respond({ ':status': 200, 'x-path': headers[':path'] });
      stream.end(body);
    });
    const calls = Array.from({ length: 100 }, (_, i) => {
      const call = new Call(pool, null);
      void call.decided().then(({ stream }) => {
        stream?.sendHead(head('POST', `/${i}`), false);
        stream?.sendData(Buffer.alloc(i * 500, 'b'));
        stream?.sendEnd();
      });
      return call;
    });
    for (const [i, call] of calls.entries()) {
      await call.response.settled();
      expect(call.response.response?.headers.get('x-path')).toBe(`/${i}`);
      expect(call.response.body.length).toBe(i * 500);
    }
    expect(sessions.length).toBe(1);
    expect(pool).toMatchObject({ activeConnections: 1, activeStreams: 0, pendingStreams: 0 });
    expect(breakers).toMatchObject({ connections: 1, requests: 0, pendingRequests: 0 });
    expect(stats.filter((stat) => stat === 'upstream_cx_total').length).toBe(1);
  });

  it('carries trailers and notes both ways', async () => {
    const { pool } = await start((stream) => {
      let sum: unknown;
      stream.on('trailers', (fields) => {
        sum = fields['x-sum'];
      });
      stream.additionalHeaders({ ':status': 103, link: '</a>' });
      stream.resume();
      stream.on('end', () => {
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-answer': String(sum) }));
        stream.end('x');
      });
    });
    const call = await new Call(pool, null).decided();
    call.stream!.sendHead(head('POST'), false);
    call.stream!.sendData(Buffer.from('body'));
    call.stream!.sendEnd(Headers.of({ 'x-sum': '42' }));
    await call.response.settled();
    expect(call.response.informationals.map(({ status }) => status)).toEqual([103]);
    expect(call.response.trailers?.get('x-answer')).toBe('42');
  });

  it('moves bodies larger than all windows, whatever windows the server offers', async () => {
    const body = Buffer.alloc(5 * 1024 * 1024, 'mesh');
    const { pool } = await start(
      async (stream) => {
        stream.respond({ ':status': 200 });
        stream.end(await bodyOf(stream));
      },
      { initialWindowSize: 1000, headerTableSize: 0 },
    );
    const call = await new Call(pool, null).decided();
    call.stream!.sendHead(head('POST'), false);
    call.stream!.sendData(body);
    call.stream!.sendEnd();
    await call.response.settled();
    expect(Buffer.concat(call.response.chunks).equals(body)).toBe(true);
  });

  it('opens another connection when a server takes no more streams on the first', async () => {
    const waiting: ServerHttp2Stream[] = [];
    const { pool, sessions } = await start((stream) => waiting.push(stream), { maxConcurrentStreams: 2 });
    const first = new Call(pool, head());
    await eventually(() => waiting.length === 1);
    const more = [new Call(pool, head()), new Call(pool, head())];
    await eventually(() => waiting.length === 3);
    expect(sessions.length).toBe(2);
    for (const stream of waiting) stream.respond({ ':status': 204 }, { endStream: true });
    for (const call of [first, ...more]) expect((await call.response.settled()).response?.status).toBe(204);
  });

  it('opens another connection when slow readers hold half of what the first may carry', async () => {
    const { pool, sessions } = await start((stream, headers) => {
      stream.respond({ ':status': 200 });
      stream.end(headers[':path'] === '/large' ? Buffer.alloc(300 * 1024) : 'small');
    });
    const slow = Array.from({ length: 80 }, () => new Call(pool, null));
    for (const call of slow) {
      const { stream } = await call.decided();
      stream!.pause();
      stream!.sendHead(head('GET', '/large'), true);
    }
    const quick = async (): Promise<Call> => {
      const call = new Call(pool, head('GET', '/small'));
      await call.response.settled();
      return call;
    };
    while (sessions.length < 2) expect((await quick()).response.body).toBe('small');
    for (const call of slow) call.stream!.resume();
    for (const call of slow) expect((await call.response.settled()).body.length).toBe(300 * 1024);
    expect(pool.activeStreams).toBe(0);
  });

  it('keeps to the number of streams that its cluster allows', async () => {
    const waiting: ServerHttp2Stream[] = [];
    const options = { http2: { maxConcurrentStreams: 1 } };
    const { pool, sessions } = await start((stream) => waiting.push(stream), {}, options);
    const calls = [new Call(pool, head()), new Call(pool, head())];
    await eventually(() => waiting.length === 2);
    expect(sessions.length).toBe(2);
    for (const stream of waiting) stream.respond({ ':status': 204 }, { endStream: true });
    for (const call of calls) await call.response.settled();
  });

  it('retires a connection after the requests that it may carry', async () => {
    const { pool, sessions, stats } = await start(
      (stream) => stream.respond({ ':status': 204 }, { endStream: true }),
      {},
      {
        maxRequestsPerConnection: 2,
      },
    );
    for (let i = 0; i < 5; i++) await new Call(pool, head()).response.settled();
    expect(sessions.length).toBe(3);
    expect(stats.filter((stat) => stat === 'upstream_cx_max_requests').length).toBe(2);
  });

  it('makes a connection for each of the requests that one may not carry together', async () => {
    const waiting: ServerHttp2Stream[] = [];
    const { pool, sessions } = await start((stream) => waiting.push(stream), {}, { maxRequestsPerConnection: 2 });
    const calls = [new Call(pool, head()), new Call(pool, head()), new Call(pool, head())];
    await eventually(() => waiting.length === 3);
    expect(sessions.length).toBe(2);
    for (const stream of waiting) stream.respond({ ':status': 204 }, { endStream: true });
    for (const call of calls) await call.response.settled();
  });

  it('ends a worn connection with an answer that comes before its request is whole: no reset, an error of the protocol as in Envoy', async () => {
    const counted: string[] = [];
    const { pool, stats } = await start(
      (stream) => stream.respond({ ':status': 413 }, { endStream: true }),
      {},
      {
        maxRequestsPerConnection: 1,
        http2: { counter: { count: (figure) => counted.push(figure), streams: () => undefined } },
      },
    );
    const call = await new Call(pool, null).decided();
    call.stream!.sendHead(head('POST'), false);
    call.stream!.sendData(Buffer.from('beginning'));
    expect((await call.response.settled()).response?.status).toBe(413);
    await eventually(() => stats.includes('upstream_cx_destroy'));
    expect(stats).toContain('upstream_cx_protocol_error');
    expect(counted).not.toContain('tx_reset');
  });

  it('has done with a connection that it ends at once, whenever the host lets go of it', async () => {
    const { pool, stats } = await start((stream) => stream.respond({ ':status': 204 }, { endStream: true }));
    await new Call(pool, head()).response.settled();
    pool.drain();
    expect(stats).toContain('upstream_cx_destroy');
    expect(pool.activeConnections).toBe(0);
  });

  it('lets what is under way end after GOAWAY and sends the next request elsewhere', async () => {
    const waiting: ServerHttp2Stream[] = [];
    const { pool, sessions } = await start((stream) => waiting.push(stream));
    const first = new Call(pool, head());
    await eventually(() => waiting.length === 1);
    sessions[0]!.goaway(0, waiting[0]!.id);
    const ping = new Promise<void>((resolve) => sessions[0]!.ping(() => resolve()));
    await ping;
    const second = new Call(pool, head());
    await eventually(() => waiting.length === 2);
    expect(sessions.length).toBe(2);
    for (const stream of waiting) stream.respond({ ':status': 204 }, { endStream: true });
    expect((await first.response.settled()).response?.status).toBe(204);
    expect((await second.response.settled()).response?.status).toBe(204);
  });

  it('tells that a stream was refused', async () => {
    const { pool } = await start((stream) => stream.close(7));
    const call = new Call(pool, head());
    await call.response.settled();
    expect(call.response.resetReason?.reason).toBe('remote_refused_stream_reset');
    // As for Envoy, it has left all the same.
    expect(call.stream?.requestStarted).toBe(true);
  });

  it('tells a reset from a lost connection', async () => {
    const { pool, sessions } = await start((stream, headers) => {
      if (headers[':path'] === '/reset') stream.close(2);
      else sessions[0]!.destroy();
    });
    const reset = new Call(pool, head('GET', '/reset'));
    expect((await reset.response.settled()).resetReason?.reason).toBe('remote_reset');
    const lost = new Call(pool, head('GET', '/lost'));
    expect((await lost.response.settled()).resetReason?.reason).toBe('connection_termination');
  });

  it('stops an upload whose answer is complete', async () => {
    const { pool } = await start((stream) => stream.respond({ ':status': 413 }, { endStream: true }));
    const call = await new Call(pool, null).decided();
    call.stream!.sendHead(head('POST'), false);
    call.stream!.sendData(Buffer.from('beginning'));
    await call.response.settled();
    expect(call.response.response?.status).toBe(413);
    expect(pool.activeStreams).toBe(0);
    expect((await new Call(pool, head()).response.settled()).response?.status).toBe(413);
  });

  it('cancels a stream that is given up, and the connection carries the next', async () => {
    const codes: number[] = [];
    const { pool, sessions } = await start((stream, headers) => {
      if (headers[':path'] === '/next') stream.respond({ ':status': 204 }, { endStream: true });
      stream.on('close', () => codes.push(stream.rstCode));
    });
    const call = await new Call(pool, head()).decided();
    call.stream!.reset('local_reset');
    await eventually(() => codes.length === 1);
    expect(codes).toEqual([2]);
    expect((await new Call(pool, head('GET', '/next')).response.settled()).response?.status).toBe(204);
    expect(sessions.length).toBe(1);
  });

  it('ends a connection whose PINGs are not answered', async () => {
    const silent = await ScriptedServer.start((socket, _text, connection) => {
      if (silent.received[connection]!.length < 200) socket.write(SETTINGS);
    });
    cleanup.push(() => void silent.close());
    const keepalive = { intervalMs: 20, timeoutMs: 20 };
    const { pool } = startPool(silent.port, {}, { protocol: 'http2', http2: { keepalive } });
    const call = new Call(pool, head());
    expect((await call.response.settled()).resetReason?.reason).toBe('connection_termination');
    expect(pool.activeConnections).toBe(0);
  });

  it('speaks through sockets that were never told about HTTP/2 before', async () => {
    const { server } = await start((stream) => stream.respond({ ':status': 204 }, { endStream: true }));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
    const { pool } = startPool(
      0,
      {},
      {
        protocol: 'http2',
        clock: systemClock(),
        connect: () => connect(address.port, '127.0.0.1'),
      },
    );
    expect((await new Call(pool, head()).response.settled()).response?.status).toBe(204);
    pool.close();
  });
});

describe('an answer that is no valid HTTP', () => {
  const status = (value: string): Buffer => block([[':status', value]]);
  it.each<[string, Buffer]>([
    ['has no status', frame(FrameType.HEADERS, 5, 1, block([['x', 'y']]))],
    ['has a status that is no number', frame(FrameType.HEADERS, 5, 1, status('2x0'))],
    ['switches protocols', frame(FrameType.HEADERS, 5, 1, status('101'))],
    [
      'holds a line end',
      frame(
        FrameType.HEADERS,
        5,
        1,
        block([
          [':status', '200'],
          ['x', 'a\r\nb'],
        ]),
      ),
    ],
    [
      'has a header of one connection',
      frame(
        FrameType.HEADERS,
        5,
        1,
        block([
          [':status', '200'],
          ['connection', 'x'],
        ]),
      ),
    ],
    ['ends with a note', frame(FrameType.HEADERS, 5, 1, status('103'))],
    [
      'announces a body that does not come',
      frame(
        FrameType.HEADERS,
        5,
        1,
        block([
          [':status', '200'],
          ['content-length', '5'],
        ]),
      ),
    ],
    ['begins with a body', frame(FrameType.DATA, 1, 1, Buffer.from('x'))],
  ])('resets its stream: it %s', async (_what, bytes) => {
    const server = await ScriptedServer.start((socket, _text, connection) => {
      if (server.received[connection]!.includes('app:80')) socket.write(Buffer.concat([SETTINGS, bytes]));
    });
    const { pool } = startPool(server.port, {}, { protocol: 'http2' });
    const call = new Call(pool, head());
    expect((await call.response.settled()).resetReason?.reason).toBe('protocol_error');
    pool.close();
    await server.close();
  });

  it('hands on nothing of a frame that ends the body too early, and takes the reset that comes with it for the reason', async () => {
    const [announced, rest] = [
      block([
        [':status', '200'],
        ['content-length', '9'],
      ]),
      Buffer.from('abc'),
    ];
    const server = await ScriptedServer.start((socket, _text, connection) => {
      if (!server.received[connection]!.includes('app:80')) return;
      const answer = [frame(FrameType.HEADERS, 4, 1, announced), frame(FrameType.DATA, 1, 1, rest)];
      socket.write(Buffer.concat([SETTINGS, ...answer, frame(FrameType.RST_STREAM, 0, 1, uint32(8))]));
    });
    const { pool } = startPool(server.port, {}, { protocol: 'http2' });
    const { response } = new Call(pool, head());
    expect((await response.settled()).resetReason?.reason).toBe('remote_reset');
    expect(response.body).toBe('');
    pool.close();
    await server.close();
  });

  it('loses the connection with a window update that overflows', async () => {
    const server = await ScriptedServer.start((socket, _text, connection) => {
      if (!server.received[connection]!.includes('app:80')) return;
      socket.write(Buffer.concat([SETTINGS, frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(0x7fff_ffff))]));
    });
    const { pool } = startPool(server.port, {}, { protocol: 'http2' });
    const call = new Call(pool, head());
    expect((await call.response.settled()).resetReason?.reason).toBe('protocol_error');
    await once(server.sockets[0]!, 'close');
    await server.close();
  });
});
