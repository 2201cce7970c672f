/** Envoy's default bounds of histogram buckets, in milliseconds; Istio's durations have the same. */
export const BUCKET_BOUNDS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
];

/** Values that are kept as one: from `from`, for `width`. */
export interface Bin {
  readonly from: number;
  readonly width: number;
  readonly count: number;
}

/** Bins of two digits: 10 to 99, then 100 to 990, and so on. */
const PER_POWER = 90;

/**
 * Whole numbers by their first two digits, as Envoy keeps them: a value of 267 is one of 260 to 270. Sums and quantiles are told from that.
 * Source: the log-linear histogram of OpenHistogram, which Envoy uses.
 */
export class Histogram {
  /** By number of the bin; short where values are small. */
  readonly #counts: number[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** A fraction is cut off. */
  record(value: number): void {
    this.#add(binOf(value), 1);
  }

  /** Its values and those of another. */
  with(other: Histogram): Histogram {
    const both = new Histogram();
    for (const counts of [this.#counts, other.#counts]) {
      for (const [bin, count] of counts.entries()) if (count > 0) both.#add(bin, count);
    }
    return both;
  }

  /** Those with values, lowest first. */
  bins(): Bin[] {
    return this.#counts.flatMap((count, bin) => (count === 0 ? [] : [{ ...placeOf(bin), count }]));
  }

  /** For each bound, how many values are not above it. */
  cumulative(bounds: readonly number[] = BUCKET_BOUNDS): number[] {
    const bins = this.bins();
    return bounds.map((bound) => bins.reduce((sum, { from, count }) => (from <= bound ? sum + count : sum), 0));
  }

  /** For each bound, how many values are not above it, but above the one before. */
  disjoint(bounds: readonly number[] = BUCKET_BOUNDS): number[] {
    return this.cumulative(bounds).map((count, place, all) => count - (all[place - 1] ?? 0));
  }

  /** Each value counts as the middle of its bin, weighted towards its start. */
  get sum(): number {
    return this.bins().reduce((sum, { from, width, count }) => {
      const middle = width === 0 ? from : from + width * (from / (from + from + width));
      return sum + middle * count;
    }, 0);
  }

  /** The value at `share` of all, evenly spread within its bin; NaN without values. */
  quantile(share: number): number {
    if (this.#count === 0) return Number.NaN;
    let left = Math.max(1, Math.ceil(share * this.#count));
    for (const { from, width, count } of this.bins()) {
      if (left <= count) return from + (width * left) / (count + 1);
      left -= count;
    }
    return Number.NaN;
  }

  #add(bin: number, count: number): void {
    const counts = this.#counts;
    while (counts.length <= bin) counts.push(0);
    counts[bin]! += count;
    this.#count += count;
  }
}

/** Values below 100 have a bin each. */
function binOf(value: number): number {
  let digits = Math.floor(value);
  if (!(digits > 0)) return 0;
  let bin = 0;
  while (digits >= 100) {
    digits = Math.floor(digits / 10);
    bin += PER_POWER;
  }
  return bin + digits;
}

function placeOf(bin: number): Pick<Bin, 'from' | 'width'> {
  if (bin === 0) return { from: 0, width: 0 };
  if (bin < 10) return { from: bin, width: 0.1 };
  const power = Math.floor((bin - 10) / PER_POWER);
  const width = 10 ** power;
  return { from: (bin - power * PER_POWER) * width, width };
}
