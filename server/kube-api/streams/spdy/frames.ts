/** Types of SPDY/3.1 control frames. */
export const FrameType = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

const FIN = 0x01;
/** A frame beyond this is no frame of a well-meaning client. */
const MAX_FRAME_BYTES = 1024 * 1024;

export type Frame =
  | { readonly kind: 'data'; readonly streamId: number; readonly fin: boolean; readonly data: Buffer }
  | { readonly kind: 'control'; readonly type: number; readonly fin: boolean; readonly payload: Buffer };

/** Cuts a stream of bytes into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that are complete with these bytes. Throws when the bytes are no SPDY/3.1. */
  push(chunk: Buffer): Frame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame | undefined {
    const bytes = this.#rest;
    if (bytes.length < 8) return undefined;
    const length = bytes.readUIntBE(5, 3);
    if (length > MAX_FRAME_BYTES) throw new Error(`a SPDY frame of ${length} bytes is too long`);
    if (bytes.length < 8 + length) return undefined;
    const head = bytes.readUInt32BE(0);
    const fin = ((bytes[4] ?? 0) & FIN) !== 0;
    const payload = Buffer.from(bytes.subarray(8, 8 + length));
    this.#rest = bytes.subarray(8 + length);
    if (head < 0x80000000) return { kind: 'data', streamId: head, fin, data: payload };
    if (((head >>> 16) & 0x7fff) !== 3) throw new Error('a SPDY frame of another version than 3');
    return { kind: 'control', type: head & 0xffff, fin, payload };
  }
}

export function dataFrame(streamId: number, data: Uint8Array, fin: boolean): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(streamId, 0);
  head.writeUInt8(fin ? FIN : 0, 4);
  head.writeUIntBE(data.length, 5, 3);
  return Buffer.concat([head, data]);
}

export function controlFrame(type: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x8003, 0);
  head.writeUInt16BE(type, 2);
  head.writeUIntBE(payload.length, 5, 3);
  return Buffer.concat([head, payload]);
}

export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
}
