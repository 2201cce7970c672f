/** Width of a class, as a ratio: figures are at most half of it off. */
const RATIO = 1.08;
const LOG_RATIO = Math.log(RATIO);
const LEAST_MS = 0.05;

/** How long requests took, in classes of equal ratio, so that seconds and edges can be added up and still have percentiles. */
export class Latencies {
  readonly #counts = new Map<number, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(ms: number, count: number): void {
    const place = Math.round(Math.log(Math.max(ms, LEAST_MS)) / LOG_RATIO);
    this.#counts.set(place, (this.#counts.get(place) ?? 0) + count);
    this.#total += count;
  }

  join(other: Latencies): void {
    for (const [place, count] of other.#counts) this.#counts.set(place, (this.#counts.get(place) ?? 0) + count);
    this.#total += other.#total;
  }

  /** Nearest rank, in milliseconds; undefined when there is none. */
  percentile(percent: number): number | undefined {
    if (this.#total === 0) return undefined;
    const rank = Math.ceil((percent / 100) * this.#total);
    let seen = 0;
    for (const [place, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      seen += count;
      if (seen >= rank) return Number(Math.exp(place * LOG_RATIO).toPrecision(3));
    }
    return undefined;
  }
}
