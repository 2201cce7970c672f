import fc from 'fast-check';
import { FrameType } from '../../../server/data-plane/http/h2/frame.ts';
import { frame, uint32 } from './harness.ts';

/** A frame that belongs to no message. */
type Noise =
  | { readonly kind: 'settings'; readonly entries: readonly (readonly [number, number])[] }
  | { readonly kind: 'ping'; readonly payload: number }
  | { readonly kind: 'window' | 'stream window'; readonly bytes: number }
  | { readonly kind: 'priority'; readonly of: number; readonly on: number }
  | {
      readonly kind: 'unknown';
      readonly type: number;
      readonly flags: number;
      readonly of: number;
      readonly length: number;
    };

const entry = fc.oneof(
  fc.tuple(fc.constant(1), fc.constantFrom(0, 100, 4096, 65_536)),
  fc.tuple(fc.constant(3), fc.constantFrom(0, 1, 1000)),
  fc.tuple(fc.constant(4), fc.constantFrom(100, 65_535, 1_000_000)),
  fc.tuple(fc.constant(5), fc.constantFrom(16_384, 20_000, 0xff_ffff)),
  fc.tuple(fc.constant(6), fc.constantFrom(1000, 0xffff_ffff)),
  fc.tuple(fc.constantFrom(0x99, 0xfafa), fc.nat()),
);

const noise: fc.Arbitrary<Noise> = fc.oneof(
  fc.record({ kind: fc.constant('settings'), entries: fc.array(entry, { maxLength: 3 }) }),
  fc.record({ kind: fc.constant('ping'), payload: fc.nat() }),
  fc.record({ kind: fc.constantFrom('window', 'stream window'), bytes: fc.integer({ min: 9, max: 100_000 }) }),
  fc.record({ kind: fc.constant('priority'), of: fc.nat(40), on: fc.nat(40) }),
  fc.record({
    kind: fc.constant('unknown'),
    type: fc.integer({ min: 0x20, max: 0xff }),
    flags: fc.nat(255),
    of: fc.nat(40),
    length: fc.nat(30),
  }),
) as fc.Arbitrary<Noise>;

/** In which order streams take turns, and what stands between. */
export interface DrawnOrder {
  readonly turns: readonly number[];
  readonly noise: readonly { readonly at: number; readonly frame: Noise }[];
  /** Before which frame the SETTINGS of the other side are acknowledged. */
  readonly ack: number;
}

export const order: fc.Arbitrary<DrawnOrder> = fc.record({
  turns: fc.array(fc.nat(), { minLength: 1, maxLength: 10 }),
  noise: fc.array(fc.record({ at: fc.nat(), frame: noise }), { maxLength: 4 }),
  ack: fc.nat(),
});

function noiseFrame(one: Noise, streamId: number): Buffer {
  switch (one.kind) {
    case 'settings':
      return frame(
        FrameType.SETTINGS,
        0,
        0,
        Buffer.concat(
          one.entries.map(([id, value]) => Buffer.concat([Buffer.from([id >> 8, id & 255]), uint32(value)])),
        ),
      );
    case 'ping':
      return frame(FrameType.PING, 0, 0, Buffer.concat([uint32(one.payload), uint32(0)]));
    case 'window':
      return frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(one.bytes));
    case 'stream window':
      return frame(FrameType.WINDOW_UPDATE, 0, streamId, uint32(one.bytes));
    case 'priority':
      return frame(
        FrameType.PRIORITY,
        0,
        one.of + 1,
        Buffer.concat([uint32(one.on === one.of ? 0 : one.on + 1), Buffer.from([9])]),
      );
    case 'unknown':
      return frame(one.type, one.flags, one.of, Buffer.alloc(one.length, 'u'));
  }
}

/** A stream of which groups of frames are to be written, in their order; the first opens it. */
export interface DrawnStream {
  readonly id: number;
  readonly groups: (() => Buffer[])[];
}

/** The frames of a connection: its streams take turns, and nothing stands within a group of frames. */
export function interleave(streams: readonly DrawnStream[], { turns, noise, ack }: DrawnOrder): Buffer[] {
  const groups: Buffer[][] = [];
  const open: DrawnStream[] = [];
  const ids: number[] = [];
  let next = 0;
  for (let turn = 0; open.length > 0 || next < streams.length; turn++) {
    const choice = turns[turn % turns.length]! % (open.length + (next < streams.length ? 1 : 0));
    const stream = open[choice] ?? streams[next++]!;
    if (open[choice] === undefined) open.push(stream);
    const group = stream.groups.shift();
    if (group !== undefined) groups.push(group());
    ids.push(stream.id);
    if (stream.groups.length === 0) open.splice(open.indexOf(stream), 1);
  }
  for (const one of noise) {
    const at = one.at % (groups.length + 1);
    // Before the first stream there is only the connection to speak of.
    const before = at === 0 ? 0 : ids[at - 1]!;
    groups.splice(at, 0, [noiseFrame(one.frame, before)]);
    ids.splice(at, 0, before);
  }
  groups.splice(ack % (groups.length + 1), 0, [frame(FrameType.SETTINGS, 1, 0)]);
  return groups.flat();
}
