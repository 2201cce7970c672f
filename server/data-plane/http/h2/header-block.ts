import { ErrorCode, flood, type Violation, violation } from './errors.ts';
import { Flag, FRAME_HEADER, FrameType } from './frame.ts';
import type { FrameHead } from './frame-reader.ts';

const MAX_BLOCK_BYTES = 64 * 1024;
/** As many as Envoy takes; what they hold is bounded by its bytes. */
const MAX_CONTINUATIONS = 512;
const PRIORITY_BYTES = 5;
const TOO_MANY_CONTINUATIONS = 'codec_error:Too_many_CONTINUATION_frames_following_a_HEADER_frame';

/** A header block that is whole: the bytes from `start` to `end`. */
export interface WholeBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** The stream names itself as the one it depends on. */
  readonly selfDependent: boolean;
  /** Of all its frames. */
  readonly wireBytes: number;
}

type Begun = Pick<WholeBlock, 'streamId' | 'endStream' | 'selfDependent'>;

/** Puts HEADERS and the CONTINUATION frames behind it together. While a block is open nothing else may come (RFC 9113 §4.3). */
export class HeaderBlock {
  #begun: Begun | undefined = undefined;
  #parts: Buffer[] = [];
  #bytes = 0;
  #wireBytes = 0;

  get open(): boolean {
    return this.#begun !== undefined;
  }

  /** Takes a HEADERS or CONTINUATION frame: the whole block, undefined while more is to come, or what is wrong. */
  take(head: FrameHead, bytes: Buffer, start: number, end: number): WholeBlock | undefined | Violation {
    const whole = (head.flags & Flag.END_HEADERS) !== 0;
    if (head.type === FrameType.CONTINUATION) return this.#continue(head, bytes.subarray(start, end), whole);
    if (this.#begun !== undefined) return interrupted();
    const padded = (head.flags & Flag.PADDED) !== 0;
    const prioritized = (head.flags & Flag.PRIORITY) !== 0;
    let at = start;
    if (padded && at === end) return violation(ErrorCode.FRAME_SIZE_ERROR, 'A padded frame names no padding.');
    const padding = padded ? bytes[at++]! : 0;
    if (at + padding + (prioritized ? PRIORITY_BYTES : 0) > end) {
      return violation(ErrorCode.PROTOCOL_ERROR, 'A HEADERS frame has more padding than bytes.');
    }
    const { streamId } = head;
    const selfDependent = prioritized && (bytes.readUInt32BE(at) & 0x7fff_ffff) === streamId;
    if (prioritized) at += PRIORITY_BYTES;
    const endStream = (head.flags & Flag.END_STREAM) !== 0;
    const wireBytes = FRAME_HEADER + end - start;
    if (whole) return { streamId, endStream, bytes, start: at, end: end - padding, selfDependent, wireBytes };
    this.#wireBytes = wireBytes;
    this.#begun = { streamId, endStream, selfDependent };
    this.#parts = [Buffer.from(bytes.subarray(at, end - padding))];
    this.#bytes = end - padding - at;
    return undefined;
  }

  #continue(head: FrameHead, part: Buffer, whole: boolean): WholeBlock | undefined | Violation {
    const begun = this.#begun;
    if (begun === undefined || begun.streamId !== head.streamId) return interrupted();
    this.#parts.push(Buffer.from(part));
    this.#bytes += part.length;
    this.#wireBytes += FRAME_HEADER + part.length;
    if (this.#bytes > MAX_BLOCK_BYTES) return flood('bytes of headers', 'http2.too_many_headers');
    if (this.#parts.length > MAX_CONTINUATIONS + 1) return flood('continuation frames', TOO_MANY_CONTINUATIONS);
    if (!whole) return undefined;
    const bytes = Buffer.concat(this.#parts);
    this.#begun = undefined;
    this.#parts = [];
    return { ...begun, bytes, start: 0, end: bytes.length, wireBytes: this.#wireBytes };
  }
}

export const interrupted = (): Violation =>
  violation(ErrorCode.PROTOCOL_ERROR, 'A header block is interrupted by another frame.');
