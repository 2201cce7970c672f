import type { HopDetail, HopRecord } from '#domain';
import { DetailWriter, readDetail } from './detail-format.ts';
import { type TextPlace, TextRing } from './text-ring.ts';
import { ValueRing } from './value-ring.ts';

const FIRST_BYTES = 64 * 1024;
const MOST_BYTES = 64 * 1024 * 1024;
const FIRST_VALUES = 4096;
const MOST_VALUES = 2 * 1024 * 1024;
/** Of one hop: where its text begins and how long that is, where its values begin and how many there are. */
const PLACES = 4;

/** Headers and steps, which are nearly all of a hop's size, of the newest hops that have them. */
export class DetailLog {
  readonly #capacity: number;
  #texts = new TextRing(FIRST_BYTES, MOST_BYTES);
  #values = new ValueRing(FIRST_VALUES, MOST_VALUES);
  readonly #writer = new DetailWriter();
  readonly #places: Float64Array;
  readonly #place: TextPlace = { position: 0, length: 0 };
  /** Of all time. */
  #count = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#places = new Float64Array(capacity * PLACES);
  }

  /** Returns the number by which the details of the hop are asked for. */
  write(hop: HopRecord): number {
    const number = this.#count++;
    const at = (number % this.#capacity) * PLACES;
    // The hop that had this place before is forgotten; the one behind it is the oldest that is still wanted.
    const oldest = number < this.#capacity ? 0 : ((number + 1) % this.#capacity) * PLACES;
    const { texts, textCount, values, count } = this.#writer.write(hop);
    const [wantedText, wantedValues] = number === 0 ? [0, 0] : [this.#places[oldest]!, this.#places[oldest + 2]!];
    this.#texts.write(texts, textCount, wantedText, this.#place);
    const position = this.#values.write(values, count, wantedValues);
    this.#places[at] = this.#place.position;
    this.#places[at + 1] = this.#place.length;
    this.#places[at + 2] = position;
    this.#places[at + 3] = count;
    return number;
  }

  /** Reads what was written under a number, from a copy that nothing overwrites; undefined when it is forgotten. */
  read(number: number): (() => HopDetail) | undefined {
    if (number < 0 || number <= this.#count - 1 - this.#capacity) return undefined;
    const at = (number % this.#capacity) * PLACES;
    const [position = 0, length = 0, valuesAt = 0, count = 0] = this.#places.subarray(at, at + PLACES);
    if (!this.#texts.holds(position) || !this.#values.holds(valuesAt)) return undefined;
    const text = this.#texts.read({ position, length });
    const values = this.#values.read(valuesAt, count);
    let detail: HopDetail | undefined;
    return () => (detail ??= readDetail(text, values));
  }

  clear(): void {
    this.#texts = new TextRing(FIRST_BYTES, MOST_BYTES);
    this.#values = new ValueRing(FIRST_VALUES, MOST_VALUES);
    this.#count = 0;
    this.#writer.clear();
  }
}
