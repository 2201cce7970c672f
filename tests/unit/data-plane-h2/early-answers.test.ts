import { afterEach, expect, it } from 'vitest';
import { FrameType } from '../../../server/data-plane/http/h2/frame.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { ManualClock, RawClient } from '../data-plane-h1/harness.ts';
import { block, frame, framesOf, GET, HELLO, startHttp2Server, type TestServer } from './harness.ts';

let server: TestServer | undefined;
afterEach(() => server?.close());

const data = (flags: number): Buffer => frame(FrameType.DATA, flags, 1, Buffer.from('body'));
const HEAD = frame(FrameType.HEADERS, 4, 1, block(GET));
const NOTHING = Buffer.alloc(0);
const PING = frame(FrameType.PING, 0, 0, Buffer.alloc(8));

/** What a server that answers each head at once says of stream 1, and how many parts of a body it has handed on. */
async function told(...writes: readonly Buffer[]): Promise<{ frames: string[]; parts: number }> {
  let parts = 0;
  server = await startHttp2Server(
    ({ stream }) => {
      stream.sendHead({ status: 403, headers: new Headers() }, true);
      stream.receive({ flushTimeoutMs: 0, data: () => parts++, reset: () => parts++, end: () => parts++, drain() {} });
    },
    { clock: new ManualClock() },
  );
  const client = new RawClient(server.port);
  for (const [at, write] of writes.entries()) {
    client.write(Buffer.concat([write, PING]));
    await client.until(() => framesFrom(client).filter(({ type }) => type === FrameType.PING).length > at);
  }
  const frames = framesFrom(client).filter(({ streamId }) => streamId === 1);
  return {
    parts,
    frames: frames.map(({ type, payload }) =>
      type === FrameType.RST_STREAM ? `reset ${payload.readUInt32BE()}` : type === FrameType.HEADERS ? 'head' : '?',
    ),
  };
}

const framesFrom = (client: RawClient) => framesOf(Buffer.from(client.received, 'latin1'));

it.each([
  [
    'lets a request be whose body came with its head',
    [Buffer.concat([HELLO, HEAD, data(0), data(1)]), NOTHING],
    ['head'],
  ],
  ['resets one whose body goes on', [Buffer.concat([HELLO, HEAD, data(0)]), data(1)], ['head', 'reset 0']],
  ['resets one whose body comes later', [Buffer.concat([HELLO, HEAD]), data(1)], ['head', 'reset 0']],
] as const)('a server that answers before the body %s', async (_, writes, frames) => {
  expect(await told(...writes)).toEqual({ frames, parts: 0 });
});
