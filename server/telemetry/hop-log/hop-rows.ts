import { SPAN_WORDS, sameWords } from './ids.ts';

/** Rows that there is place for at first. */
const FIRST_ROWS = 256;

/** 32-bit words of a row's ids. */
export const ID = { trace: 0, span: 4, parent: 6, places: 8 } as const;

/** Numbers of any size, in the row of each hop. */
export const NUMBER = {
  startMs: 0,
  durationMs: 1,
  requestBytes: 2,
  responseBytes: 3,
  /** Monotonic time since which it waits for its caller. */
  waitsSince: 4,
  textAt: 5,
  /** By which its details are asked for; -1: it has none. */
  detail: 6,
  /** Of the request that it completed; -1: of none. */
  request: 7,
  /** Of the hop before it in the same chain of the index; -1: it is the first. */
  earlier: 8,
  maxPathLength: 9,
  places: 10,
} as const;

/** Whole numbers of 32 bits. */
export const COUNT = {
  bits: 0,
  status: 1,
  attempts: 2,
  standsFor: 3,
  /** Bytes of all texts, negative for UTF-16. */
  textLength: 4,
  /** Characters of each text, in the order in which they lie; the line of the access log is what remains. */
  requestIdLength: 5,
  authorityLength: 6,
  pathLength: 7,
  entrySpanLength: 8,
  places: 9,
} as const;

/** Bits of `COUNT.bits`. */
export const BIT = {
  inbound: 1,
  mtls: 2,
  hasParent: 4,
  hasStandsFor: 8,
  /** `sampled` is told, and true. */
  toldSampled: 16,
  sampled: 32,
  hasEntrySpan: 64,
  /** Its caller's hop may still come. */
  waiting: 128,
  /** Its ids are not of hex digits, and stand in `REFERENCE.ids`. */
  oddIds: 256,
} as const;

/** Long-lived objects, and odd ids. Each connection has a handshake of its own. */
export const REFERENCE = { story: 0, downstream: 1, upstream: 2, ids: 3, places: 4 } as const;

/** The facts of the newest hops in columns: arrays that are made once, and written in place. */
export class HopRows {
  readonly capacity: number;
  ids: Uint32Array<ArrayBuffer>;
  numbers: Float64Array<ArrayBuffer>;
  counts: Int32Array<ArrayBuffer>;
  references: unknown[];
  #rows: number;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#rows = Math.min(FIRST_ROWS, capacity);
    this.ids = new Uint32Array(this.#rows * ID.places);
    this.numbers = new Float64Array(this.#rows * NUMBER.places);
    this.counts = new Int32Array(this.#rows * COUNT.places);
    this.references = new Array<unknown>(this.#rows * REFERENCE.places).fill(undefined);
  }

  /** The row of the hop with this number. Until all rows are there, numbers are rows. */
  row(number: number): number {
    return number % this.capacity;
  }

  /** The row for a new hop. */
  rowFor(number: number): number {
    const row = this.row(number);
    if (row >= this.#rows) this.#grow(Math.min(2 * this.#rows, this.capacity));
    return row;
  }

  /** Whether the first is an inbound hop that answered the second, an outbound one of the same trace. */
  isChild(answer: number, call: number): boolean {
    const { counts, ids } = this;
    const [below, above] = [this.row(answer), this.row(call)];
    const bits = counts[below * COUNT.places + COUNT.bits]!;
    if ((bits & (BIT.inbound | BIT.hasParent)) !== (BIT.inbound | BIT.hasParent)) return false;
    if ((counts[above * COUNT.places + COUNT.bits]! & BIT.inbound) !== 0) return false;
    return sameWords(SPAN_WORDS, ids, below * ID.places + ID.parent, ids, above * ID.places + ID.span);
  }

  #grow(rows: number): void {
    const { ids, numbers, counts, references } = this;
    this.ids = new Uint32Array(ids.buffer.transfer(rows * ID.places * ids.BYTES_PER_ELEMENT));
    this.numbers = new Float64Array(numbers.buffer.transfer(rows * NUMBER.places * numbers.BYTES_PER_ELEMENT));
    this.counts = new Int32Array(counts.buffer.transfer(rows * COUNT.places * counts.BYTES_PER_ELEMENT));
    this.references = new Array<unknown>(rows * REFERENCE.places).fill(undefined);
    for (let i = 0; i < references.length; i++) this.references[i] = references[i];
    this.#rows = rows;
  }
}
