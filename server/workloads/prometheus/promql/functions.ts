import { RE2JS } from 're2js';
import { countSteps, extrapolated, fittedLine, lastGrowth } from './counters.ts';
import type { ValueType } from './expression.ts';
import { histogramQuantiles, quantile } from './quantiles.ts';
import { ExecutionError, type Points, type Sample, type Value, withLabel, withoutName } from './values.ts';

/** A function of PromQL: what it takes and gives, and how. */
export interface PromFunction {
  readonly takes: readonly ValueType[];
  /** How many of the last may be left out. */
  readonly optional?: number;
  /** The last may come again. */
  readonly endless?: boolean;
  readonly gives: ValueType;
  /** `timeMs` is the moment of the evaluation. */
  run(args: readonly Value[], timeMs: number): Value;
}

const vector = (samples: readonly Sample[]): Value => ({ type: 'vector', samples });
const numberOf = (value: Value | undefined): number => (value?.type === 'scalar' ? value.value : Number.NaN);
const textOf = (value: Value | undefined): string => (value?.type === 'string' ? value.value : '');
const samplesOf = (value: Value | undefined): readonly Sample[] => (value?.type === 'vector' ? value.samples : []);

type Matrix = Extract<Value, { type: 'matrix' }>;

/** One value for each series of a window; undefined: none. The window is the last argument. */
const overWindow = (
  takes: readonly ValueType[],
  read: (series: Points, window: Matrix, args: readonly Value[]) => number | undefined,
  keepsName = false,
): PromFunction => ({
  takes,
  gives: 'instant vector',
  run: (args) => {
    const window = args.find((arg) => arg.type === 'matrix') as Matrix;
    return vector(
      window.series.flatMap((series) => {
        const value = series.times.length === 0 ? undefined : read(series, window, args);
        return value === undefined ? [] : [{ labels: keepsName ? series.labels : withoutName(series.labels), value }];
      }),
    );
  },
});

const growth = (how: { readonly counter: boolean; readonly perSecond: boolean }): PromFunction =>
  overWindow(['range vector'], (series, { endMs, rangeMs }) => extrapolated({ series, endMs, rangeMs }, how));

const ofWindow = (read: (values: readonly number[]) => number): PromFunction =>
  overWindow(['range vector'], ({ values }) => read(values));

/** The same sum of each sample. */
const eachSample = (
  calculate: (value: number, ...parameters: number[]) => number,
  parameters = 0,
  optional = 0,
): PromFunction => ({
  takes: ['instant vector', ...Array.from({ length: parameters }, () => 'scalar' as const)],
  optional,
  gives: 'instant vector',
  run: ([of, ...rest]) =>
    vector(
      samplesOf(of).map(({ labels, value }) => ({
        labels: withoutName(labels),
        value: calculate(value, ...rest.map(numberOf)),
      })),
    ),
});

const sorted = (compare: (a: number, b: number) => number): PromFunction => ({
  takes: ['instant vector'],
  gives: 'instant vector',
  run: ([of]) =>
    vector(
      samplesOf(of).toSorted(({ value: a }, { value: b }) =>
        Number.isNaN(a) || Number.isNaN(b) ? Number(Number.isNaN(a)) - Number(Number.isNaN(b)) : compare(a, b),
      ),
    ),
});

/** A part of the evaluation's time in UTC, or of the time that a sample's value is. */
const calendar = (read: (date: Date) => number): PromFunction => ({
  takes: ['instant vector'],
  optional: 1,
  gives: 'instant vector',
  run: ([of], timeMs) =>
    vector(
      of === undefined
        ? [{ labels: {}, value: read(new Date(timeMs)) }]
        : samplesOf(of).map(({ labels, value }) => ({
            labels: withoutName(labels),
            value: read(new Date(value * 1000)),
          })),
    ),
});

const sum = (values: readonly number[]): number => {
  let [total, lost] = [0, 0];
  for (const value of values) {
    const next = total + value;
    lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total;
    total = next;
  }
  return Number.isFinite(total) ? total + lost : total;
};
const average = (values: readonly number[]): number => sum(values) / values.length;
const variance = (values: readonly number[]): number => {
  const mean = average(values);
  return average(values.map((value) => (value - mean) ** 2));
};
/** NaN counts only when there is nothing else. */
const extreme = (values: readonly number[], better: (a: number, b: number) => boolean): number =>
  values.reduce((best, value) => (Number.isNaN(best) || better(value, best) ? value : best));

/** What aggregations over series and over time share. */
export const FOLDS = {
  sum,
  avg: average,
  min: (values: readonly number[]) => extreme(values, (a, b) => a < b),
  max: (values: readonly number[]) => extreme(values, (a, b) => a > b),
  count: (values: readonly number[]) => values.length,
  group: () => 1,
  stddev: (values: readonly number[]) => Math.sqrt(variance(values)),
  stdvar: variance,
} as const;

export function compileRegex(text: string, context: string): RE2JS {
  try {
    return RE2JS.compile(`^(?s:${text})$`);
  } catch {
    throw new ExecutionError(`invalid regular expression in ${context}: ${text}`);
  }
}

const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

function checkLabel(name: string, context: string): void {
  if (!LABEL.test(name)) throw new ExecutionError(`invalid destination label name in ${context}: ${name}`);
}

/** `$1`, `${1}`, `$$` of Go's templates. */
export function expanded(template: string, groups: readonly string[]): string {
  return template.replaceAll(/\$(?:\$|(\d+)|\{(\d+)\}|\w+|\{\w+\})/g, (whole, bare?: string, braced?: string) =>
    whole === '$$' ? '$' : (groups[Number(bare ?? braced ?? Number.NaN)] ?? ''),
  );
}

/** The groups of a whole match, the match itself first. */
export function groupsOf(regex: RE2JS, text: string): string[] | undefined {
  const matcher = regex.matcher(text);
  if (!matcher.find()) return undefined;
  return Array.from({ length: matcher.groupCount() + 1 }, (_, i) => matcher.group(i) ?? '');
}

const labelReplace: PromFunction['run'] = ([of, target, template, source, pattern]) => {
  const regex = compileRegex(textOf(pattern), 'label_replace()');
  checkLabel(textOf(target), 'label_replace()');
  return vector(
    samplesOf(of).map((sample) => {
      const groups = groupsOf(regex, sample.labels[textOf(source)] ?? '');
      if (groups === undefined) return sample;
      return { ...sample, labels: withLabel(sample.labels, textOf(target), expanded(textOf(template), groups)) };
    }),
  );
};

const labelJoin: PromFunction['run'] = ([of, target, separator, ...sources]) => {
  checkLabel(textOf(target), 'label_join()');
  return vector(
    samplesOf(of).map((sample) => {
      const joined = sources.map((source) => sample.labels[textOf(source)] ?? '').join(textOf(separator));
      return { ...sample, labels: withLabel(sample.labels, textOf(target), joined) };
    }),
  );
};

/** Rounds to the nearest multiple, halves upwards. */
const round = (value: number, to = 1): number => {
  const inverse = 1 / to;
  return Math.floor(value * inverse + 0.5) / inverse;
};

/** `absent` is answered by the evaluation, which knows the selector. */
const nothing: PromFunction['run'] = () => vector([]);

const LIST: readonly (readonly [string, PromFunction])[] = [
  ['rate', growth({ counter: true, perSecond: true })],
  ['increase', growth({ counter: true, perSecond: false })],
  ['delta', growth({ counter: false, perSecond: false })],
  ['irate', overWindow(['range vector'], (series) => lastGrowth(series, { perSecond: true }))],
  ['idelta', overWindow(['range vector'], (series) => lastGrowth(series, { perSecond: false }))],
  [
    'deriv',
    overWindow(['range vector'], (series) =>
      series.times.length < 2 ? undefined : fittedLine(series, series.times[0]!).slope,
    ),
  ],
  [
    'predict_linear',
    overWindow(['range vector', 'scalar'], (series, { endMs }, [, ahead]) => {
      if (series.times.length < 2) return undefined;
      const { slope, value } = fittedLine(series, endMs);
      return slope * numberOf(ahead) + value;
    }),
  ],
  [
    'changes',
    overWindow(['range vector'], (series) =>
      countSteps(series, (a, b) => a !== b && !(Number.isNaN(a) && Number.isNaN(b))),
    ),
  ],
  ['resets', overWindow(['range vector'], (series) => countSteps(series, (a, b) => b < a))],
  ...(['sum', 'avg', 'min', 'max', 'count', 'stddev', 'stdvar'] as const).map(
    (name) => [`${name}_over_time`, ofWindow(FOLDS[name])] as const,
  ),
  ['present_over_time', ofWindow(() => 1)],
  ['last_over_time', overWindow(['range vector'], ({ values }) => values.at(-1), true)],
  ['quantile_over_time', overWindow(['scalar', 'range vector'], ({ values }, _, [q]) => quantile(numberOf(q), values))],
  [
    'histogram_quantile',
    {
      takes: ['scalar', 'instant vector'],
      gives: 'instant vector',
      run: ([q, of]) => vector(histogramQuantiles(numberOf(q), samplesOf(of))),
    },
  ],
  ['abs', eachSample(Math.abs)],
  ['ceil', eachSample(Math.ceil)],
  ['floor', eachSample(Math.floor)],
  ['exp', eachSample(Math.exp)],
  ['ln', eachSample(Math.log)],
  ['log2', eachSample(Math.log2)],
  ['log10', eachSample(Math.log10)],
  ['sqrt', eachSample(Math.sqrt)],
  ['sgn', eachSample(Math.sign)],
  ['round', eachSample(round, 1, 1)],
  ['clamp', eachSample((value, low = 0, high = 0) => Math.max(low, Math.min(high, value)), 2)],
  ['clamp_min', eachSample((value, low = 0) => Math.max(low, value), 1)],
  ['clamp_max', eachSample((value, high = 0) => Math.min(high, value), 1)],
  ['sort', sorted((a, b) => a - b)],
  ['sort_desc', sorted((a, b) => b - a)],
  [
    'label_replace',
    { takes: ['instant vector', 'string', 'string', 'string', 'string'], gives: 'instant vector', run: labelReplace },
  ],
  [
    'label_join',
    {
      takes: ['instant vector', 'string', 'string', 'string'],
      optional: 1,
      endless: true,
      gives: 'instant vector',
      run: labelJoin,
    },
  ],
  ['time', { takes: [], gives: 'scalar', run: (_, timeMs) => ({ type: 'scalar', value: timeMs / 1000 }) }],
  [
    'vector',
    { takes: ['scalar'], gives: 'instant vector', run: ([value]) => vector([{ labels: {}, value: numberOf(value) }]) },
  ],
  [
    'scalar',
    {
      takes: ['instant vector'],
      gives: 'scalar',
      run: ([of]) => {
        const [first, second] = samplesOf(of);
        return { type: 'scalar', value: first === undefined || second !== undefined ? Number.NaN : first.value };
      },
    },
  ],
  // The evaluation hands it the times of the samples as their values.
  ['timestamp', eachSample((value) => value)],
  ['absent', { takes: ['instant vector'], gives: 'instant vector', run: nothing }],
  ['absent_over_time', { takes: ['range vector'], gives: 'instant vector', run: nothing }],
  ['minute', calendar((date) => date.getUTCMinutes())],
  ['hour', calendar((date) => date.getUTCHours())],
  ['day_of_week', calendar((date) => date.getUTCDay())],
  ['day_of_month', calendar((date) => date.getUTCDate())],
  ['month', calendar((date) => date.getUTCMonth() + 1)],
  ['year', calendar((date) => date.getUTCFullYear())],
];

/** By name. */
export const FUNCTIONS: ReadonlyMap<string, PromFunction> = new Map(LIST);
