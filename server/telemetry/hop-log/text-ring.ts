import { GrowingRing } from './growing-ring.ts';

const BEYOND_LATIN1 = /[\u0100-\uffff]/;

/** Where a text lies. */
export interface TextPlace {
  position: number;
  /** Bytes; negative for a text of UTF-16, which is rare. */
  length: number;
}

/** Texts as bytes outside of JavaScript's heap, where no collection walks over them. */
export class TextRing extends GrowingRing {
  #bytes: Buffer;
  readonly #longest: number;

  constructor(size: number, maxSize: number) {
    super(size, maxSize);
    this.#bytes = Buffer.allocUnsafeSlow(size);
    this.#longest = maxSize / 2;
  }

  /** Writes a text and says where; what lies before the position `wanted` may be overwritten. One that is too long is cut. */
  write(text: string, wanted: number, place: TextPlace): void {
    const wide = BEYOND_LATIN1.test(text);
    const length = Math.min(this.#longest, wide ? text.length * 2 : text.length);
    place.position = this.reserve(length, wanted);
    place.length = wide ? -length : length;
    const at = this.at(place.position);
    this.#bytes.write(text, at, length, wide ? 'utf16le' : 'latin1');
  }

  read({ position, length }: Readonly<TextPlace>): string {
    const at = this.at(position);
    return this.#bytes.toString(length < 0 ? 'utf16le' : 'latin1', at, at + Math.abs(length));
  }

  protected resize(size: number) {
    const before = this.#bytes;
    const bytes = Buffer.allocUnsafeSlow(size);
    this.#bytes = bytes;
    return { move: (from: number, to: number, length: number) => void before.copy(bytes, to, from, from + length) };
  }
}
