import { type Bin, BUCKET_BOUNDS, type Histogram } from './histogram.ts';

/** Percent. */
export const SUPPORTED_QUANTILES = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100] as const;

const NOTHING = 'No recorded values';

const quantilesOf = (histogram: Histogram): number[] =>
  SUPPORTED_QUANTILES.map((percent) => histogram.quantile(percent / 100));

/**
 * A histogram as a line of Envoy's `/stats`: `name: P50(nan,3.5)`, the values of the last flush interval before those since the start; with
 * `histogram_buckets`, counts of its buckets: `B5(0,12)`, or of its bins. Unlike Envoy, there is no interval: its values are always `nan`,
 * 0 or none.
 */
export function histogramLine(
  name: string,
  histogram: Histogram,
  mode: string,
  bounds: readonly number[] = BUCKET_BOUNDS,
): string {
  if (histogram.count === 0) return `${name}: ${NOTHING}\n`;
  const quantiles = quantilesOf(histogram);
  const summary = SUPPORTED_QUANTILES.map((percent, place) => `P${percent}(nan,${quantiles[place]})`);
  if (mode === 'summary') return `${name}: ${summary.join(' ')}\n`;
  if (mode === 'detailed') {
    const bins = histogram.bins().map(({ from, width, count }) => ` ${general(from)},${general(width)}:${count}`);
    return `${name}:\n  totals=${bins.join(',').trimStart()}\n  intervals=\n  summary=${summary.join(' ')}\n`;
  }
  const counts = mode === 'cumulative' ? histogram.cumulative(bounds) : histogram.disjoint(bounds);
  return `${name}: ${bounds.map((bound, place) => `B${general(bound)}(0,${counts[place]})`).join(' ')}\n`;
}

/** Histograms as `/stats?format=json` shows them. */
export function histogramsJson(
  histograms: readonly (readonly [name: string, histogram: Histogram])[],
  mode: string,
  boundsOf: (name: string) => readonly number[] = () => BUCKET_BOUNDS,
): unknown {
  const values = (histogram: Histogram): object[] =>
    quantilesOf(histogram).map((value) => ({ cumulative: Number.isNaN(value) ? null : value, interval: null }));
  if (mode === 'summary') {
    return {
      supported_quantiles: SUPPORTED_QUANTILES,
      computed_quantiles: histograms.map(([name, histogram]) => ({ name, values: values(histogram) })),
    };
  }
  if (mode === 'detailed') {
    return {
      supported_percentiles: SUPPORTED_QUANTILES,
      details: histograms.map(([name, histogram]) => ({
        name,
        totals: histogram.bins().map(binJson),
        intervals: [],
        percentiles: values(histogram),
      })),
    };
  }
  return histograms.map(([name, histogram]) => {
    const bounds = boundsOf(name);
    const counts = mode === 'cumulative' ? histogram.cumulative(bounds) : histogram.disjoint(bounds);
    const buckets = bounds.map((upper_bound, place) => ({
      upper_bound,
      interval: 0,
      cumulative: counts[place],
    }));
    return { name, buckets };
  });
}

const binJson = ({ from, width, count }: Bin): object => ({ lower_bound: from, width, count });

/** As C's `%g` prints: six digits, and powers of ten from a million on. */
const general = (value: number): string =>
  value < 1_000_000 ? String(value) : value.toExponential().replace(/e\+(\d)$/, 'e+0$1');
