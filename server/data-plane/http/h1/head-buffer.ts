import { CR, LF } from './bytes.ts';
import type { Failure } from './failures.ts';
import { FAILURES } from './failures.ts';

const END_OF_HEAD = Buffer.from('\r\n\r\n', 'latin1');
const NOTHING = Buffer.alloc(0);

/**
 * Bytes that wait for the rest of a head. A head that arrives whole never passes through here. Grows by doubling, and remembers how far
 * it was searched, so that a head sent byte by byte costs no more than one sent at once.
 */
export class HeadBuffer {
  #bytes: Buffer = NOTHING;
  #length = 0;
  #searched = 0;

  get length(): number {
    return this.#length;
  }

  append(bytes: Buffer): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2, 1024));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    bytes.copy(this.#bytes, this.#length);
    this.#length = needed;
  }

  /** Whether what is held may be what `test` knows the beginning of. */
  begins(test: (bytes: Buffer) => boolean): boolean {
    return test(this.#bytes.subarray(0, this.#length));
  }

  /** Where the head ends (just behind its empty line); −1 when its end has not come, or why it never will be accepted. */
  findEnd(maxBytes: number): number | Failure {
    const held = this.#bytes.subarray(0, this.#length);
    const from = Math.max(0, this.#searched - 3);
    const end = held.indexOf(END_OF_HEAD, from);
    this.#searched = this.#length;
    if (end >= 0) return end + 4 > maxBytes ? FAILURES.headersTooLarge : end + 4;
    if (this.#length > maxBytes) return FAILURES.headersTooLarge;
    return hasBareLineFeed(held, from) ? FAILURES.bareLineFeed : -1;
  }

  /** Gives up what is held, to be read as one piece. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = NOTHING;
    this.#length = 0;
    this.#searched = 0;
    return taken;
  }
}

function hasBareLineFeed(bytes: Buffer, from: number): boolean {
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (at === 0 || bytes[at - 1] !== CR) return true;
  }
  return false;
}

/** Where the head that begins at `at` ends (just behind its empty line); −1 when its end is not in `bytes`. */
export function endOfHead(bytes: Buffer, at: number): number {
  const end = bytes.indexOf(END_OF_HEAD, at);
  return end < 0 ? -1 : end + 4;
}
