import type { Socket } from 'node:net';
import { ByteSender } from '../../listener/byte-sender.ts';
import { atEndOfTurn } from '../end-of-turn.ts';
import { Flag, FRAME_HEADER, FrameType, MAX_FRAME } from './frame.ts';
import { HpackEncoder } from './hpack-encoder.ts';

/** What one write to the socket carries at most. */
const BUFFER_BYTES = 64 * 1024;
/** Buffers that wait for their next use, over all connections: an idle connection has none. */
const MAX_SPARES = 16;
/** Bytes that wait for the peer before bodies are held back. */
const HIGH_WATER_BYTES = 128 * 1024;
/** Bytes that wait for the peer before it is given up: it reads nothing and asks for more. */
const MAX_UNSENT_BYTES = 16 * 1024 * 1024;
/** Room for the table size updates before the first field. */
const BLOCK_OVERHEAD = 16;

const NOTHING = Buffer.alloc(0);
const spares: Buffer[] = [];

const newBuffer = (): Buffer => spares.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);

/** Fields of a header block: pseudo-headers first. Flat: name, value, name, value … */
export type Fields = readonly string[];

/** Told by the writer. */
export interface FrameWriterOwner {
  /** The peer reads nothing: the connection is to be given up. */
  onOverflow(): void;
}

/**
 * The writing side of one connection. Frames are written in place, one behind the other, and leave in one write at the end of the turn of
 * the loop: that many requests share a system call and a TLS record is where the speed comes from.
 */
export class FrameWriter {
  readonly encoder = new HpackEncoder();
  /** Bytes handed to the socket. */
  bytesWritten = 0;
  /** The peer's SETTINGS_MAX_FRAME_SIZE, as far as this side uses it. */
  maxFrame = MAX_FRAME;

  /** Answers to frames of the peer that have not left. */
  answers = 0;

  readonly #socket: Socket;
  readonly #sender: ByteSender;
  readonly #owner: FrameWriterOwner;
  #out: Buffer | undefined = undefined;
  #at = 0;
  #scheduled = false;
  #blocked = false;
  /** Where in `#out` the newest DATA frame begins, and whose it is: the end of its message may still be marked there. */
  #lastFrame = -1;
  #lastStream = 0;

  constructor(socket: Socket, owner: FrameWriterOwner) {
    this.#socket = socket;
    this.#sender = new ByteSender(socket);
    this.#owner = owner;
  }

  /** With what still waits. */
  get total(): number {
    return this.bytesWritten + this.#at;
  }

  /** The peer reads too slowly: bodies wait until `drained`. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** The socket has sent all it held. True when bodies were held back. */
  drained(): boolean {
    const was = this.#blocked;
    this.#blocked = false;
    this.answers = 0;
    return was;
  }

  /** Bytes as they are: the preface. */
  raw(bytes: Buffer): void {
    this.#reserve(bytes.length);
    this.#at += bytes.copy(this.#out!, this.#at);
  }

  /** A frame that is no part of a message. */
  control(type: number, flags: number, streamId: number, payload: Uint8Array): void {
    this.#reserve(FRAME_HEADER + payload.length);
    this.#head(payload.length, type, flags, streamId);
    this.#out!.set(payload, this.#at);
    this.#at += payload.length;
  }

  /** A frame that says that one of the peer's was read. */
  answer(type: number, payload: Uint8Array): void {
    this.control(type, Flag.ACK, 0, payload);
    this.answers++;
  }

  /** A frame whose payload is one number of 32 bits: WINDOW_UPDATE and RST_STREAM. */
  number(type: number, streamId: number, value: number): void {
    this.#reserve(FRAME_HEADER + 4);
    this.#head(4, type, 0, streamId);
    this.#at = this.#out!.writeUInt32BE(value, this.#at);
  }

  /** A header block, in one HEADERS frame or, where it is long, with CONTINUATION frames behind it. */
  headers(streamId: number, pseudo: Fields, fields: Fields, endStream: boolean): void {
    let size = BLOCK_OVERHEAD;
    for (let i = 0; i < pseudo.length; i += 2) size += HpackEncoder.sizeOf(pseudo[i]!, pseudo[i + 1]!);
    for (let i = 0; i < fields.length; i += 2) size += HpackEncoder.sizeOf(fields[i]!, fields[i + 1]!);
    const endFlag = endStream ? Flag.END_STREAM : 0;
    if (size > MAX_FRAME) {
      const block = Buffer.allocUnsafe(size);
      this.#longHeaders(streamId, block.subarray(0, this.#block(block, 0, pseudo, fields)), endFlag);
      return;
    }
    this.#reserve(FRAME_HEADER + size);
    const start = this.#at;
    this.#at += FRAME_HEADER;
    const end = this.#block(this.#out!, this.#at, pseudo, fields);
    this.#at = start;
    this.#head(end - start - FRAME_HEADER, FrameType.HEADERS, Flag.END_HEADERS | endFlag, streamId);
    this.#at = end;
  }

  /** One DATA frame with the bytes from `start` to `end`, at most `maxFrame`. */
  data(streamId: number, bytes: Buffer, start: number, end: number, endStream: boolean): void {
    const length = end - start;
    this.#reserve(FRAME_HEADER + length);
    this.#lastFrame = this.#at;
    this.#lastStream = streamId;
    this.#head(length, FrameType.DATA, endStream ? Flag.END_STREAM : 0, streamId);
    if (length > 0) bytes.copy(this.#out!, this.#at, start, end);
    this.#at += length;
  }

  /**
   * Ends a stream: marks its newest frame when that is the last one here, else by an empty DATA frame. A head that came without its end stays so:
   * it tells HTTP/1.1 that a body follows, be it empty.
   */
  end(streamId: number): void {
    if (this.#lastStream === streamId && this.#lastFrame >= 0) {
      this.#out![this.#lastFrame + 4]! |= Flag.END_STREAM;
      this.#lastFrame = -1;
      return;
    }
    this.data(streamId, NOTHING, 0, 0, true);
  }

  /** Writes what was gathered. */
  flush(): void {
    const out = this.#out;
    if (out === undefined || this.#at === 0) return;
    const length = this.#at;
    this.#out = undefined;
    this.#at = 0;
    this.#lastFrame = -1;
    if (!this.#socket.writable) return;
    this.bytesWritten += length;
    const unsent = this.#sender.send(out.subarray(0, length), () => {
      // Only now nobody reads these bytes any more.
      if (spares.length < MAX_SPARES) spares.push(out);
    });
    if (unsent === 0) this.answers = 0;
    if (unsent > HIGH_WATER_BYTES) this.#blocked = true;
    if (unsent > MAX_UNSENT_BYTES) this.#owner.onOverflow();
  }

  /** Writes what was gathered, and ends the writing side of the connection. */
  close(): void {
    this.flush();
    this.#sender.end();
  }

  /** Returns where the block ends. */
  #block(out: Buffer, start: number, pseudo: Fields, fields: Fields): number {
    const { encoder } = this;
    let at = encoder.begin(out, start);
    for (let i = 0; i < pseudo.length; i += 2) at = encoder.field(out, at, pseudo[i]!, pseudo[i + 1]!);
    for (let i = 0; i < fields.length; i += 2) at = encoder.field(out, at, fields[i]!, fields[i + 1]!);
    return at;
  }

  #longHeaders(streamId: number, block: Buffer, endFlag: number): void {
    this.#lastFrame = -1;
    for (let start = 0; start < block.length; start += this.maxFrame) {
      const end = Math.min(block.length, start + this.maxFrame);
      const last = end === block.length ? Flag.END_HEADERS : 0;
      if (start === 0) this.control(FrameType.HEADERS, last | endFlag, streamId, block.subarray(start, end));
      else this.control(FrameType.CONTINUATION, last, streamId, block.subarray(start, end));
    }
  }

  #head(length: number, type: number, flags: number, streamId: number): void {
    const out = this.#out!;
    let at = this.#at;
    out[at++] = length >> 16;
    out[at++] = length >> 8;
    out[at++] = length;
    out[at++] = type;
    out[at++] = flags;
    out[at++] = streamId >> 24;
    out[at++] = streamId >> 16;
    out[at++] = streamId >> 8;
    out[at++] = streamId;
    this.#at = at;
  }

  /** Makes room, and sees to it that what is written now leaves. */
  #reserve(bytes: number): void {
    if (this.#at + bytes > BUFFER_BYTES) this.flush();
    this.#out ??= newBuffer();
    if (this.#scheduled) return;
    this.#scheduled = true;
    atEndOfTurn(this);
  }

  /** At the end of a turn. */
  turnEnded(): void {
    this.#scheduled = false;
    this.flush();
  }
}
