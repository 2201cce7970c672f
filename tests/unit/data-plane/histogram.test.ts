import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../server/data-plane/stats/histogram.ts';
import { histogramLine, histogramsJson } from '../../../server/data-plane/stats/histogram-text.ts';
import { prometheusText } from '../../../server/data-plane/stats/prometheus.ts';

/** Times of twelve requests; what a running Envoy 1.40 says of them stands in the tests. */
const TIMES = [0, 1, 3, 8, 9, 9, 31, 31.9, 32, 33, 124, 266];

function recorded(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

describe('a histogram', () => {
  it('tells quantiles as Envoy does, evenly spread within two digits', () => {
    expect(histogramLine('t', recorded(TIMES), 'summary')).toBe(
      't: P0(nan,0) P25(nan,3.05) P50(nan,9.066666666666666) P75(nan,32.5) P90(nan,125) P95(nan,265) P99(nan,265) ' +
        'P99.5(nan,265) P99.9(nan,265) P100(nan,265)\n',
    );
  });

  it('tells the bins that hold values', () => {
    expect(histogramLine('t', recorded(TIMES), 'detailed').split('\n')[1]).toBe(
      '  totals=0,0:1, 1,0.1:1, 3,0.1:1, 8,0.1:1, 9,0.1:2, 31,1:2, 32,1:1, 33,1:1, 120,10:1, 260,10:1',
    );
    expect(histogramsJson([['t', recorded([0, 266])]], 'detailed')).toMatchObject({
      details: [
        {
          name: 't',
          totals: [
            { lower_bound: 0, width: 0, count: 1 },
            { lower_bound: 260, width: 10, count: 1 },
          ],
        },
      ],
    });
  });

  it('counts a value that equals a bound into its bucket', () => {
    const buckets = histogramLine('t', recorded(TIMES), 'cumulative');
    expect(buckets).toMatch(
      /^t: B0\.5\(0,1\) B1\(0,2\) B5\(0,3\) B10\(0,6\) B25\(0,6\) B50\(0,10\) B100\(0,10\) B250\(0,11\)/,
    );
    expect(histogramLine('t', recorded(TIMES), 'disjoint')).toMatch(/ B250\(0,1\) B500\(0,1\) B1000\(0,0\) /);
  });

  it('sums up in Prometheus’ format what its bins stand for, with every digit', () => {
    const text = prometheusText({ figures: [], histograms: [['t', recorded(TIMES)]], isGauge: () => false });
    expect(text).toContain('envoy_t_sum{} 548.92056869751991143857594579458\nenvoy_t_count{} 12\n');
  });

  it('keeps large numbers by their first two digits', () => {
    expect(recorded([1_234_567, 9_999_999]).bins()).toEqual([
      { from: 1_200_000, width: 100_000, count: 1 },
      { from: 9_900_000, width: 100_000, count: 1 },
    ]);
  });

  it('adds up with another', () => {
    expect(
      recorded([1, 5])
        .with(recorded([5]))
        .bins(),
    ).toEqual([
      { from: 1, width: 0.1, count: 1 },
      { from: 5, width: 0.1, count: 2 },
    ]);
  });
});
