import { giveBack } from '#domain';
import { GrowingRing } from './growing-ring.ts';

const BEYOND_LATIN1 = /[\u0100-\uffff]/;
const LATIN1_END = 0xff;
/** Longer texts are written by a call into the runtime, which copying character by character beats below. */
const SHORT = 16;

/** Where a text lies. */
export interface TextPlace {
  position: number;
  /** Bytes; negative for a text of UTF-16, which is rare. */
  length: number;
}

/** Texts as bytes outside of JavaScript's heap, where no collection walks over them. */
export class TextRing extends GrowingRing {
  #bytes: Buffer<ArrayBuffer>;
  readonly #longest: number;

  constructor(size: number, maxSize: number) {
    super(size, maxSize);
    this.#bytes = Buffer.allocUnsafeSlow(size);
    this.#longest = maxSize / 2;
  }

  /**
   * Writes the first `count` texts one behind the other and says where; what lies before the position `wanted` may be overwritten. What is too
   * long is cut.
   */
  write(texts: readonly string[], count: number, wanted: number, place: TextPlace): void {
    let length = 0;
    for (let i = 0; i < count; i++) length += texts[i]!.length;
    if (length <= this.#longest) {
      place.position = this.reserve(length, wanted);
      place.length = length;
      if (this.#copy(texts, count, this.at(place.position))) return;
    }
    this.#writeWhole(texts.slice(0, count).join(''), wanted, place);
  }

  /** False where a text has characters beyond latin1. */
  #copy(texts: readonly string[], count: number, start: number): boolean {
    const bytes = this.#bytes;
    let at = start;
    for (let i = 0; i < count; i++) {
      const text = texts[i]!;
      const { length } = text;
      if (length > SHORT) {
        if (BEYOND_LATIN1.test(text)) return false;
        bytes.write(text, at, 'latin1');
        at += length;
        continue;
      }
      for (let j = 0; j < length; j++) {
        const code = text.charCodeAt(j);
        if (code > LATIN1_END) return false;
        bytes[at++] = code;
      }
    }
    return true;
  }

  #writeWhole(text: string, wanted: number, place: TextPlace): void {
    const wide = BEYOND_LATIN1.test(text);
    const length = Math.min(this.#longest, wide ? text.length * 2 : text.length);
    place.position = this.reserve(length, wanted);
    place.length = wide ? -length : length;
    this.#bytes.write(text, this.at(place.position), length, wide ? 'utf16le' : 'latin1');
  }

  read({ position, length }: Readonly<TextPlace>): string {
    const at = this.at(position);
    return this.#bytes.toString(length < 0 ? 'utf16le' : 'latin1', at, at + Math.abs(length));
  }

  protected resize(size: number) {
    const before = this.#bytes;
    const bytes = Buffer.allocUnsafeSlow(size);
    this.#bytes = bytes;
    return {
      move: (from: number, to: number, length: number) => void before.copy(bytes, to, from, from + length),
      moved: () => giveBack(before),
    };
  }
}
