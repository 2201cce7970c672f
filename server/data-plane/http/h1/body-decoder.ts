import { Headers } from '../headers.ts';
import { passableTrailers } from '../trailers.ts';
import { CR, LF } from './bytes.ts';
import { ChunkLine } from './chunk-line.ts';
import type { Failure } from './failures.ts';
import { FAILURES } from './failures.ts';
import { FieldParser } from './field-parser.ts';

/** Receives the parts of one body. */
export interface BodyReceiver {
  onBody(chunk: Buffer): void;
}

export type BodyFraming = 'none' | 'length' | 'chunked' | 'close' | 'tunnel';

type ChunkStep = 'line' | 'data' | 'data-cr' | 'data-lf' | 'trailers';

const NOTHING = Buffer.alloc(0);

/**
 * Finds the end of one body after another in a connection's bytes (RFC 9112 §6 and §7). Keeps no body bytes back beyond those that it is fed:
 * as in Envoy, chunks are handed on together once all of them were read, and none when one of them breaks the rules.
 */
export class BodyDecoder {
  /** The body is complete. */
  done = true;
  failure: Failure | undefined = undefined;
  trailers: Headers | undefined = undefined;

  readonly #maxTrailerBytes: number;
  readonly #fields: FieldParser;
  #framing: BodyFraming = 'none';
  #left = 0;
  #step: ChunkStep = 'line';
  readonly #line = new ChunkLine();
  #held: Buffer = NOTHING;

  constructor(maxTrailerBytes: number, maxTrailers: number) {
    this.#maxTrailerBytes = maxTrailerBytes;
    this.#fields = new FieldParser(maxTrailers);
  }

  /** Makes ready for the next body. `contentLength` counts only with framing `length` and is above 0 there. */
  begin(framing: BodyFraming, contentLength: number): void {
    this.#framing = framing;
    this.#left = contentLength;
    this.done = framing === 'none';
    this.failure = undefined;
    this.trailers = undefined;
    if (framing === 'chunked') {
      this.#step = 'line';
      this.#line.beginBody();
      this.#held = NOTHING;
    }
  }

  get isTunnel(): boolean {
    return this.#framing === 'tunnel';
  }

  /** What lies behind a body that ends with its connection: true when the body may end now. */
  get endsWithConnection(): boolean {
    return this.#framing === 'close' || this.#framing === 'tunnel';
  }

  /** Takes bytes from `at` on and returns where the next message begins; look at `done` and `failure` afterwards. */
  feed(bytes: Buffer, at: number, receiver: BodyReceiver): number {
    if (this.#framing === 'chunked') return this.#feedChunked(bytes, at, receiver);
    if (this.#framing === 'length') return this.#feedLength(bytes, at, receiver);
    if (at < bytes.length) receiver.onBody(at === 0 ? bytes : bytes.subarray(at));
    return bytes.length;
  }

  #feedLength(bytes: Buffer, at: number, receiver: BodyReceiver): number {
    const take = Math.min(this.#left, bytes.length - at);
    if (take === 0) return at;
    this.#left -= take;
    this.done = this.#left === 0;
    receiver.onBody(take === bytes.length ? bytes : bytes.subarray(at, at + take));
    return at + take;
  }

  #feedChunked(bytes: Buffer, start: number, receiver: BodyReceiver): number {
    const parts: Buffer[] = [];
    const at = this.#readChunks(bytes, start, parts);
    const [first] = parts;
    if (this.failure === undefined && first !== undefined) {
      receiver.onBody(parts.length === 1 ? first : Buffer.concat(parts));
    }
    return at;
  }

  #readChunks(bytes: Buffer, start: number, parts: Buffer[]): number {
    let at = start;
    while (at < bytes.length && !this.done && this.failure === undefined) {
      if (this.#step === 'data') {
        const take = Math.min(this.#left, bytes.length - at);
        this.#left -= take;
        if (this.#left === 0) this.#step = 'data-cr';
        at += take;
        parts.push(bytes.subarray(at - take, at));
      } else if (this.#step === 'trailers') {
        at = this.#feedTrailers(bytes, at);
      } else {
        this.#feedFrame(bytes[at]!);
        at++;
      }
    }
    return at;
  }

  /** One byte of what stands between the data of two chunks. */
  #feedFrame(byte: number): void {
    if (this.#step === 'line') {
      if (this.#line.feed(byte)) {
        this.#left = this.#line.size;
        this.#step = this.#left === 0 ? 'trailers' : 'data';
      }
      this.failure = this.#line.failure;
    } else if (this.#step === 'data-cr') {
      if (byte !== CR) this.failure = FAILURES.chunkEnd;
      this.#step = 'data-lf';
    } else {
      if (byte !== LF) this.failure = FAILURES.chunkEnd;
      this.#line.beginLine();
      this.#step = 'line';
    }
  }

  /** Trailers end at an empty line, which usually comes at once. */
  #feedTrailers(bytes: Buffer, at: number): number {
    if (this.#held.length === 0 && bytes[at] === CR && bytes[at + 1] === LF) {
      this.done = true;
      return at + 2;
    }
    const before = this.#held.length;
    const held = before === 0 ? bytes.subarray(at) : Buffer.concat([this.#held, bytes.subarray(at)]);
    const end = held[0] === CR && held[1] === LF ? 2 : held.indexOf('\r\n\r\n') + 4;
    if (end >= 4 || (end === 2 && held[0] === CR)) {
      this.#readTrailers(held, end);
      return at + end - before;
    }
    const bare = held.indexOf(LF);
    if (held.length > this.#maxTrailerBytes) this.failure = FAILURES.trailersTooLarge;
    else if (bare === 0 || (bare > 0 && held[bare - 1] !== CR)) this.failure = FAILURES.bareLineFeed;
    this.#held = Buffer.from(held);
    return bytes.length;
  }

  #readTrailers(held: Buffer, end: number): void {
    this.#held = NOTHING;
    if (end > this.#maxTrailerBytes) this.failure = FAILURES.trailersTooLarge;
    else if (end > 2) this.failure = this.#fields.read(held, 0, end, held.toString('latin1', 0, end), 0);
    if (this.failure) return;
    this.done = true;
    if (end === 2) return;
    this.trailers = passableTrailers(new Headers(this.#fields.flat));
  }
}
