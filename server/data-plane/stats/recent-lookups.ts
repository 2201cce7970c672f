const CAPACITY = 100;

/** Names of figures that were looked up while somebody wanted to know, the newest last. Source: RecentLookups in Envoy's source/common/stats. */
export class RecentLookups {
  enabled = false;
  #total = 0;
  readonly #counts = new Map<string, number>();

  get total(): number {
    return this.#total;
  }

  note(name: string): void {
    this.#total++;
    const count = this.#counts.get(name) ?? 0;
    this.#counts.delete(name);
    this.#counts.set(name, count + 1);
    if (this.#counts.size <= CAPACITY) return;
    for (const oldest of this.#counts.keys()) {
      this.#counts.delete(oldest);
      return;
    }
  }

  clear(): void {
    this.#total = 0;
    this.#counts.clear();
  }

  /** The newest first. */
  list(): readonly (readonly [name: string, count: number])[] {
    return [...this.#counts].reverse();
  }
}
