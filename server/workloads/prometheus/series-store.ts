import type { RE2JS } from 're2js';
import { compileRegex, type Labels, type Matcher, type Samples, type StoredPoints } from './promql/index.ts';

/** Series that are kept at most: what a lab needs, and no more than a few megabytes. */
const MAX_SERIES = 20_000;
/** How long samples are kept. */
export const RETENTION_MS = 15 * 60_000;
/** A series drops its old samples when it has so many more than it had after the last time. */
const SWEEP_EVERY = 64;

interface Series {
  readonly labels: Labels;
  times: number[];
  values: number[];
  /** Times at which it ended. */
  readonly ends: Set<number>;
  sweepAt: number;
}

/** Samples of the last minutes, by series. */
export class SeriesStore implements Samples {
  readonly #series = new Map<string, Series>();
  /** The same by metric name. */
  readonly #byName = new Map<string, Set<Series>>();

  get size(): number {
    return this.#series.size;
  }

  /** False: there is no room for one series more. */
  append(key: string, labels: Labels, timeMs: number, value: number): boolean {
    const series = this.#series.get(key) ?? this.#create(key, labels);
    if (series === undefined) return false;
    if (timeMs <= (series.times.at(-1) ?? Number.NEGATIVE_INFINITY)) return true;
    series.times.push(timeMs);
    series.values.push(value);
    if (series.times.length >= series.sweepAt) sweep(series, timeMs - RETENTION_MS);
    return true;
  }

  /** The series was not told any more: from now on it has no present value. */
  end(key: string, timeMs: number): void {
    const series = this.#series.get(key);
    if (series === undefined || timeMs <= (series.times.at(-1) ?? 0)) return;
    series.ends.add(timeMs);
    series.times.push(timeMs);
    series.values.push(Number.NaN);
  }

  /** Forgets series whose last sample is older than what is kept. */
  forgetOld(nowMs: number): void {
    for (const [key, series] of this.#series) {
      if ((series.times.at(-1) ?? 0) > nowMs - RETENTION_MS) continue;
      this.#series.delete(key);
      this.#byName.get(series.labels['__name__'] ?? '')?.delete(series);
    }
  }

  select(matchers: readonly Matcher[], afterMs: number, untilMs: number): readonly StoredPoints[] {
    const conditions = matchers.map(matcherFunction);
    const found: StoredPoints[] = [];
    for (const series of this.#candidates(matchers)) {
      if (!conditions.every((holds) => holds(series.labels))) continue;
      const [from, to] = [firstAfter(series.times, afterMs), firstAfter(series.times, untilMs)];
      if (from === to) continue;
      const times = series.times.slice(from, to);
      found.push({
        labels: series.labels,
        times,
        values: series.values.slice(from, to),
        isEnd: (index) => series.ends.size > 0 && series.ends.has(times[index]!),
      });
    }
    return found;
  }

  #candidates(matchers: readonly Matcher[]): Iterable<Series> {
    const named = matchers.find(({ name, op }) => name === '__name__' && op === '=');
    return named === undefined ? this.#series.values() : (this.#byName.get(named.value) ?? []);
  }

  #create(key: string, labels: Labels): Series | undefined {
    if (this.#series.size >= MAX_SERIES) return undefined;
    const series: Series = { labels, times: [], values: [], ends: new Set(), sweepAt: SWEEP_EVERY };
    this.#series.set(key, series);
    const name = labels['__name__'] ?? '';
    const named = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, named.add(series));
    return series;
  }
}

function sweep(series: Series, untilMs: number): void {
  const from = firstAfter(series.times, untilMs);
  series.times = series.times.slice(from);
  series.values = series.values.slice(from);
  for (const end of series.ends) if (end <= untilMs) series.ends.delete(end);
  series.sweepAt = series.times.length + SWEEP_EVERY;
}

/** Index of the first time beyond `ms`; the times rise. */
function firstAfter(times: readonly number[], ms: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

function matcherFunction({ name, op, value }: Matcher): (labels: Labels) => boolean {
  if (op === '=') return (labels) => (labels[name] ?? '') === value;
  if (op === '!=') return (labels) => (labels[name] ?? '') !== value;
  const regex = compileRegex(value, 'a label matcher');
  const known = new Map<string, boolean>();
  return (labels) => remembered(known, regex, labels[name] ?? '') === (op === '=~');
}

/** Values of labels are few and come again. */
function remembered(known: Map<string, boolean>, regex: RE2JS, text: string): boolean {
  const before = known.get(text);
  if (before !== undefined) return before;
  const fits = regex.matches(text);
  known.set(text, fits);
  return fits;
}
