import type { MetricSeries } from '#contract';
import { formatMs, formatRate, formatShare } from '../parts/format.ts';
import type { Points } from './scale.ts';

export interface Line {
  name: string;
  points: Points;
  /** How the line is drawn: the first is the plain one. */
  style: 'plain' | 'dashed' | 'dotted';
}

/** One of the four golden signals, as a chart shows it. */
export interface Signal {
  key: 'traffic' | 'errors' | 'latency' | 'saturation';
  title: string;
  /** What is counted, in the fewest words. */
  unit: string;
  shape: 'area' | 'bars' | 'lines';
  lines: Line[];
  /** The axis never ends lower: small noise is not to look like a storm. */
  leastTop: number;
  say: (value: number) => string;
}

const inFlight = (value: number): string => String(Number(value.toFixed(value < 10 ? 2 : 0)));
const percent = (share: number): string => (share === 0 ? '0 %' : formatShare(share));
const rate = (rps: number): string => (rps < 0.05 ? `${Number(rps.toFixed(2))}/s` : formatRate(rps));

/** Traffic, errors, latency and saturation of a series. */
export function signalsOf(series: MetricSeries): Signal[] {
  return [
    {
      key: 'traffic',
      title: 'Traffic',
      unit: 'requests a second',
      shape: 'area',
      lines: [{ name: 'rate', points: series.rps, style: 'plain' }],
      leastTop: 1,
      say: rate,
    },
    {
      key: 'errors',
      title: 'Errors',
      unit: 'share that fails',
      shape: 'bars',
      lines: [{ name: 'failed', points: series.errorShare, style: 'plain' }],
      leastTop: 0.1,
      say: percent,
    },
    {
      key: 'latency',
      title: 'Latency',
      unit: 'time to answer',
      shape: 'lines',
      lines: [
        { name: 'P50', points: series.p50, style: 'plain' },
        { name: 'P90', points: series.p90, style: 'dashed' },
        { name: 'P99', points: series.p99, style: 'dotted' },
      ],
      leastTop: 10,
      say: formatMs,
    },
    {
      key: 'saturation',
      title: 'Saturation',
      unit: 'requests under way at a time',
      shape: 'area',
      lines: [{ name: 'under way', points: series.inFlight, style: 'plain' }],
      leastTop: 0.1,
      say: inFlight,
    },
  ];
}

/** Mean from the first step with anything in it: what was before the traffic began says nothing about it. */
export function meanOf(points: Points): number {
  const first = points.findIndex((value) => value !== null && value > 0);
  const known = first < 0 ? [] : points.slice(first).map((value) => value ?? 0);
  return known.length === 0 ? 0 : known.reduce((sum, value) => sum + value, 0) / known.length;
}
