import type { Timer } from '#domain';
import type { ByteMeter } from '../byte-meter.ts';
import type { Headers } from '../headers.ts';
import { type ErrorCode, malformed, type Violation } from './errors.ts';
import type { Fields } from './frame-writer.ts';
import { readTrailers, withoutConnectionHeaders } from './message-fields.ts';

/** Bytes of one stream that wait for a window before its sender is told to stop. */
const HIGH_WATER_BYTES = 64 * 1024;

/** The part of a session that its streams use. */
export interface StreamHost {
  sendHeaders(stream: Http2Stream, pseudo: Fields, fields: Fields, endStream: boolean): void;
  /** Sends what the windows allow of `chunk` and returns how many bytes that was. */
  sendData(stream: Http2Stream, chunk: Buffer): number;
  sendEnd(stream: Http2Stream): void;
  /** The stream is reset unless what waits, its end too, has left within so many milliseconds. */
  flushWithin(stream: Http2Stream, timeoutMs: number): void;
  /** The stream has bytes that wait for their turn. */
  wait(stream: Http2Stream): void;
  /** One frame of a stream whose turn it is. */
  sendFrame(stream: Http2Stream, chunk: Buffer, start: number, end: number): void;
  /** Bytes of the body were taken by whoever reads it. */
  consumed(stream: Http2Stream, bytes: number): void;
  /** Whoever reads the stream takes more: credit that was held back may go out. */
  grantCredit(stream: Http2Stream): void;
  trailersRead(): void;
  /** Sends RST_STREAM and forgets the stream. */
  resetStream(stream: Http2Stream, code: ErrorCode): void;
  /** The stream is over. As in Envoy, its reset (INTERNAL_ERROR) is written behind the bytes that are read now, unless they end the connection. */
  resetOnceRead(stream: Http2Stream): void;
  /** This side has said all: as in Envoy, the stream is reset without an error, unless the peer's end stands in the bytes that are read now. */
  stopReading(stream: Http2Stream): void;
  /** Both sides have ended: the stream is forgotten. */
  streamEnded(stream: Http2Stream): void;
}

const NO_FIELDS: Fields = [];
const tooShort = (): Violation => malformed('The body is shorter than its content-length.');

/** One stream of a session: what it may send, what waits, and how its body is handed on. What it means is its subclass's business. */
export abstract class Http2Stream {
  /** 0 until its first frame is written. */
  id = 0;
  /** What the peer takes of this stream; below 0 after it made its windows smaller. */
  sendWindow = 0;
  /** What this side takes of it. */
  receiveWindow = 0;
  /** Bytes taken, for which the peer has no credit yet. */
  uncredited = 0;
  /** END_STREAM was written, or waits behind the body. */
  localDone = false;
  /** The head of the message of this side has gone out. */
  headSent = false;
  /** END_STREAM was read. */
  remoteDone = false;
  /** Reset by either side, or forgotten. */
  closed = false;
  /** What came on it breaks the rules: its reset is owed, and what else comes is dropped. */
  broken = false;
  paused = false;
  /** Counts the stream's bytes. */
  meter: ByteMeter | undefined = undefined;
  /** Runs while the end of the message waits for windows, where that is limited. */
  flushTimer: Timer | undefined = undefined;

  protected readonly host: StreamHost;
  /** −1: the body may have any length. */
  protected expectedBytes = -1;
  #receivedBytes = 0;
  /** Body bytes that wait for windows; the first one from `#queueStart` on. */
  #queue: Buffer[] | undefined = undefined;
  #queueStart = 0;
  #queuedBytes = 0;
  #drainWanted = false;
  #endQueued = false;
  #trailersQueued: Headers | undefined = undefined;
  /** Body bytes that came while whoever reads them was not ready, and whether the end came behind them. */
  #held: Buffer[] | undefined = undefined;
  #heldEnd = false;
  #heldTrailers: Headers | undefined = undefined;

  constructor(host: StreamHost) {
    this.host = host;
  }

  protected abstract deliverData(chunk: Buffer): void;
  protected abstract deliverEnd(trailers: Headers | undefined): void;
  protected abstract deliverDrain(): void;
  /** A header list that is not the trailers: a response, or whatever the role expects. False: it does not expect any. */
  protected abstract deliverHead(fields: string[], endStream: boolean): Violation | undefined;
  /** The message breaks the rules; the stream is reset already. */
  abstract deliverViolation(violation: Violation): void;
  /** The peer reset the stream. */
  abstract deliverReset(code: number): void;
  /** The connection is gone. `failure`: why, where that is known. */
  abstract deliverGone(violation: Violation | undefined, failure: string): void;
  /** Whether the next header list is the trailers. */
  abstract get expectsTrailers(): boolean;

  /** Both messages were complete: nothing is missing, nothing waits. */
  get complete(): boolean {
    return this.localDone && this.remoteDone && this.drained && !this.#endQueued;
  }

  /** Everything that came in was handed on. */
  get drained(): boolean {
    return this.#held === undefined && !this.#heldEnd;
  }

  get hasQueued(): boolean {
    return this.#queuedBytes > 0;
  }

  // What comes in.

  receiveHeaders(fields: string[], endStream: boolean): Violation | undefined {
    if (!this.expectsTrailers) {
      if (endStream) this.remoteDone = true;
      return this.deliverHead(fields, endStream);
    }
    if (!endStream) return malformed('Trailers do not end their stream.');
    const trailers = readTrailers(fields);
    this.host.trailersRead();
    if (trailers !== undefined && 'code' in trailers) return trailers;
    return this.#receiveEnd(trailers);
  }

  /** A part of the body; `endStream`: nothing follows. Returns what is wrong. */
  receiveData(chunk: Buffer, endStream: boolean): Violation | undefined {
    if (!this.expectsTrailers) return malformed('A body comes before its head.');
    this.#receivedBytes += chunk.length;
    if (this.expectedBytes >= 0 && this.#receivedBytes > this.expectedBytes) {
      return malformed('The body is longer than its content-length.');
    }
    // As in Envoy, nothing of a frame is handed on that ends the body too early.
    if (endStream && this.#isShort) return tooShort();
    if (chunk.length > 0) {
      if (this.paused || this.#held !== undefined) {
        this.#held ??= [];
        this.#held.push(chunk);
      } else {
        this.deliverData(chunk);
        this.host.consumed(this, chunk.length);
      }
    }
    return endStream && !this.closed ? this.#receiveEnd(undefined) : undefined;
  }

  get #isShort(): boolean {
    return this.expectedBytes >= 0 && this.#receivedBytes < this.expectedBytes;
  }

  #receiveEnd(trailers: Headers | undefined): Violation | undefined {
    if (this.#isShort) return tooShort();
    this.remoteDone = true;
    if (this.#held !== undefined || this.paused) {
      this.#heldEnd = true;
      this.#heldTrailers = trailers;
    } else this.#handEnd(trailers);
    return undefined;
  }

  /** Forgets what was not handed on; returns how many bytes that was. */
  dropHeld(): number {
    let bytes = 0;
    if (this.#held !== undefined) for (const chunk of this.#held) bytes += chunk.length;
    this.#held = undefined;
    this.#heldEnd = false;
    this.#queue = undefined;
    this.#queuedBytes = 0;
    return bytes;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    while (this.#held !== undefined && !this.paused && !this.closed) {
      const chunk = this.#held.shift();
      if (this.#held.length === 0) this.#held = undefined;
      if (chunk === undefined) break;
      this.deliverData(chunk);
      this.host.consumed(this, chunk.length);
    }
    if (this.paused || this.closed) return;
    if (this.#heldEnd) {
      this.#heldEnd = false;
      this.#handEnd(this.#heldTrailers);
    } else this.host.grantCredit(this);
  }

  /** The stream is given back before its end is told, so that whoever hears of it finds it free. */
  #handEnd(trailers: Headers | undefined): void {
    if (!this.localDone) this.onlyRemoteEnded();
    this.#settle();
    this.deliverEnd(trailers);
  }

  // What goes out.

  protected writeHeaders(pseudo: Fields, headers: Headers, endStream: boolean): void {
    if (this.closed || this.localDone) return;
    this.headSent = true;
    if (endStream) this.localDone = true;
    this.host.sendHeaders(this, pseudo, withoutConnectionHeaders(headers), endStream);
    if (endStream) this.#settle();
  }

  /** False: too much waits; `deliverDrain` follows. */
  protected writeData(chunk: Buffer): boolean {
    if (this.closed || this.localDone || chunk.length === 0) return true;
    const sent = this.#queuedBytes === 0 ? this.host.sendData(this, chunk) : 0;
    if (sent < chunk.length) {
      this.#queue ??= [];
      this.#queue.push(sent === 0 ? chunk : chunk.subarray(sent));
      this.#queuedBytes += chunk.length - sent;
      this.host.wait(this);
    }
    // Whoever was told to stop goes on at a drain only.
    if (this.#queuedBytes > HIGH_WATER_BYTES) this.#drainWanted = true;
    return !this.#drainWanted;
  }

  protected writeEnd(trailers: Headers | undefined): void {
    if (this.closed || this.localDone) return;
    this.localDone = true;
    if (this.#queuedBytes > 0) {
      this.#endQueued = true;
      this.#trailersQueued = trailers;
      this.endWaits();
      return;
    }
    this.#writeEndNow(trailers);
  }

  /** Writes up to `allowed` bytes of what waits, in one frame; returns how many. */
  writeQueued(allowed: number): number {
    const first = this.#queue?.[0];
    if (first === undefined) return 0;
    const end = Math.min(first.length, this.#queueStart + allowed);
    const bytes = end - this.#queueStart;
    this.host.sendFrame(this, first, this.#queueStart, end);
    this.#queueStart = end;
    if (end === first.length) {
      this.#queue?.shift();
      this.#queueStart = 0;
    }
    this.#queuedBytes -= bytes;
    if (this.#queuedBytes === 0) this.#queueEmptied();
    return bytes;
  }

  #queueEmptied(): void {
    if (this.#endQueued) {
      this.#endQueued = false;
      this.#writeEndNow(this.#trailersQueued);
    } else if (this.#drainWanted) {
      this.#drainWanted = false;
      this.deliverDrain();
    }
  }

  #writeEndNow(trailers: Headers | undefined): void {
    if (trailers === undefined) this.host.sendEnd(this);
    else this.host.sendHeaders(this, NO_FIELDS, withoutConnectionHeaders(trailers), true);
    this.#settle();
  }

  #settle(): void {
    if (!this.localDone || this.#endQueued) return;
    if (!this.remoteDone) this.onlyLocalEnded();
    else if (this.drained || this.endsWithLocal) this.host.streamEnded(this);
  }

  /** Once this side has sent its end, nobody takes what is still held back of the peer's message. */
  protected get endsWithLocal(): boolean {
    return false;
  }

  /** The end of this side's message waits for windows. */
  protected endWaits(): void {
    // A client waits for the answer.
  }

  /** This side has sent its end before the peer has. */
  protected onlyLocalEnded(): void {
    // A client just waits for the answer.
  }

  /** The peer has sent its end before this side has. */
  protected onlyRemoteEnded(): void {
    // A server goes on to answer.
  }

  protected resetWith(code: ErrorCode): void {
    if (!this.closed) this.host.resetStream(this, code);
  }
}
