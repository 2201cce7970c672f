import type { Socket } from 'node:net';
import { ByteSender } from '../../listener/byte-sender.ts';
import { atEndOfTurn } from '../end-of-turn.ts';
import type { Headers } from '../headers.ts';
import { textOf, writeText } from './bytes.ts';
import type { WireFraming } from './head-writer.ts';

/** Bytes gathered before they are written in the middle of a turn. */
const FLUSH_BYTES = 32 * 1024;
/** Messages up to this size leave as text. */
const SMALL_BYTES = 1024;
/** Bytes that wait for the peer before the sender is told to stop. */
const HIGH_WATER_BYTES = 64 * 1024;
const LAST_CHUNK = '0\r\n\r\n';

/** Learns that a writer that refused more may go on. */
export interface WriterOwner {
  onWritable(): void;
}

/**
 * The writing side of one connection. A head and what follows it in the same turn leave in one write, because a system call and a TLS
 * record cost more than all string work. They leave at the end of the turn: peers that get their messages one right behind the other stay
 * awake meanwhile, and to wake a peer costs more than to write. Text is latin1: each character one byte, as it was read.
 */
export class WireWriter {
  /** Wire bytes handed to the socket. */
  bytesWritten = 0;

  readonly #socket: Socket;
  readonly #sender: ByteSender;
  readonly #owner: WriterOwner;
  #parts: (string | Buffer)[] = [];
  #pendingBytes = 0;
  #scheduled = false;
  #blocked = false;
  #framing: WireFraming = 'none';
  #left = 0;

  constructor(socket: Socket, owner: WriterOwner) {
    this.#socket = socket;
    this.#sender = new ByteSender(socket);
    this.#owner = owner;
  }

  /** Body bytes that a Content-Length still promises. */
  get missingBytes(): number {
    return this.#framing === 'length' ? this.#left : 0;
  }

  /** With what still waits. */
  get total(): number {
    return this.bytesWritten + this.#pendingBytes;
  }

  /** Starts a message; with framing `none` it is complete. */
  head(text: string, framing: WireFraming, contentLength: number): void {
    this.#framing = framing;
    this.#left = contentLength;
    this.#push(text, text.length);
    this.#schedule();
  }

  /** Text that belongs to no message: a 1xx response. Leaves at once. */
  now(text: string): void {
    this.#push(text, text.length);
    this.flush();
  }

  /** Body bytes. False: too much waits; `onWritable` tells when it has left. Bytes beyond a Content-Length are not sent. */
  data(chunk: Buffer): boolean {
    let bytes = chunk;
    if (bytes.length === 0 || this.#framing === 'none') return !this.#blocked;
    if (this.#framing === 'length') {
      if (bytes.length > this.#left) bytes = bytes.subarray(0, this.#left);
      this.#left -= bytes.length;
      this.#push(bytes, bytes.length);
    } else if (this.#framing === 'chunked') {
      const size = `${bytes.length.toString(16)}\r\n`;
      this.#push(size, size.length);
      this.#push(bytes, bytes.length);
      this.#push('\r\n', 2);
    } else {
      this.#push(bytes, bytes.length);
    }
    if (this.#pendingBytes >= FLUSH_BYTES) return this.flush();
    this.#schedule();
    return !this.#blocked;
  }

  /** Ends a message. False when its Content-Length promised more, so that the connection cannot go on. */
  end(trailers: Headers | undefined): boolean {
    if (this.#framing === 'chunked') {
      const tail = trailers === undefined ? LAST_CHUNK : trailerBlock(trailers);
      this.#push(tail, tail.length);
    }
    const whole = this.missingBytes === 0;
    this.#framing = 'none';
    this.#schedule();
    return whole;
  }

  /** Writes what was gathered. False: the peer reads too slowly. */
  flush(): boolean {
    this.#scheduled = false;
    if (this.#pendingBytes === 0) return !this.#blocked;
    const parts = this.#parts;
    const bytes = this.#pendingBytes;
    this.#parts = [];
    this.#pendingBytes = 0;
    if (!this.#socket.writable) return true;
    this.bytesWritten += bytes;
    // Whoever was told to stop goes on at 'drain' only.
    if (this.#sender.send(joined(parts, bytes)) > HIGH_WATER_BYTES) this.#blocked = true;
    return !this.#blocked;
  }

  /** Writes what was gathered, and ends the writing side of the connection. */
  close(): void {
    this.flush();
    this.#sender.end();
  }

  /** The socket has sent all it held. */
  drained(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#owner.onWritable();
  }

  #push(part: string | Buffer, bytes: number): void {
    this.#parts.push(part);
    this.#pendingBytes += bytes;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    atEndOfTurn(this);
  }

  turnEnded(): void {
    if (this.#scheduled) this.flush();
  }
}

/** A short message is handed over as text: to make a buffer of it costs more than to copy its body once more. */
function joinedText(parts: readonly (string | Buffer)[]): string {
  let text = '';
  for (const part of parts) text += typeof part === 'string' ? part : textOf(part, 0, part.length);
  return text;
}

/** Parts as one piece. */
function joined(parts: readonly (string | Buffer)[], bytes: number): string | Buffer {
  if (parts.length === 1) return parts[0]!;
  if (bytes <= SMALL_BYTES) return joinedText(parts);
  const whole = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const part of parts) at += typeof part === 'string' ? writeText(whole, part, at) : part.copy(whole, at);
  return whole;
}

function trailerBlock(trailers: Headers): string {
  let block = '0\r\n';
  for (let i = 0; i < trailers.flat.length; i += 2) block += `${trailers.flat[i]!}: ${trailers.flat[i + 1]!}\r\n`;
  return `${block}\r\n`;
}
