/** Envoy's default bounds of histogram buckets, in milliseconds; Istio's durations have the same. */
export const MILLISECOND_BOUNDS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
];

/** Values by the bucket that they fall into. */
export class Histogram {
  readonly bounds: readonly number[];
  /** One count per bound, then one for everything above. Not cumulative. */
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  record(value: number): void {
    const { bounds } = this;
    let place = 0;
    while (place < bounds.length && value > bounds[place]!) place++;
    this.counts[place]!++;
    this.sum += value;
    this.count++;
  }

  /** Its values and those of another with the same bounds. */
  with(other: Histogram): Histogram {
    const both = new Histogram(this.bounds);
    for (const [place, count] of this.counts.entries()) both.counts[place] = count + other.counts[place]!;
    both.sum = this.sum + other.sum;
    both.count = this.count + other.count;
    return both;
  }

  /** The value below which `share` of all are, estimated inside its bucket; NaN without values. */
  quantile(share: number): number {
    if (this.count === 0) return Number.NaN;
    const rank = share * this.count;
    let below = 0;
    for (const [place, count] of this.counts.entries()) {
      if (count > 0 && below + count >= rank) return this.#within(place, (rank - below) / count);
      below += count;
    }
    return this.bounds.at(-1)!;
  }

  #within(place: number, part: number): number {
    const from = place === 0 ? 0 : this.bounds[place - 1]!;
    const to = this.bounds[place] ?? from;
    return from + (to - from) * Math.min(1, Math.max(0, part));
  }
}
