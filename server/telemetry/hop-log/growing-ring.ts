/**
 * Places of a ring in which entries of different lengths lie one behind the other, each in one piece. Positions only ever grow; the place of
 * one is its rest by the size. The newest entries overwrite the oldest.
 */
export abstract class GrowingRing {
  #size: number;
  readonly #maxSize: number;
  /** Behind the newest entry. */
  #next = 0;

  /** `size` doubles up to `maxSize`, both powers of two, while entries that are still wanted would be overwritten. */
  constructor(size: number, maxSize: number) {
    this.#size = size;
    this.#maxSize = maxSize;
  }

  /** Whether the entry that begins at this position is still whole. */
  holds(position: number): boolean {
    return position >= this.#next - this.#size;
  }

  /** The place of a position. */
  protected at(position: number): number {
    return position % this.#size;
  }

  /** The position of a new entry, of at most half the size; `wanted` is that of the oldest one that should outlive it. */
  protected reserve(length: number, wanted: number): number {
    let position = this.#inOnePiece(length);
    while (position + length - wanted > this.#size && this.#size < this.#maxSize) {
      const oldest = Math.max(0, wanted, this.#next - this.#size);
      this.#grow(oldest);
      position = this.#inOnePiece(length);
    }
    this.#next = position + length;
    return position;
  }

  /** Gives all places up, and what they held until all that is to be kept has been moved. */
  protected abstract resize(size: number): { move(from: number, to: number, length: number): void; moved(): void };

  #inOnePiece(length: number): number {
    const left = this.#size - (this.#next % this.#size);
    return length <= left ? this.#next : this.#next + left;
  }

  /** Twice the places; entries from `oldest` on keep their positions. */
  #grow(oldest: number): void {
    const before = this.#size;
    const after = before * 2;
    const target = this.resize(after);
    for (let position = oldest; position < this.#next; ) {
      const end = Math.min(this.#next, (Math.floor(position / before) + 1) * before);
      target.move(position % before, position % after, end - position);
      position = end;
    }
    target.moved();
    this.#size = after;
  }
}
