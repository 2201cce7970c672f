import type { Http2Stream } from './stream.ts';

const SMALLEST = 16;

/**
 * The open streams of a session by their numbers: open addressing with linear probing. A Map would do, but V8 makes a new table for it after
 * so many deletions and links the old one to it; old tables outlive collections of the young generation, and with them all streams that
 * ever stood in one: a quarter of a busy proxy's time.
 */
export class StreamTable {
  #slots: (Http2Stream | undefined)[] = new Array<Http2Stream | undefined>(SMALLEST).fill(undefined);
  #mask = SMALLEST - 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): Http2Stream | undefined {
    for (let place = this.#home(id); ; place = (place + 1) & this.#mask) {
      const stream = this.#slots[place];
      if (stream === undefined || stream.id === id) return stream;
    }
  }

  /** The stream's number must be new. */
  add(stream: Http2Stream): void {
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    this.#size++;
    this.#place(stream);
  }

  remove(id: number): void {
    let place = this.#home(id);
    while (this.#slots[place]?.id !== id) {
      if (this.#slots[place] === undefined) return;
      place = (place + 1) & this.#mask;
    }
    this.#size--;
    this.#slots[place] = undefined;
    // Those behind it move up, so that no search ends early at the gap.
    for (let next = (place + 1) & this.#mask; this.#slots[next] !== undefined; next = (next + 1) & this.#mask) {
      const stream = this.#slots[next]!;
      this.#slots[next] = undefined;
      this.#place(stream);
    }
  }

  /** All of them, in no particular order; the list is the caller's own. */
  list(): Http2Stream[] {
    return this.#slots.filter((stream) => stream !== undefined);
  }

  /** The order in which Envoy ends several at once. */
  newestFirst(): Http2Stream[] {
    return this.list().sort((one, other) => other.id - one.id);
  }

  /** Numbers of one side are odd or even, so that halves are neighbours. */
  #home(id: number): number {
    return (id >> 1) & this.#mask;
  }

  #place(stream: Http2Stream): void {
    let place = this.#home(stream.id);
    while (this.#slots[place] !== undefined) place = (place + 1) & this.#mask;
    this.#slots[place] = stream;
  }

  #grow(): void {
    const streams = this.list();
    this.#slots = new Array<Http2Stream | undefined>(this.#slots.length * 2).fill(undefined);
    this.#mask = this.#slots.length - 1;
    for (const stream of streams) this.#place(stream);
  }
}
