import type { Points } from './values.ts';

interface Window {
  readonly series: Points;
  readonly endMs: number;
  readonly rangeMs: number;
}

/**
 * By how much a series grew in a window, as if its samples reached both ends of it; a counter that falls began again at 0. Undefined with
 * fewer than two samples. Source: extrapolatedRate in Prometheus 3.
 */
export function extrapolated(
  { series, endMs, rangeMs }: Window,
  { counter, perSecond }: { counter: boolean; perSecond: boolean },
): number | undefined {
  const { times, values } = series;
  const [first, last] = [values[0], values.at(-1)];
  if (times.length < 2 || first === undefined || last === undefined) return undefined;
  let growth = last - first;
  if (counter) for (let i = 1; i < values.length; i++) if (values[i]! < values[i - 1]!) growth += values[i - 1]!;
  const [firstMs, lastMs] = [times[0]!, times.at(-1)!];
  const sampled = (lastMs - firstMs) / 1000;
  const apart = sampled / (times.length - 1);
  const reach = (seconds: number): number => (seconds >= apart * 1.1 ? apart / 2 : seconds);
  let before = reach((firstMs - (endMs - rangeMs)) / 1000);
  if (counter && growth > 0 && first >= 0) before = Math.min(before, sampled * (first / growth));
  const after = reach((endMs - lastMs) / 1000);
  const factor = (sampled + before + after) / sampled;
  return growth * (perSecond ? factor / (rangeMs / 1000) : factor);
}

/** The growth between the last two samples, per second where asked. Source: instantValue. */
export function lastGrowth({ times, values }: Points, { perSecond }: { perSecond: boolean }): number | undefined {
  const [time, before] = [times.at(-1), times.at(-2)];
  const [value, earlier] = [values.at(-1), values.at(-2)];
  if (time === undefined || before === undefined || value === undefined || earlier === undefined || time === before)
    return undefined;
  const growth = perSecond && value < earlier ? value : value - earlier;
  return perSecond ? growth / ((time - before) / 1000) : growth;
}

/** How often neighbours differ so. */
export const countSteps = ({ values }: Points, differ: (before: number, after: number) => boolean): number =>
  values.slice(1).filter((value, i) => differ(values[i]!, value)).length;

/** Slope per second and the value at `atMs` of the line of least squares. Source: linearRegression. */
export function fittedLine(
  { times, values }: Points,
  atMs: number,
): { readonly slope: number; readonly value: number } {
  if (values.every((value) => value === values[0])) return { slope: 0, value: values[0]! };
  let [n, sumX, sumY, sumXY, sumX2] = [0, 0, 0, 0, 0];
  for (const [i, time] of times.entries()) {
    const [x, y] = [(time - atMs) / 1000, values[i]!];
    n++;
    sumX += x;
    sumY += y;
    sumXY += x * y;
    sumX2 += x * x;
  }
  const slope = (sumXY - (sumX * sumY) / n) / (sumX2 - (sumX * sumX) / n);
  return { slope, value: sumY / n - (slope * sumX) / n };
}
