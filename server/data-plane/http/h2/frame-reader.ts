import { ErrorCode, type Violation, violation } from './errors.ts';
import { Flag, FRAME_HEADER, FrameType, MAX_FRAME } from './frame.ts';

/** A frame header with what stands in it. */
export interface FrameHead {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  /** Of the payload. */
  readonly length: number;
}

/** Receives the frames of one connection in order. */
export interface FrameHandler {
  /** A DATA frame begins; all its payload, padding too, counts against the windows. */
  onDataBegin(head: FrameHead): void;
  /** Bytes of its body as they arrive. `last`: the frame is complete with them (they may be none). */
  onDataPart(head: FrameHead, bytes: Buffer, last: boolean): void;
  /** Any other frame, whole: its payload lies in `bytes` from `start` to `end`. */
  onFrame(head: FrameHead, bytes: Buffer, start: number, end: number): void;
  /** The head of any other frame, whose payload is to come. */
  onFrameAwaited(head: FrameHead): void;
  /** What comes for this stream is of no interest, whatever it is. */
  dropsData(streamId: number): boolean;
  onFrameError(error: Violation): void;
}

const NOTHING = Buffer.alloc(0);

/**
 * Cuts a connection's bytes into frames (RFC 9113 §4). The body of a DATA frame is passed on as it comes; every other frame is small and
 * kept until it is whole.
 */
export class FrameReader {
  readonly #handler: FrameHandler;
  /** The beginning of a frame that is not whole. */
  #held: Buffer = NOTHING;
  /** The DATA frame under way, and how much of it is to come. */
  #data: FrameHead | undefined = undefined;
  #bodyLeft = 0;
  #paddingLeft = 0;
  #stopped = false;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** Nothing more is read. */
  stop(): void {
    this.#stopped = true;
    this.#held = NOTHING;
  }

  feed(chunk: Buffer): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = NOTHING;
    let at = 0;
    while (!this.#stopped) {
      if (this.#data !== undefined) {
        if (at >= bytes.length) return;
        at = this.#readData(this.#data, bytes, at);
        continue;
      }
      const next = this.#readFrame(bytes, at);
      if (next < 0) break;
      at = next;
    }
    // A copy, so that a few bytes do not keep the whole chunk alive.
    if (!this.#stopped && at < bytes.length) this.#held = Buffer.from(bytes.subarray(at));
  }

  /** Returns where the next frame begins; −1 when this one is not whole. */
  #readFrame(bytes: Buffer, at: number): number {
    if (bytes.length - at < FRAME_HEADER) return -1;
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    const type = bytes[at + 3]!;
    const flags = bytes[at + 4]!;
    const streamId = ((bytes[at + 5]! & 0x7f) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!;
    if (length > MAX_FRAME) {
      this.#fail(violation(ErrorCode.FRAME_SIZE_ERROR, 'A frame is longer than 16 KiB.', 'http2.frame_size'));
      return -1;
    }
    const start = at + FRAME_HEADER;
    const head: FrameHead = { type, flags, streamId, length };
    if (type === FrameType.DATA) return this.#beginData(head, bytes, start);
    if (bytes.length < start + length) {
      this.#handler.onFrameAwaited(head);
      return -1;
    }
    this.#handler.onFrame(head, bytes, start, start + length);
    return start + length;
  }

  #beginData(head: FrameHead, bytes: Buffer, start: number): number {
    const padded = (head.flags & Flag.PADDED) !== 0;
    if (padded && head.length > 0 && bytes.length === start) return -1;
    const lead = padded ? 1 : 0;
    let padding = padded ? (bytes[start] ?? 0) : 0;
    if (padding + lead > head.length && head.length > 0 && this.#handler.dropsData(head.streamId)) padding = 0;
    if (padding + lead > head.length) {
      this.#fail(violation(ErrorCode.PROTOCOL_ERROR, 'A DATA frame has more padding than bytes.'));
      return -1;
    }
    this.#data = head;
    this.#bodyLeft = head.length - lead - padding;
    this.#paddingLeft = padding;
    this.#handler.onDataBegin(head);
    if (head.length === lead) this.#finishData(head, NOTHING);
    return start + lead;
  }

  #readData(head: FrameHead, bytes: Buffer, at: number): number {
    const take = Math.min(this.#bodyLeft, bytes.length - at);
    this.#bodyLeft -= take;
    const skip = Math.min(this.#paddingLeft, bytes.length - at - take);
    this.#paddingLeft -= skip;
    const part = take === bytes.length ? bytes : bytes.subarray(at, at + take);
    if (this.#bodyLeft === 0 && this.#paddingLeft === 0) this.#finishData(head, part);
    else if (take > 0) this.#handler.onDataPart(head, part, false);
    return at + take + skip;
  }

  #finishData(head: FrameHead, part: Buffer): void {
    this.#data = undefined;
    this.#handler.onDataPart(head, part, true);
  }

  #fail(error: Violation): void {
    this.stop();
    this.#handler.onFrameError(error);
  }
}
