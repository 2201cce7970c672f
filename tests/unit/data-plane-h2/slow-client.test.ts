import { afterEach, expect, it } from 'vitest';
import { FrameType, PREFACE } from '../../../server/data-plane/http/h2/frame.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { ManualClock, RawClient } from '../data-plane-h1/harness.ts';
import { block, frame, framesOf, GET, HELLO, startHttp2Server, type TestServer, uint32 } from './harness.ts';

let server: TestServer | undefined;
afterEach(() => server?.close());

const failure = { status: 408, details: 'request_header_timeout', body: 'late', explanation: 'late' };
const BLOCK = block(GET);
const HALF = frame(FrameType.HEADERS, 1, 1, BLOCK.subarray(0, 9));
const REST = frame(FrameType.CONTINUATION, 4, 1, BLOCK.subarray(9));
/** A client that lets so many bytes of an answer come. */
const hello = (window: number): Buffer =>
  Buffer.concat([PREFACE, frame(FrameType.SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(window)]))]);

const told = (client: RawClient): string[] =>
  framesOf(Buffer.from(client.received, 'latin1'))
    .filter(({ type }) => [FrameType.HEADERS, FrameType.DATA, FrameType.RST_STREAM].includes(type as 0))
    .map(({ type, payload }) =>
      type === FrameType.RST_STREAM
        ? `reset ${payload.readUInt32BE()}`
        : type === FrameType.DATA
          ? `${payload}`
          : 'head',
    );

async function connected(clock: ManualClock, flushTimeoutMs = 0): Promise<RawClient> {
  server = await startHttp2Server(
    ({ stream }) => {
      stream.receive({
        flushTimeoutMs,
        data() {},
        reset() {},
        drain() {},
        end() {
          stream.sendHead({ status: 200, headers: new Headers() }, false);
          stream.sendData(Buffer.from('hello'));
          stream.sendEnd();
        },
      });
    },
    { clock, headLimit: { ms: 1000, failure } },
  );
  return new RawClient(server.port);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it.each([
  ['a header block', HALF],
  ['a HEADERS frame', frame(FrameType.HEADERS, 5, 1, BLOCK).subarray(0, 20)],
])('answers %s that does not end with 408, and serves what comes behind it', async (_name, half) => {
  const clock = new ManualClock();
  const client = await connected(clock);
  client.write(Buffer.concat([HELLO, half]));
  // The limit begins when the bytes have come.
  while (!told(client).includes('reset 0')) {
    await turn();
    clock.advance(100);
  }
  expect(told(client)).toEqual(['head', 'late', 'reset 0']);
  expect(server!.errors[0]).toMatchObject({ status: 408, details: 'request_header_timeout', begun: true });
  client.write(
    Buffer.concat([
      half === HALF ? REST : frame(FrameType.HEADERS, 5, 1, BLOCK).subarray(20),
      frame(FrameType.HEADERS, 5, 3, BLOCK),
    ]),
  );
  await client.until(() => told(client).includes('hello'));
  client.socket.destroy();
});

it('serves a request whose header block ends in time', async () => {
  const clock = new ManualClock();
  const client = await connected(clock);
  client.write(Buffer.concat([HELLO, HALF]));
  await turn();
  clock.advance(900);
  client.write(REST);
  await client.until(() => told(client).includes('hello'));
  clock.advance(5000);
  expect(server!.errors).toEqual([]);
  client.socket.destroy();
});

it('resets an answer that its client does not take in time', async () => {
  const clock = new ManualClock();
  const client = await connected(clock, 2000);
  client.write(Buffer.concat([hello(2), frame(FrameType.HEADERS, 5, 1, BLOCK)]));
  await client.until(() => told(client).includes('he'));
  clock.advance(1900);
  client.write(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(1)));
  await client.until(() => told(client).includes('l'));
  clock.advance(101);
  await client.until(() => told(client).includes('reset 2'));
  client.socket.destroy();
});

it('loses its newest request first when it leaves, as at Envoy', async () => {
  const lost: string[] = [];
  server = await startHttp2Server(({ stream }) => {
    const reset = () => lost.push(stream.head.path);
    stream.receive({ data() {}, end() {}, drain() {}, reset });
  });
  const client = new RawClient(server.port);
  const get = (id: number) =>
    frame(FrameType.HEADERS, 5, id, block(GET.map(([name, value]) => [name, name === ':path' ? `/${id}` : value])));
  client.write(Buffer.concat([HELLO, get(1), get(3), get(5)]));
  while (server.requests.length < 3) await turn();
  client.socket.destroy();
  while (lost.length < 3) await turn();
  expect(lost).toEqual(['/5', '/3', '/1']);
});

it('is gone when it does not answer a PING in time', async () => {
  const clock = new ManualClock();
  const lost: string[] = [];
  server = await startHttp2Server(
    ({ stream }) => stream.receive({ data() {}, end() {}, drain() {}, reset: (_reason, detail) => lost.push(detail) }),
    { clock, keepalive: { intervalMs: 100, timeoutMs: 50 } },
  );
  const client = new RawClient(server.port);
  client.write(Buffer.concat([HELLO, frame(FrameType.HEADERS, 5, 1, BLOCK)]));
  const pings = (): Buffer[] =>
    framesOf(Buffer.from(client.received, 'latin1')).flatMap(({ type, payload }) =>
      type === FrameType.PING ? [payload] : [],
    );
  await client.until((received) => received.length > 0);
  clock.advance(100);
  await client.until(() => pings().length === 1);
  client.write(frame(FrameType.PING, 1, 0, pings()[0]!));
  await turn();
  while (pings().length < 2) {
    clock.advance(10);
    await turn();
  }
  expect(lost).toEqual([]);
  clock.advance(50);
  await client.untilClosed();
  expect(lost).toEqual(['downstream_local_disconnect(http2_ping_timeout)']);
});
