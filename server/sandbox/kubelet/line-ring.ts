import { giveBack, type LogBytes } from '#domain';
import type { LogLine } from './container-log.ts';

/** UTF-16 units to bytes, at most. */
const BYTES_PER_UNIT = 3;
const FIRST_BYTES = 4096;
const FIRST_LINES = 64;

/**
 * The newest lines of a log as bytes outside of JavaScript's heap. A busy proxy writes tens of thousands of lines a second: as strings they
 * would all outlive a young collection, and collecting them would cost more than serving the requests that they tell of.
 */
export class LineRing {
  readonly #maxLines: number;
  readonly #maxBytes: number;
  /** Live lines lie between `#from` and `#to`, without gaps; what is before is given up. */
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #from = 0;
  #to = 0;
  /** Of each line, between `#oldest` and `#next`. */
  #lengths = new Uint16Array(FIRST_LINES);
  #times = new Float64Array(FIRST_LINES);
  #oldest = 0;
  #next = 0;

  /** A line has at most 21,000 UTF-16 units. */
  constructor(limits: { readonly maxLines: number; readonly maxBytes: number }) {
    this.#maxLines = limits.maxLines;
    this.#maxBytes = limits.maxBytes;
  }

  push(text: string, atMs: number): void {
    this.#reserve(text.length * BYTES_PER_UNIT);
    this.#keep(this.#bytes.write(text, this.#to, 'utf8'), atMs);
  }

  /** A line of at most 65,535 bytes. */
  pushBytes({ bytes, length }: LogBytes, atMs: number): void {
    this.#reserve(length);
    bytes.copy(this.#bytes, this.#to, 0, length);
    this.#keep(length, atMs);
  }

  #reserve(bytes: number): void {
    if (this.#to + bytes > this.#bytes.length) this.#makeRoom(bytes);
    if (this.#next === this.#lengths.length) this.#makePlace();
  }

  #keep(length: number, atMs: number): void {
    this.#to += length;
    this.#lengths[this.#next] = length;
    this.#times[this.#next++] = atMs;
    while (this.#next - this.#oldest > this.#maxLines || this.#to - this.#from > this.#maxBytes) {
      this.#from += this.#lengths[this.#oldest++]!;
    }
  }

  /** Oldest first. */
  entries(): LogLine[] {
    const lines: LogLine[] = [];
    let at = this.#from;
    for (let i = this.#oldest; i < this.#next; i++) {
      const end = at + this.#lengths[i]!;
      lines.push({ text: this.#bytes.toString('utf8', at, end), atMs: this.#times[i]! });
      at = end;
    }
    return lines;
  }

  /** Moves the live bytes to the front; into more space where they would fill more than two thirds of it. */
  #makeRoom(needed: number): void {
    const live = this.#bytes.subarray(this.#from, this.#to);
    let size = this.#bytes.length;
    while ((live.length + needed) * 1.5 > size) size = Math.ceil(size * 1.5);
    this.#to = live.length;
    this.#from = 0;
    if (size === this.#bytes.length) this.#bytes.set(live);
    else {
      const target = Buffer.allocUnsafeSlow(size);
      target.set(live);
      giveBack(this.#bytes);
      this.#bytes = target;
    }
  }

  #makePlace(): void {
    const count = this.#next - this.#oldest;
    const size = count * 2 > this.#lengths.length ? this.#lengths.length * 2 : this.#lengths.length;
    const lengths = size === this.#lengths.length ? this.#lengths : new Uint16Array(size);
    const times = size === this.#times.length ? this.#times : new Float64Array(size);
    lengths.set(this.#lengths.subarray(this.#oldest, this.#next));
    times.set(this.#times.subarray(this.#oldest, this.#next));
    this.#lengths = lengths;
    this.#times = times;
    this.#oldest = 0;
    this.#next = count;
  }
}
