import { type HopRows, ID, NUMBER } from './hop-rows.ts';
import { packId, sameWords, TRACE_WORDS } from './ids.ts';

const NONE = -1;

/**
 * Finds hops by their trace, newest first. Each trace belongs to one of many chains; a chain leads from hop to earlier hop. Nothing is ever taken
 * out: a chain ends where it leads to a hop that was overwritten.
 */
export class TraceIndex {
  readonly #rows: HopRows;
  /** The number of the last hop of each chain. */
  readonly #last: Float64Array;
  readonly #wanted = new Uint32Array(TRACE_WORDS);

  constructor(rows: HopRows) {
    this.#rows = rows;
    this.#last = new Float64Array(2 ** Math.ceil(Math.log2(rows.capacity + 1))).fill(NONE);
  }

  /** Adds the newest hop. */
  add(number: number): void {
    const { ids, numbers } = this.#rows;
    const row = this.#rows.row(number);
    const chain = this.#chainOf(ids, row * ID.places + ID.trace);
    numbers[row * NUMBER.places + NUMBER.earlier] = this.#last[chain]!;
    this.#last[chain] = number;
  }

  /** The last hop of a trace, at most as old as `oldest`; -1: there is none. */
  lastOf(traceId: string, oldest: number): number {
    packId(traceId, TRACE_WORDS, this.#wanted, 0);
    const number = this.#last[this.#chainOf(this.#wanted, 0)]!;
    return this.#sameTrace(number, oldest, this.#wanted, 0);
  }

  /** The hop of the same trace before this one. */
  before(number: number, oldest: number): number {
    const { ids } = this.#rows;
    return this.#sameTrace(this.#earlier(number), oldest, ids, this.#rows.row(number) * ID.places + ID.trace);
  }

  clear(): void {
    this.#last.fill(NONE);
  }

  #earlier(number: number): number {
    return this.#rows.numbers[this.#rows.row(number) * NUMBER.places + NUMBER.earlier]!;
  }

  #sameTrace(first: number, oldest: number, trace: Uint32Array, at: number): number {
    const { ids } = this.#rows;
    for (let number = first; number >= oldest && number >= 0; number = this.#earlier(number)) {
      if (sameWords(TRACE_WORDS, ids, this.#rows.row(number) * ID.places + ID.trace, trace, at)) return number;
    }
    return NONE;
  }

  #chainOf(ids: Uint32Array, at: number): number {
    const mixed = Math.imul(ids[at]! ^ ids[at + 1]!, 0x9e3779b1) ^ Math.imul(ids[at + 2]! ^ ids[at + 3]!, 0x85ebca6b);
    return (mixed ^ (mixed >>> 15)) & (this.#last.length - 1);
  }
}
