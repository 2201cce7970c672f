import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { FrameType } from '../../../server/data-plane/http/h2/frame.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { PassThrough } from '../../bench/wire-pass-through.ts';
import { RawClient, type ReceivedRequest } from '../data-plane-h1/harness.ts';
import { startPool } from '../data-plane-h1/pool-harness.ts';
import {
  ask,
  block,
  echo,
  frame,
  framesOf,
  GET,
  HELLO,
  nodeClient,
  startHttp2Server,
  type TestServer,
  uint32,
} from './harness.ts';

const MIB = 1024 * 1024;
let cleanup: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of cleanup.reverse()) await close();
  cleanup = [];
});

async function start(onRequest: (request: ReceivedRequest) => void): Promise<TestServer> {
  const server = await startHttp2Server(onRequest);
  cleanup.push(server.close);
  return server;
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

/** Sends until it is told to wait, and goes on when it may. */
function pour(request: ReceivedRequest, total: number, sent: { bytes: number }): void {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const go = (): void => {
    while (sent.bytes < total) {
      sent.bytes += chunk.length;
      if (!request.stream.sendData(chunk)) return;
    }
    request.stream.sendEnd();
  };
  request.onDrain = go;
  request.stream.sendHead({ status: 200, headers: new Headers() }, false);
  go();
}

it('stops sending a response that its client gives no window for, and goes on with it', async () => {
  const sent = { bytes: 0 };
  const server = await start((request) => pour(request, 64 * MIB, sent));
  const session = await nodeClient(server.port);
  cleanup.push(() => session.destroy());
  const stream = session.request({ ':path': '/' });
  await once(stream, 'response');
  expect(await quiet(() => sent.bytes)).toBeLessThan(2 * MIB);
  let received = 0;
  stream.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  await once(stream, 'end');
  expect(received).toBe(sent.bytes);
});

it('gives no more window for a body that nobody reads, while other streams go on', async () => {
  let stalled: ReceivedRequest | undefined;
  const server = await start((request) => {
    if (request.stream.head.path !== '/stalled') return echo(request);
    stalled = request;
    request.stream.pause();
    return undefined;
  });
  const session = await nodeClient(server.port);
  cleanup.push(() => session.destroy());
  const upload = session.request({ ':method': 'POST', ':path': '/stalled' });
  upload.on('error', () => undefined);
  const body = Buffer.alloc(8 * MIB, 'u');
  upload.end(body);
  await quiet(() => session.state.outboundQueueSize ?? 0);
  expect(stalled!.chunks).toEqual([]);
  const other = Buffer.alloc(2 * MIB, 'o');
  expect((await ask(session, { ':method': 'POST', ':path': '/other' }, other)).body.equals(other)).toBe(true);
  const whole = new Promise<void>((resolve) => {
    stalled!.onEnd = resolve;
  });
  stalled!.stream.resume();
  await whole;
  expect(Buffer.concat(stalled!.chunks).equals(body)).toBe(true);
});

it('shares a connection fairly between a large answer and small ones', async () => {
  const sent = { bytes: 0 };
  const server = await start((request) =>
    request.stream.head.path === '/large' ? pour(request, 256 * MIB, sent) : echo(request),
  );
  const session = connectHttp2(`http://127.0.0.1:${server.port}`, { settings: { initialWindowSize: 16 * MIB } });
  cleanup.push(() => session.destroy());
  await once(session, 'connect');
  session.setLocalWindowSize(64 * MIB);
  const large = session.request({ ':path': '/large' });
  large.on('error', () => undefined);
  large.resume();
  await once(large, 'response');
  for (let i = 0; i < 20; i++) expect((await ask(session, { ':path': `/${i}` })).status).toBe(200);
  expect(sent.bytes).toBeLessThan(256 * MIB);
});

it('gives a client up that reads nothing and asks for more', async () => {
  const server = await start((request) => {
    const headers = Headers.of({ 'x-large': 'v'.repeat(8000) });
    request.onEnd = () => request.stream.sendHead({ status: 200, headers }, true);
  });
  const client = new RawClient(server.port);
  client.socket.pause();
  client.write(HELLO);
  const get = block(GET);
  const closed = new Promise<void>((resolve) => client.socket.once('close', () => resolve()));
  let stream = 1;
  const ask200 = (): void => {
    const frames = Array.from({ length: 200 }, (_, i) => frame(FrameType.HEADERS, 5, stream + 2 * i, get));
    stream += 400;
    if (stream < 40_000) client.socket.write(Buffer.concat(frames), () => setImmediate(ask200));
    else client.socket.resume();
  };
  ask200();
  await closed;
  expect(server.requests.length).toBeLessThan(19_000);
});

it('counts one byte at a time as honest traffic', async () => {
  const server = await start((request) => {
    request.stream.sendHead({ status: 200, headers: new Headers() }, false);
    request.onData = (chunk) => request.stream.sendData(chunk);
    request.onEnd = () => request.stream.sendEnd();
  });
  const session = await nodeClient(server.port);
  cleanup.push(() => session.destroy());
  const stream = session.request({ ':method': 'POST', ':path': '/' });
  let received = 0;
  stream.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (received < 3000) stream.write('x');
    else stream.end();
  });
  stream.write('x');
  await once(stream, 'end');
  expect(received).toBe(3000);
});

it('obeys a window that its client makes smaller than what is under way', async () => {
  const sent = { bytes: 0 };
  const server = await start((request) => pour(request, 4 * MIB, sent));
  const client = new RawClient(server.port);
  const window = (bytes: number): Buffer =>
    frame(FrameType.SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(bytes)]));
  client.write(Buffer.concat([HELLO, frame(FrameType.HEADERS, 5, 1, block(GET)), window(100)]));
  const dataBytes = (): number =>
    framesOf(Buffer.from(client.received, 'latin1'))
      .filter(({ type }) => type === FrameType.DATA)
      .reduce((sum, { payload }) => sum + payload.length, 0);
  await quiet(() => client.received.length);
  const before = dataBytes();
  expect(before).toBeLessThanOrEqual(65_535);
  client.write(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(1000)));
  await quiet(() => client.received.length);
  expect(dataBytes()).toBeLessThanOrEqual(65_535);
  client.socket.destroy();
});

it('holds a response back through a proxy of two HTTP/2 connections', async () => {
  const sent = { bytes: 0 };
  const upstream = await start((request) => pour(request, 64 * MIB, sent));
  const { pool } = startPool(
    upstream.port,
    {},
    { protocol: 'http2', connect: () => connect(upstream.port, '127.0.0.1') },
  );
  const proxy = await startHttp2Server(() => undefined, {
    onRequest: (stream) => {
      new PassThrough(stream, pool);
    },
  });
  cleanup.push(proxy.close, () => pool.close());
  const session = await nodeClient(proxy.port);
  cleanup.push(() => session.destroy());
  const stream = session.request({ ':path': '/' });
  await once(stream, 'response');
  expect(await quiet(() => sent.bytes)).toBeLessThan(4 * MIB);
  let received = 0;
  stream.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  await once(stream, 'end');
  expect(received).toBe(sent.bytes);
});

it('forgets a request that has its answer, also where its host did not take all of it', async () => {
  const open: number[] = [];
  let streams = 0;
  const complete = Promise.withResolvers<ReceivedRequest>();
  const server = await startHttp2Server(
    (request) => {
      // The host takes no more; what comes is held back.
      request.stream.pause();
      complete.resolve(request);
    },
    {
      http2Counter: {
        count: () => undefined,
        streams: (by) => {
          streams += by;
          open.push(streams);
        },
      },
    },
  );
  cleanup.push(server.close);
  const session = await nodeClient(server.port);
  cleanup.push(() => session.destroy());
  const stream = session.request({ ':path': '/', ':method': 'POST' });
  stream.end('a body');
  const request = await complete.promise;
  // All of the body is there when the answer to a PING is.
  await new Promise<void>((resolve) => session.ping(() => resolve()));
  request.stream.sendHead({ status: 200, headers: new Headers() }, true);
  const [head] = await once(stream, 'response');
  expect(head[':status']).toBe(200);
  expect(open).toEqual([1, 0]);
});

it('tells whoever was stopped to go on, also when less waited meanwhile', async () => {
  let drains = 0;
  const asked = Promise.withResolvers<ReceivedRequest>();
  const server = await start((request) => {
    request.onDrain = () => drains++;
    asked.resolve(request);
  });
  const client = new RawClient(server.port);
  const received = (bytes: number): Promise<string> =>
    client.until(
      (text) =>
        framesOf(Buffer.from(text, 'latin1'))
          .filter(({ type }) => type === FrameType.DATA)
          .reduce((sum, { payload }) => sum + payload.length, 0) === bytes,
    );
  const grant = (bytes: number): void => {
    for (const stream of [0, 1]) client.write(frame(FrameType.WINDOW_UPDATE, 0, stream, uint32(bytes)));
  };
  client.write(HELLO);
  client.write(frame(FrameType.HEADERS, 5, 1, block(GET)));
  const { stream } = await asked.promise;
  stream.sendHead({ status: 200, headers: new Headers() }, false);
  expect(stream.sendData(Buffer.alloc(150_000))).toBe(false);
  await received(65_535);
  grant(80_000);
  await received(145_535);
  // What was under way when the stream said stop.
  expect(stream.sendData(Buffer.alloc(10))).toBe(false);
  grant(80_000);
  await received(150_010);
  expect(drains).toBe(1);
  client.socket.destroy();
});
