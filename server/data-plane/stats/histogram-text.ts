import type { Histogram } from './histogram.ts';

/** Percent. */
export const SUPPORTED_QUANTILES = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100] as const;

/**
 * A histogram as Envoy's `/stats` prints it: `P50(nan,3.5)`, the values of the last flush interval before those since the start; with
 * `histogram_buckets`, counts of its buckets: `B5(0,12)`. Unlike Envoy, there is no interval: its values are always `nan` or 0.
 */
export function histogramValues(histogram: Histogram, mode: string = 'summary'): string {
  if (histogram.count === 0) return 'No recorded values';
  if (mode === 'summary') {
    return SUPPORTED_QUANTILES.map((percent) => `P${percent}(nan,${rounded(histogram.quantile(percent / 100))})`).join(
      ' ',
    );
  }
  let below = 0;
  return histogram.bounds
    .map((bound, place) => {
      const own = histogram.counts[place]!;
      below += own;
      return `B${general(bound)}(0,${mode === 'cumulative' ? below : own})`;
    })
    .join(' ');
}

const rounded = (value: number): number => Number(value.toPrecision(4));

/** As C's `%g` prints: six digits, and powers of ten from a million on. */
const general = (value: number): string =>
  value < 1_000_000 ? String(value) : value.toExponential().replace(/e\+(\d)$/, 'e+0$1');
