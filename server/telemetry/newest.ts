/** The newest entries, at most `capacity` of them, in order of arrival. */
export class Newest<T> {
  readonly #capacity: number;
  #entries: T[] = [];
  /** Where the oldest stands once the list is full. */
  #oldest = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Adds an entry; gives back the one that had to go. */
  push(entry: T): T | undefined {
    if (this.#entries.length < this.#capacity) {
      this.#entries.push(entry);
      return undefined;
    }
    const gone = this.#entries[this.#oldest];
    this.#entries[this.#oldest] = entry;
    this.#oldest = (this.#oldest + 1) % this.#capacity;
    return gone;
  }

  /** Oldest first; with `limit` only the last that many. */
  list(limit = this.#entries.length): T[] {
    const all = [...this.#entries.slice(this.#oldest), ...this.#entries.slice(0, this.#oldest)];
    return limit >= all.length ? all : all.slice(all.length - limit);
  }

  clear(): void {
    this.#entries = [];
    this.#oldest = 0;
  }
}
