import { aggregate } from './aggregate.ts';
import { runBinary } from './binary.ts';
import type { Expression, Matcher, Selector, Shift, Subquery } from './expression.ts';
import { FUNCTIONS } from './functions.ts';
import { ExecutionError, keyOf, type Labels, type Points, type Sample, type Value, withoutName } from './values.ts';

/** Where samples are found. */
export interface Samples {
  /** Every series that fits, with its samples of (`afterMs`, `untilMs`], oldest first. */
  select(matchers: readonly Matcher[], afterMs: number, untilMs: number): readonly StoredPoints[];
}

export interface StoredPoints extends Points {
  /** Whether the sample of this index only says that the series has ended. */
  isEnd(index: number): boolean;
}

export interface EvaluationTimes {
  readonly startMs: number;
  readonly endMs: number;
  /** The evaluation interval where a subquery names none. */
  readonly intervalMs: number;
}

/** How old a sample may be to be the present one. */
export const LOOKBACK_MS = 300_000;
const MAX_SAMPLES = 2_000_000;

/** The value of an expression at one moment. ExecutionError where it has none. */
export function evaluateAt(expression: Expression, timeMs: number, samples: Samples, times: EvaluationTimes): Value {
  return new Evaluation(samples, times).at(expression, timeMs);
}

class Evaluation {
  readonly #samples: Samples;
  readonly #times: EvaluationTimes;
  #touched = 0;

  constructor(samples: Samples, times: EvaluationTimes) {
    this.#samples = samples;
    this.#times = times;
  }

  at(expression: Expression, timeMs: number): Value {
    switch (expression.kind) {
      case 'number':
        return { type: 'scalar', value: expression.value };
      case 'string':
        return { type: 'string', value: expression.value };
      case 'parens':
        return this.at(expression.of, timeMs);
      case 'negative':
        return negative(this.at(expression.of, timeMs));
      case 'selector':
        return expression.rangeMs === undefined ? this.#present(expression, timeMs) : this.#window(expression, timeMs);
      case 'subquery':
        return this.#subquery(expression, timeMs);
      case 'binary':
        return unique(runBinary(expression, this.at(expression.left, timeMs), this.at(expression.right, timeMs)));
      case 'call':
        return unique(this.#call(expression, timeMs));
      case 'aggregation': {
        const parameter = expression.parameter && this.at(expression.parameter, timeMs);
        const plain = parameter?.type === 'scalar' || parameter?.type === 'string' ? parameter.value : 0;
        const of = this.at(expression.of, timeMs);
        return { type: 'vector', samples: aggregate(expression, of.type === 'vector' ? of.samples : [], plain) };
      }
    }
  }

  #moment({ fixed, offsetMs }: Shift, timeMs: number): number {
    const base = fixed === 'start' ? this.#times.startMs : fixed === 'end' ? this.#times.endMs : (fixed ?? timeMs);
    return base - offsetMs;
  }

  #touch(count: number): void {
    this.#touched += count;
    if (this.#touched > MAX_SAMPLES)
      throw new ExecutionError('query processing would load too many samples into memory in query execution');
  }

  /** The newest sample of each series, unless it is too old or the series has ended. */
  #latest(
    selector: Selector,
    timeMs: number,
  ): { readonly labels: Labels; readonly timeMs: number; readonly value: number }[] {
    const momentMs = this.#moment(selector, timeMs);
    return this.#samples.select(selector.matchers, momentMs - LOOKBACK_MS, momentMs).flatMap((series) => {
      this.#touch(1);
      const last = series.times.length - 1;
      if (last < 0 || series.isEnd(last)) return [];
      return [{ labels: series.labels, timeMs: series.times[last]!, value: series.values[last]! }];
    });
  }

  #present(selector: Selector, timeMs: number): Value {
    return { type: 'vector', samples: this.#latest(selector, timeMs).map(({ labels, value }) => ({ labels, value })) };
  }

  #window(selector: Selector, timeMs: number): Value {
    const endMs = this.#moment(selector, timeMs);
    const rangeMs = selector.rangeMs ?? 0;
    const series = this.#samples.select(selector.matchers, endMs - rangeMs, endMs).map((stored): Points => {
      this.#touch(stored.times.length);
      const kept = stored.times.map((_, i) => i).filter((i) => !stored.isEnd(i));
      return {
        labels: stored.labels,
        times: kept.map((i) => stored.times[i]!),
        values: kept.map((i) => stored.values[i]!),
      };
    });
    return { type: 'matrix', series: series.filter(({ times }) => times.length > 0), endMs, rangeMs };
  }

  /** Its steps stand at multiples of the interval, whenever the query is asked. */
  #subquery(subquery: Subquery, timeMs: number): Value {
    const endMs = this.#moment(subquery, timeMs);
    const { rangeMs } = subquery;
    const stepMs = subquery.stepMs ?? this.#times.intervalMs;
    if (rangeMs / stepMs > 11_000)
      throw new ExecutionError('exceeded maximum resolution of 11,000 points per subquery');
    const all = new Map<string, { labels: Labels; times: number[]; values: number[] }>();
    for (let atMs = (Math.floor((endMs - rangeMs) / stepMs) + 1) * stepMs; atMs <= endMs; atMs += stepMs) {
      const value = this.at(subquery.of, atMs);
      const samples: readonly Sample[] =
        value.type === 'vector' ? value.samples : value.type === 'scalar' ? [{ labels: {}, value: value.value }] : [];
      this.#touch(samples.length);
      for (const sample of samples) {
        const key = keyOf(sample.labels);
        const series = all.get(key) ?? { labels: sample.labels, times: [], values: [] };
        all.set(key, series);
        series.times.push(atMs);
        series.values.push(sample.value);
      }
    }
    return { type: 'matrix', series: [...all.values()], endMs, rangeMs };
  }

  #call(call: Extract<Expression, { kind: 'call' }>, timeMs: number): Value {
    const [first] = call.args;
    if (call.name === 'timestamp' && first !== undefined) {
      const of = bare(first);
      if (of.kind === 'selector')
        return {
          type: 'vector',
          samples: this.#latest(of, timeMs).map((found) => ({
            labels: withoutName(found.labels),
            value: found.timeMs / 1000,
          })),
        };
      const value = this.at(first, timeMs);
      const samples = value.type === 'vector' ? value.samples : [];
      return {
        type: 'vector',
        samples: samples.map(({ labels }) => ({ labels: withoutName(labels), value: timeMs / 1000 })),
      };
    }
    const args = call.args.map((arg) => this.at(arg, timeMs));
    if (call.name.startsWith('absent') && first !== undefined) return absent(first, args[0]);
    return FUNCTIONS.get(call.name)!.run(args, timeMs);
  }
}

const bare = (expression: Expression): Expression => (expression.kind === 'parens' ? bare(expression.of) : expression);

function negative(value: Value): Value {
  if (value.type === 'scalar') return { type: 'scalar', value: -value.value };
  if (value.type !== 'vector') return value;
  return {
    type: 'vector',
    samples: value.samples.map((sample) => ({ labels: withoutName(sample.labels), value: -sample.value })),
  };
}

/** One sample where there is none, with the labels that the selector names by `=`, each once. */
function absent(selected: Expression, value: Value | undefined): Value {
  const found = value?.type === 'vector' ? value.samples.length : value?.type === 'matrix' ? value.series.length : 0;
  if (found > 0) return { type: 'vector', samples: [] };
  const of = bare(selected);
  const matchers = of.kind === 'selector' ? of.matchers : [];
  const labels = matchers
    .filter(({ name, op }) => op === '=' && name !== '__name__')
    .filter(({ name }, _, all) => all.filter((other) => other.name === name).length === 1)
    .map(({ name, value: wanted }) => [name, wanted] as const);
  return { type: 'vector', samples: [{ labels: Object.fromEntries(labels), value: 1 }] };
}

function unique(value: Value): Value {
  if (value.type !== 'vector') return value;
  if (new Set(value.samples.map(({ labels }) => keyOf(labels))).size < value.samples.length)
    throw new ExecutionError('vector cannot contain metrics with the same labelset');
  return value;
}
