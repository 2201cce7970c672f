import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, expect, it } from 'vitest';
import { WireWriter } from '../../../server/data-plane/http/h1/wire-writer.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { PassThrough } from '../../bench/wire-pass-through.ts';
import type { TestServer } from './harness.ts';
import { listen, ReceivedRequest, startServer } from './harness.ts';
import { startPool } from './pool-harness.ts';

const CHUNK = Buffer.alloc(64 * 1024, 'x');
const CHUNKS = 2048;
const TOTAL = CHUNK.length * CHUNKS;
/** Kernel buffers of two loopback connections and the proxy's own, with room; a proxy without back-pressure takes all 128 MiB. */
const BOUND = 32 * 1024 * 1024;

let cleanup: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of cleanup.reverse()) await close();
  cleanup = [];
});

/** Calls back when the socket takes more, or never will. */
function writable(socket: Socket, then: () => void): void {
  const done = (): void => {
    socket.removeListener('drain', done).removeListener('close', done);
    then();
  };
  socket.on('drain', done).on('close', done);
}

/** Writes the body as fast as the socket takes it. */
async function pour(socket: Socket): Promise<void> {
  for (let i = 0; i < CHUNKS && !socket.destroyed; i++) {
    if (!socket.write(CHUNK)) await new Promise<void>((resolve) => writable(socket, resolve));
  }
}

/** Resolves when `value` has not changed for a good number of turns of the loop. */
async function quiet(value: () => number): Promise<number> {
  let last = -1;
  for (let turns = 0; turns < 500; turns++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (value() !== last) turns = 0;
    last = value();
  }
  return last;
}

async function startUpstream(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  cleanup.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return listen(server);
}

async function startProxy(upstreamPort: number): Promise<TestServer> {
  const { pool } = startPool(upstreamPort);
  const proxy = await startServer(() => undefined, {
    onRequest: (stream) => {
      new PassThrough(stream, pool);
    },
  });
  cleanup.push(proxy.close, () => pool.close());
  return proxy;
}

it('holds back a response that its client does not read, then delivers all of it', async () => {
  let upstream: Socket | undefined;
  const port = await startUpstream((socket) => {
    upstream = socket;
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${TOTAL}\r\n\r\n`);
      void pour(socket);
    });
  });
  const proxy = await startProxy(port);
  const client = connect(proxy.port, '127.0.0.1');
  cleanup.push(() => {
    client.destroy();
  });
  client.pause();
  const before = process.memoryUsage().arrayBuffers;
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const sent = await quiet(() => upstream?.bytesWritten ?? 0);
  expect(sent).toBeGreaterThan(CHUNK.length);
  expect(sent).toBeLessThan(BOUND);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(BOUND);
  let body = 0;
  client.on('data', (chunk: Buffer) => {
    body += chunk.length;
  });
  client.resume();
  while (body < TOTAL) await once(client, 'data');
  expect(client.bytesRead).toBe(body);
});

it('holds back a request body that its upstream does not read, then delivers all of it', async () => {
  let upstream: Socket | undefined;
  const port = await startUpstream((socket) => {
    upstream = socket;
    socket.pause();
  });
  const proxy = await startProxy(port);
  const client = connect(proxy.port, '127.0.0.1');
  cleanup.push(() => {
    client.destroy();
  });
  client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${TOTAL}\r\n\r\n`);
  void pour(client);
  const sent = await quiet(() => client.bytesWritten);
  expect(sent).toBeGreaterThan(CHUNK.length);
  expect(sent).toBeLessThan(BOUND);
  upstream!.resume();
  while (upstream!.bytesRead < TOTAL) await once(upstream!, 'data');
});

it('keeps no more than one read of what a client pipelines behind an open request', async () => {
  const requests: ReceivedRequest[] = [];
  const proxy = await startServer(() => undefined, {
    onRequest: (stream, connection) => {
      requests.push(new ReceivedRequest(stream, connection));
    },
  });
  cleanup.push(proxy.close);
  const client = connect(proxy.port, '127.0.0.1');
  cleanup.push(() => {
    client.destroy();
  });
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  void pour(client);
  const sent = await quiet(() => client.bytesWritten);
  expect(sent).toBeLessThan(BOUND);
  expect(requests.length).toBe(1);
});

/** A server whose hosts take no byte of a body for now; resolves with the next request that is complete. */
async function startHoldingServer(): Promise<{ port: number; complete: () => Promise<ReceivedRequest> }> {
  const done: ReceivedRequest[] = [];
  let wake: (() => void) | undefined;
  const proxy = await startServer(() => undefined, {
    onRequest: (stream, connection) => {
      const received = new ReceivedRequest(stream, connection);
      received.onData = () => stream.pause();
      received.onEnd = () => {
        done.push(received);
        wake?.();
      };
    },
  });
  cleanup.push(proxy.close);
  const complete = async (): Promise<ReceivedRequest> => {
    while (done.length === 0)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    return done.shift()!;
  };
  return { port: proxy.port, complete };
}

const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello';

it('reads the next request when the answer to one comes whose body is held back to its end', async () => {
  const { port, complete } = await startHoldingServer();
  const client = connect(port, '127.0.0.1');
  cleanup.push(() => {
    client.destroy();
  });
  client.write(POST);
  const first = await complete();
  first.stream.sendHead({ status: 200, headers: new Headers() }, true);
  await once(client, 'data');
  client.write(POST);
  expect((await complete()).body).toBe('hello');
});

it('tells whoever was stopped to go on, also when less waited meanwhile', async () => {
  const taken: (() => void)[] = [];
  const wire = new Duplex({
    highWaterMark: 16 * 1024,
    read: () => undefined,
    write: (_bytes, _encoding, done) => {
      taken.push(done);
    },
  });
  let told = 0;
  const writer = new WireWriter(wire as Socket, { onWritable: () => told++ });
  wire.on('drain', () => writer.drained());
  writer.head('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', 'chunked', 0);
  const half = CHUNK.subarray(0, 40 * 1024);
  expect(writer.data(half)).toBe(true);
  expect(writer.data(half)).toBe(false);
  taken.shift()!();
  // What was under way when the writer said stop.
  writer.data(half.subarray(0, 10));
  writer.flush();
  const drained = once(wire, 'drain');
  while (wire.writableLength > 0) {
    taken.shift()?.();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await drained;
  expect(told).toBe(1);
});
