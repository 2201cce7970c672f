import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FrameType } from '../../server/data-plane/http/h2/frame.ts';
import { field, frame, uint32 } from './support/frames.ts';
import { readPairs } from './support/pairs/case-file.ts';
import { startTwoProxies, type TwoProxies } from './support/pairs/two-proxies.ts';

const PORT = 20_000;
const CASE = readPairs(
  'floods',
  `
routes:
  - { match: { prefix: /late }, route: { cluster: silent } }
  - { match: { prefix: / }, route: { cluster: one } }
clusters:
  one: { hosts: [one] }
  silent: { hosts: [silent] }
requests: []
`,
)[0]!;
const QUIET_MS = 300;
const LONG_MS = 700;

/** Who has closed first differs, and ours says goodbye; the library is Envoy's own. Bytes and times are no answers. */
const UNLIKE =
  /goaway_sent|nghttp2|cx_destroy_(?:local|remote)$|bytes|_ms$|length|worker_|admin|buckets|upstream_cx|upstream_rq/;

const head = (path: string, method = 'GET'): Buffer =>
  Buffer.concat([field(':method', method), field(':scheme', 'http'), field(':path', path), field(':authority', 'a')]);
const many = (count: number, one: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => one(index)));
const get = (streamId: number, path: string): Buffer => frame(FrameType.HEADERS, 5, streamId, head(path));
const ping = (): Buffer => frame(FrameType.PING, 0, 0, Buffer.alloc(8));
const SETTINGS = frame(FrameType.SETTINGS, 0, 0);
const HELLO = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), SETTINGS]);
const WAITING = Buffer.concat([HELLO, get(1, '/late')]);

/** What is sent once the first bytes, a request that gets no answer, were read. */
const then =
  (bytes: Buffer, first = WAITING) =>
  async (socket: Socket): Promise<void> => {
    socket.write(first);
    await pause(QUIET_MS);
    socket.write(bytes);
    await pause(LONG_MS);
  };

const resetting =
  (path: string) =>
  async (socket: Socket): Promise<void> => {
    socket.write(HELLO);
    for (let i = 0; i < 600; i++) {
      socket.write(Buffer.concat([get(2 * i + 1, path), frame(FrameType.RST_STREAM, 0, 2 * i + 1, uint32(8))]));
      if (i % 50 === 0) await pause(1);
    }
    await pause(LONG_MS);
  };

const POSTED = Buffer.concat([HELLO, frame(FrameType.HEADERS, 4, 1, head('/late', 'POST'))]);
const attacks: Readonly<Record<string, (socket: Socket) => Promise<void>>> = {
  'streams that are reset while they wait': resetting('/late'),
  '20,000 SETTINGS': then(many(20_000, () => SETTINGS)),
  '20,000 PINGs': then(many(20_000, ping)),
  '1,100 PINGs at once': then(many(1100, ping)),
  '900 PINGs at once': then(many(900, ping)),
  '20,000 priorities': then(many(20_000, () => frame(FrameType.PRIORITY, 0, 1, Buffer.from([0, 0, 0, 0, 5])))),
  '20,000 windows of one byte': then(many(20_000, () => frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(1)))),
  '20,000 frames of an unknown type': then(many(20_000, () => frame(0x55, 0, 1, Buffer.alloc(4)))),
  'one empty frame': then(frame(FrameType.DATA, 0, 1), POSTED),
  'two empty frames in a row': then(
    many(2, () => frame(FrameType.DATA, 0, 1)),
    POSTED,
  ),
  'a header block with empty parts': then(
    Buffer.concat([frame(FrameType.HEADERS, 0, 3, head('/ok')), many(3, () => frame(FrameType.CONTINUATION, 0, 3))]),
  ),
  'a hundred and fifty headers': then(
    frame(FrameType.HEADERS, 5, 3, Buffer.concat([head('/ok'), many(150, (i) => field(`x-${i}`, 'y'))])),
  ),
  'a block that unpacks to megabytes': then(
    frame(
      FrameType.HEADERS,
      5,
      3,
      Buffer.concat([
        head('/ok'),
        Buffer.from([0x40, 1, 0x78, 0x7f, 0xbd, 0x1d]),
        Buffer.alloc(3900, 'z'),
        Buffer.alloc(4000, 0xbe),
      ]),
    ),
  ),
  'a block that names no entry': then(frame(FrameType.HEADERS, 5, 3, Buffer.from([0xff, 0xff, 0xff, 0x7f]))),
  'DATA of a stream that never was': then(frame(FrameType.DATA, 0, 7, Buffer.from('x'))),
  'a window that grows by nothing': then(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(0))),
  'the window of a stream that grows by nothing': then(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(0))),
  'the window of a stream that grows too far': then(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(0x7fff_ffff))),
  'the window of one of two streams that grows too far': then(
    Buffer.concat([get(3, '/late'), frame(FrameType.WINDOW_UPDATE, 0, 3, uint32(0x7fff_ffff))]),
  ),
  ...Object.fromEntries(
    [0, 1, 7, 8, 10].map((code) => [`a reset ${code}`, then(frame(FrameType.RST_STREAM, 0, 1, uint32(code)))]),
  ),
  'a reset 0 before it has said all': then(frame(FrameType.RST_STREAM, 0, 1, uint32(0)), POSTED),
  'more for a stream that is over': then(
    Buffer.concat([
      frame(FrameType.RST_STREAM, 0, 1, uint32(8)),
      frame(FrameType.DATA, 0, 1, Buffer.from('x')),
      frame(FrameType.DATA, 8, 1, Buffer.from([200, 1])),
      get(1, '/ok'),
      get(3, '/ok'),
      get(3, '/ok'),
    ]),
    POSTED,
  ),
  'DATA behind the end of a request': then(frame(FrameType.DATA, 0, 1, Buffer.from('x'))),
  'HEADERS behind the end of a request': then(frame(FrameType.HEADERS, 5, 1, field('x', 'y'))),
  'a stream that depends on itself': then(
    Buffer.concat([frame(FrameType.PRIORITY, 0, 1, Buffer.from([0, 0, 0, 1, 5])), get(3, '/ok')]),
  ),
  'a head that depends on itself': then(
    frame(FrameType.HEADERS, 0x25, 3, Buffer.concat([Buffer.from([0, 0, 0, 3, 5]), head('/ok')])),
  ),
  'a body that is shorter than announced': then(
    Buffer.concat([
      frame(FrameType.HEADERS, 4, 3, Buffer.concat([head('/late', 'POST'), field('content-length', '9')])),
      frame(FrameType.DATA, 1, 3, Buffer.from('abc')),
    ]),
  ),
  'a body that is shorter than announced, and a reset': then(
    Buffer.concat([
      frame(FrameType.HEADERS, 4, 3, Buffer.concat([head('/late', 'POST'), field('content-length', '9')])),
      frame(FrameType.DATA, 1, 3, Buffer.from('abc')),
      frame(FrameType.RST_STREAM, 0, 3, uint32(8)),
    ]),
  ),
  'a frame that is too long': then(frame(FrameType.DATA, 0, 1, Buffer.alloc(20_000))),
};

describe('a client that floods over HTTP/2', () => {
  let two: TwoProxies;
  beforeAll(async () => {
    two = await startTwoProxies([CASE]);
  });
  afterAll(() => two?.stop());

  /** Lines of the log and figures that an attack leaves behind, once its client has gone. */
  async function leftBy(attack: (socket: Socket) => Promise<void>, side: TwoProxies['ours']) {
    const read = async () => {
      const figures = await side.figures(/floods|http2\./);
      return new Map([...figures].filter(([name]) => !UNLIKE.test(name)));
    };
    const [before, lines] = [await read(), side.logLines().length];
    const socket = connect({ host: side.ip, port: PORT, allowHalfOpen: true });
    socket.on('error', () => undefined).resume();
    await attack(socket);
    socket.destroy();
    await pause(QUIET_MS);
    const grown = [...(await read())]
      .map(([name, value]) => [name.replace(`${side.ip}_`, ''), Number(value) - Number(before.get(name) ?? 0)] as const)
      .filter(([, by]) => by !== 0 && !Number.isNaN(by));
    const told = side
      .logLines()
      .slice(lines)
      .filter((line) => line.startsWith('{'));
    const facts = told.map((line) => {
      const { status, flags, details, path } = JSON.parse(line) as Record<string, unknown>;
      return JSON.stringify({ status, flags, details, path });
    });
    return { figures: Object.fromEntries(grown), log: facts.sort() };
  }

  it.each(Object.entries(attacks))('leaves the same behind as at Envoy: %s', async (_name, attack) => {
    const envoy = await leftBy(attack, two.envoy);
    expect(await leftBy(attack, two.ours)).toEqual(envoy);
    expect(Object.keys(envoy.figures).length).toBeGreaterThan(0);
  });
});
