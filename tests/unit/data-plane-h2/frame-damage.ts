import fc from 'fast-check';
import { ErrorCode } from '../../../server/data-plane/http/h2/errors.ts';
import { Flag, FRAME_HEADER, FrameType, PREFACE } from '../../../server/data-plane/http/h2/frame.ts';

const KINDS = ['insert', 'replace', 'delete', 'double', 'drop', 'swap', 'length', 'flags', 'type', 'stream'] as const;

interface Wound {
  readonly frame: number;
  readonly kind: (typeof KINDS)[number];
  readonly place: number;
  readonly byte: number;
}

/** Damage to frames: bytes put in, put over or left out; frames doubled, lost or moved; what their heads say changed. */
export const wounds: fc.Arbitrary<readonly Wound[]> = fc.array(
  fc.record({
    frame: fc.nat(),
    kind: fc.constantFrom(...KINDS),
    place: fc.nat(),
    byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 0x0a, 0x0d, 0x20, 0x3a, 0x80, 0x82, 0xbe, 0xff)),
  }),
  { minLength: 1, maxLength: 3 },
);

export function injureFrames(frames: readonly Buffer[], list: readonly Wound[]): Buffer[] {
  const injured = [...frames];
  for (const wound of list) {
    const at = wound.frame % injured.length;
    const frame = injured[at];
    // What an earlier wound has left of a frame may be no frame any more.
    if (frame === undefined || frame.length < FRAME_HEADER) continue;
    injured.splice(at, wound.kind === 'swap' ? 2 : 1, ...injure(frame, injured[at + 1], wound));
  }
  return injured;
}

function injure(frame: Buffer, next: Buffer | undefined, { kind, place, byte }: Wound): Buffer[] {
  const at = place % frame.length;
  const head = Buffer.from(frame);
  switch (kind) {
    case 'insert':
      return [Buffer.concat([frame.subarray(0, at), Buffer.from([byte]), frame.subarray(at)])];
    case 'replace':
      head[at] = byte;
      return [head];
    case 'delete':
      return [Buffer.concat([frame.subarray(0, at), frame.subarray(at + 1)])];
    case 'double':
      return [frame, frame];
    case 'drop':
      return [];
    case 'swap':
      return next === undefined ? [frame] : [next, frame];
    case 'length':
      head.writeUIntBE(Math.max(0, frame.readUIntBE(0, 3) + [-1, 1, -5, 9][place % 4]!), 0, 3);
      return [head];
    case 'flags':
      head[4] = head[4]! ^ (1 << (place % 8));
      return [head];
    case 'type':
      head[3] = place % 12;
      return [head];
    case 'stream':
      head.writeUInt32BE(otherStream(frame.readUInt32BE(5), place), 5);
      return [head];
  }
}

/** Even, old, new, the connection, the last there is, and the same under a bit that means nothing. */
function otherStream(id: number, choice: number): number {
  const others = [0, 1, id + 1, Math.max(0, id - 2), id + 2, 0x7fff_ffff, (id | 0x8000_0000) >>> 0];
  return others[choice % others.length]!;
}

const UNKNOWN = 0xbe;
/** ALTSVC and ORIGIN (RFC 7838, RFC 8336). */
const EXTENSIONS = [0x0a, 0x0c];

/**
 * What only Node refuses, and nghttp2 by itself, Envoy and RFC 9113 do not: the answer to a PING that was not sent, which becomes a PING;
 * streams behind the GOAWAY of a client, which is left out where its number is one that a client may name; streams that the GOAWAY of a
 * server spares although it names an error; and extensions that are broken.
 */
export function forNode(bytes: Buffer, preface = PREFACE.length): Buffer {
  const taken = Buffer.from(bytes);
  for (let at = preface; at + FRAME_HEADER <= taken.length; at += FRAME_HEADER + taken.readUIntBE(at, 3)) {
    const type = taken[at + 3];
    if (type === FrameType.PING) taken[at + 4] = taken[at + 4]! & ~Flag.ACK;
    if (EXTENSIONS.includes(type!)) taken[at + 3] = UNKNOWN;
    const named = taken[at + FRAME_HEADER + 3] ?? 0;
    const whole = taken.readUIntBE(at, 3) >= 8 && taken.readUInt32BE(at + 5) === 0;
    if (type !== FrameType.GOAWAY || !whole) continue;
    if (preface === 0 && at + FRAME_HEADER + 8 <= taken.length)
      taken.writeUInt32BE(ErrorCode.NO_ERROR, at + FRAME_HEADER + 4);
    else if (preface > 0 && named % 2 === 0) taken[at + 3] = UNKNOWN;
  }
  return taken;
}
