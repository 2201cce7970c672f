import { connect, type IncomingHttpHeaders, performServerHandshake } from 'node:http2';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Flag, FrameType, PREFACE } from '../../../server/data-plane/http/h2/frame.ts';
import { HpackDecoder } from '../../../server/data-plane/http/h2/hpack-decoder.ts';
import { HpackEncoder } from '../../../server/data-plane/http/h2/hpack-encoder.ts';
import { openWire, RUNS, turn } from '../data-plane-h1/fuzz.ts';
import { frame, framesOf, SETTINGS, uint32 } from './harness.ts';

type Field = readonly [string, string];

const name = fc.constantFrom('x-a', 'x-b', 'via', 'date', 'x-long-name-of-a-header', 'authorization', 'x-request-id');
const value = fc.oneof(
  fc.constantFrom('', 'a', 'b', 'c', '/', 'gzip, deflate', 'x'.repeat(900), 'y'.repeat(2500)),
  fc.stringMatching(/^(?:[\x21-\x7e\x80-\xff][\x20-\x7e\x80-\xff]{0,40}[\x21-\x7e\x80-\xff])?$/),
);
const list = fc.uniqueArray(fc.tuple(name, value), { maxLength: 6, selector: ([first]) => first });
/** Header lists of one connection, and table sizes that the reader asks for between them. */
const lists = fc.array(
  fc.record({
    fields: list,
    limit: fc.option(fc.constantFrom(0, 64, 500, 2100, 4096), { nil: undefined, freq: 3 }),
  }),
  { minLength: 1, maxLength: 12 },
);

const REQUEST: readonly Field[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'app'],
  [':path', '/'],
];
const LIMITS = { maxListBytes: 64 * 1024, maxFields: 200 };

function encode(encoder: HpackEncoder, fields: readonly Field[]): Buffer {
  const out = Buffer.alloc(64 + fields.reduce((sum, [name, value]) => sum + HpackEncoder.sizeOf(name, value), 0));
  let at = encoder.begin(out, 0);
  for (const [name, value] of fields) at = encoder.field(out, at, name, value);
  return out.subarray(0, at);
}

/** Lists that nghttp2 reads in these blocks, each asked for with a table of this size. */
async function readByNode(steps: readonly { block: Buffer; limit: number | undefined }[]): Promise<Field[][]> {
  const wire = openWire();
  const read: Field[][] = [];
  const session = performServerHandshake(wire.far, { maxSessionMemory: 100 });
  session.on('error', () => undefined);
  session.on('stream', (stream, _headers, _flags, raw) => {
    stream.on('error', () => undefined);
    const texts = raw as unknown as string[];
    read.push(texts.flatMap((text, i) => (i % 2 === 0 ? [[text, texts[i + 1]!] as const] : [])));
    stream.respond({ ':status': 204 }, { endStream: true });
  });
  await turn();
  wire.near.write(Buffer.concat([PREFACE, SETTINGS, frame(FrameType.SETTINGS, Flag.ACK, 0)]));
  for (const [i, { block, limit }] of steps.entries()) {
    if (limit !== undefined) {
      session.settings({ headerTableSize: limit });
      await turn();
      wire.near.write(frame(FrameType.SETTINGS, Flag.ACK, 0));
    }
    wire.near.write(frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 2 * i + 1, block));
    await turn();
  }
  for (let quiet = 0; read.length < steps.length && quiet < 20; quiet++) await turn();
  wire.destroy();
  return read;
}

it('writes header lists that nghttp2 reads, whatever lists follow each other under tables of changing size', async () => {
  await fc.assert(
    fc.asyncProperty(lists, async (drawn) => {
      const encoder = new HpackEncoder();
      const steps = drawn.map(({ fields, limit }) => {
        if (limit !== undefined) encoder.setPeerLimit(limit);
        return { block: encode(encoder, [...REQUEST, ...fields]), limit };
      });
      expect(await readByNode(steps)).toEqual(drawn.map(({ fields }) => [...REQUEST, ...fields]));
    }),
    { numRuns: RUNS },
  );
});

/** The header blocks in which nghttp2 asks for these lists. */
async function writtenByNode(
  drawn: readonly { fields: readonly Field[]; limit: number | undefined }[],
): Promise<Buffer[]> {
  const wire = openWire();
  let sent = Buffer.alloc(0);
  wire.near.on('data', (chunk: Buffer) => {
    sent = Buffer.concat([sent, chunk]);
  });
  const session = connect('http://app', { createConnection: () => wire.far, maxDeflateDynamicTableSize: 4096 });
  session.on('error', () => undefined);
  await turn();
  wire.near.write(Buffer.concat([SETTINGS, frame(FrameType.SETTINGS, Flag.ACK, 0)]));
  const blocks = (): Buffer[] => {
    const frames = framesOf(sent.subarray(PREFACE.length));
    return frames.filter(({ type }) => type === FrameType.HEADERS).map(({ payload }) => payload);
  };
  for (const [i, { fields, limit }] of drawn.entries()) {
    if (limit !== undefined)
      wire.near.write(frame(FrameType.SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 1]), uint32(limit)])));
    await turn();
    const asked: IncomingHttpHeaders = { ...Object.fromEntries(REQUEST), ...Object.fromEntries(fields) };
    session.request(asked).on('error', () => undefined);
    for (let quiet = 0; blocks().length <= i && quiet < 20; quiet++) await turn();
  }
  const written = blocks();
  session.destroy();
  wire.destroy();
  return written;
}

it('reads header lists that nghttp2 writes, whatever lists follow each other under tables of changing size', async () => {
  await fc.assert(
    fc.asyncProperty(lists, async (drawn) => {
      const decoder = new HpackDecoder({ ...LIMITS, maxTableBytes: 4096 });
      const read = (await writtenByNode(drawn)).map((block) => {
        expect(decoder.decode(block, 0, block.length)).toBe(true);
        return decoder.fields;
      });
      expect(read).toEqual(drawn.map(({ fields }) => [...REQUEST, ...fields].flat()));
    }),
    { numRuns: RUNS },
  );
});
