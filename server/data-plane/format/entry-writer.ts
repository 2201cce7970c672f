import type { LogBytes, LogText } from '#domain';
import { readable } from './readable-text.ts';

const FIRST_BYTES = 512;
/** An entry of unusual length is no reason to hold on to its space. */
const USUAL_BYTES = 16 * 1024;
/** Longer texts are written by a call into the runtime, which copying character by character beats below. */
const SHORT = 96;
const ASCII_END = 0x80;
const LF = 0x0a;
/** UTF-16 units to bytes, at most. */
const BYTES_PER_UNIT = 3;

/**
 * Puts a log entry together from its pieces, as bytes. An entry has some fifty of them: as strings strung together they would be a tree that is
 * made, walked and collected for every request. One entry at a time: `begin`, `add` …, `end`.
 */
export class EntryWriter implements LogBytes {
  bytes = Buffer.alloc(0);
  length = 0;
  #severalLines = false;
  #ascii = true;

  begin(): void {
    this.length = 0;
    this.#severalLines = false;
    this.#ascii = true;
    if (this.bytes.length === 0 || this.bytes.length > USUAL_BYTES) this.bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  /** What was written is one line of ASCII: each character is one byte, and parts of it may be replaced. */
  get plain(): boolean {
    return this.#ascii && !this.#severalLines && this.length > 0;
  }

  /** Goes on at `length`: what stood behind is given up. */
  cut(length: number): void {
    this.length = length;
  }

  /** Puts a text in the place of one of the same length, in a plain entry. False: it cannot stay plain, and may be half done. */
  replace(text: string, at: number): boolean {
    const { length } = text;
    if (length > SHORT) return false;
    const { bytes } = this;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= ASCII_END || code === LF) return false;
      bytes[at + i] = code;
    }
    return true;
  }

  add(text: string): void {
    const { length } = text;
    if (this.length + length * BYTES_PER_UNIT > this.bytes.length) this.#grow(length * BYTES_PER_UNIT);
    if (length > SHORT) {
      this.#addWhole(text);
      return;
    }
    const { bytes } = this;
    let at = this.length;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= ASCII_END || code === LF) {
        this.#addWhole(text);
        return;
      }
      bytes[at++] = code;
    }
    this.length = at;
  }

  /** The entry; as a string where it holds several lines. */
  end(): LogText {
    return this.#severalLines ? this.toString() : this;
  }

  toString(): string {
    return this.bytes.toString(this.#ascii ? 'latin1' : 'utf8', 0, this.length);
  }

  #addWhole(text: string): void {
    this.#severalLines ||= text.includes('\n');
    const shown = readable(text);
    const written = this.bytes.write(shown, this.length, 'utf8');
    this.#ascii &&= written === shown.length;
    this.length += written;
  }

  #grow(needed: number): void {
    const more = Buffer.allocUnsafeSlow((this.bytes.length + needed) * 2);
    this.bytes.copy(more, 0, 0, this.length);
    this.bytes = more;
  }
}
