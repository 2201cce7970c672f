const FIRST_BYTES = 16 * 1024;
/** Longer texts are written by a call into the runtime. */
const SHORT = 96;
const ASCII_END = 0x80;
const BYTES_PER_UNIT = 3;

interface Utf8Buffer {
  utf8Write(text: string, at: number): number;
  utf8Slice(start: number, end: number): string;
  latin1Slice(start: number, end: number): string;
}

/**
 * Puts a text together from pieces. A log entry has some fifty of them: strung together they would be a tree of strings, and whoever writes
 * it out walks the tree.
 */
export class EntryText {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #at = 0;
  #ascii = true;

  begin(): void {
    this.#at = 0;
    this.#ascii = true;
  }

  add(text: string): void {
    const { length } = text;
    if (this.#at + length * BYTES_PER_UNIT > this.#bytes.length) this.#grow(length * BYTES_PER_UNIT);
    if (length > SHORT) {
      this.#addLong(text);
      return;
    }
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= ASCII_END) {
        this.#addLong(text);
        return;
      }
      bytes[at++] = code;
    }
    this.#at = at;
  }

  end(): string {
    const bytes = this.#bytes as unknown as Utf8Buffer;
    return this.#ascii ? bytes.latin1Slice(0, this.#at) : bytes.utf8Slice(0, this.#at);
  }

  #addLong(text: string): void {
    const written = (this.#bytes as unknown as Utf8Buffer).utf8Write(text, this.#at);
    if (written !== text.length) this.#ascii = false;
    this.#at += written;
  }

  #grow(needed: number): void {
    const more = Buffer.allocUnsafeSlow((this.#bytes.length + needed) * 2);
    this.#bytes.copy(more, 0, 0, this.#at);
    this.#bytes = more;
  }
}
