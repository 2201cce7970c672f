import fc from 'fast-check';
import { Flag, FrameType } from '../../../server/data-plane/http/h2/frame.ts';
import { frame, uint32 } from './harness.ts';
import type { FieldStyle, HpackWriter, StyledField } from './hpack-writer.ts';

/** A header list as it is sent, and the frames that carry it. */
export interface DrawnBlock {
  readonly fields: readonly StyledField[];
  /** Table sizes before it. */
  readonly limits: readonly number[];
  /** Where it is cut into CONTINUATION frames. */
  readonly cuts: readonly number[];
  /** Bytes of padding; undefined: the frame is not padded. */
  readonly padding: number | undefined;
  readonly priority: boolean;
}

export interface DrawnPart {
  readonly data: string;
  readonly padding: number | undefined;
}

/** How a message ends: with its last DATA, with an empty one, with trailers, by RST_STREAM, or not at all. */
export type Ending = 'data' | 'empty' | 'trailers' | 'reset' | 'open';

/** A message but for the head's pseudo-headers. */
export interface DrawnBody {
  readonly parts: readonly DrawnPart[];
  readonly trailers: DrawnBlock;
  readonly ending: Ending;
}

const style: fc.Arbitrary<FieldStyle> = fc.record({
  form: fc.constantFrom('indexed', 'incremental', 'plain', 'never'),
  nameByPlace: fc.boolean(),
  huffman: fc.boolean(),
});

/** A field that is written in some way. */
export const styled = (name: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<StyledField> =>
  fc.record({ name, value, style });

const name = fc.oneof(
  fc.constantFrom('x-a', 'x-b', 'via', 'date', 'accept', 'cookie', 'authorization', 'x-a-header-of-a-longer-name'),
  fc.stringMatching(/^x-[a-z0-9!#$%&'*+\-.^_`|~]{0,12}$/),
);
const value = fc.oneof(
  fc.constantFrom('', 'a', 'b', 'gzip, deflate', 'v'.repeat(300)),
  fc.stringMatching(/^(?:[!-~\x80-\xff](?:[ -~\t\x80-\xff]{0,30}[!-~\x80-\xff])?)?$/),
);
const padding = fc.option(fc.oneof({ weight: 4, arbitrary: fc.nat(20) }, fc.nat(255)), { nil: undefined, freq: 1 });
const fields = fc.array(styled(name, value), { maxLength: 5 });

/** A block that begins with these fields. */
export const blockOf = (first: fc.Arbitrary<readonly StyledField[]>): fc.Arbitrary<DrawnBlock> =>
  fc
    .record({
      first,
      fields,
      limits: fc.oneof(
        { weight: 5, arbitrary: fc.constant([]) },
        fc.array(fc.constantFrom(0, 60, 200, 4096), { maxLength: 2 }),
      ),
      cuts: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(fc.nat(), { maxLength: 3 })),
      padding,
      priority: fc.boolean(),
    })
    .map(({ first, fields, ...rest }) => ({ ...rest, fields: [...first, ...fields] }));

const part = fc.record({ data: fc.uint8Array({ minLength: 1, maxLength: 60 }).map(latin1), padding });

export const bodyOf = (endings: fc.Arbitrary<Ending>): fc.Arbitrary<DrawnBody> =>
  fc.record({
    parts: fc.array(part, { maxLength: 3 }),
    trailers: blockOf(styled(fc.constant('x-trailer'), value).map((one) => [one])),
    ending: endings,
  });

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

/** The block with the length of the body behind it. */
export const withLength = (block: DrawnBlock, bytes: number): DrawnBlock => ({
  ...block,
  fields: [...block.fields, { name: 'content-length', value: String(bytes), style: LENGTH }],
});

const LENGTH: FieldStyle = { form: 'indexed', nameByPlace: true, huffman: true };

export const textOf = ({ parts }: DrawnBody): string => parts.map(({ data }) => data).join('');

/** The frames of a header list. `dependsOn`: the stream that its priority names. */
export function headerFrames(block: DrawnBlock, writer: HpackWriter, stream: { id: number; ends: boolean }): Buffer[] {
  const bytes = writer.block(block.fields, block.limits);
  const cuts = [...new Set(block.cuts.map((cut) => 1 + (cut % Math.max(1, bytes.length - 1))))].sort((a, b) => a - b);
  const pieces = [0, ...cuts]
    .map((cut, i) => bytes.subarray(cut, cuts[i] ?? bytes.length))
    .filter(({ length }) => length > 0);
  return pieces.map((piece, i) => {
    const flags = i === pieces.length - 1 ? Flag.END_HEADERS : 0;
    if (i > 0) return frame(FrameType.CONTINUATION, flags, stream.id, piece);
    const priority = block.priority ? Buffer.concat([uint32(stream.id + 100), Buffer.from([7])]) : Buffer.alloc(0);
    const more = (stream.ends ? Flag.END_STREAM : 0) | (block.priority ? Flag.PRIORITY : 0);
    return paddedFrame(FrameType.HEADERS, flags | more, stream.id, {
      bytes: Buffer.concat([priority, piece]),
      padding: block.padding,
    });
  });
}

/** The groups of frames of a body; nothing else may stand within a group. */
export function bodyFrames(body: DrawnBody, writer: HpackWriter, id: number): (() => Buffer[])[] {
  const groups = body.parts.map((one, i) => () => {
    const ends = body.ending === 'data' && i === body.parts.length - 1;
    const payload = { bytes: Buffer.from(one.data, 'latin1'), padding: one.padding };
    return [paddedFrame(FrameType.DATA, ends ? Flag.END_STREAM : 0, id, payload)];
  });
  if (body.ending === 'trailers') groups.push(() => headerFrames(body.trailers, writer, { id, ends: true }));
  if (body.ending === 'empty' || (body.ending === 'data' && body.parts.length === 0))
    groups.push(() => [frame(FrameType.DATA, Flag.END_STREAM, id)]);
  if (body.ending === 'reset') groups.push(() => [frame(FrameType.RST_STREAM, 0, id, uint32(8))]);
  return groups;
}

interface Payload {
  readonly bytes: Buffer;
  readonly padding: number | undefined;
}

function paddedFrame(type: number, flags: number, id: number, { bytes, padding }: Payload): Buffer {
  if (padding === undefined) return frame(type, flags, id, bytes);
  return frame(type, flags | Flag.PADDED, id, Buffer.concat([Buffer.from([padding]), bytes, Buffer.alloc(padding)]));
}
