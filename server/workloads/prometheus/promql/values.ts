/** A set of labels; the metric's name is `__name__`. Absent and empty are the same, so none is ever empty. */
export type Labels = Readonly<Record<string, string>>;

/** One series at one moment. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** One series over a time. Times are milliseconds since 1970. */
export interface Points {
  readonly labels: Labels;
  readonly times: readonly number[];
  readonly values: readonly number[];
}

export type Value =
  | { readonly type: 'scalar'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'vector'; readonly samples: readonly Sample[] }
  | {
      readonly type: 'matrix';
      readonly series: readonly Points[];
      /** Where the window ends, and how long it is. */
      readonly endMs: number;
      readonly rangeMs: number;
    };

/** A query was understood and cannot be answered. */
export class ExecutionError extends Error {}

const byName = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : a > b ? 1 : 0);

/** Equal for equal sets. */
export const keyOf = (labels: Labels): string => JSON.stringify(Object.entries(labels).sort(byName));

export const isNamed = (name: string): boolean => name !== '__name__';

/** The labels whose names `keeps` picks. */
export const only = (labels: Labels, keeps: (name: string) => boolean): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => keeps(name)));

export const withoutName = (labels: Labels): Labels => only(labels, isNamed);

/** An empty value removes the label. */
export function withLabel(labels: Labels, name: string, value: string): Labels {
  if (value !== '') return { ...labels, [name]: value };
  return name in labels ? only(labels, (each) => each !== name) : labels;
}

/** `{__name__="up", job="mesh"}`, as Prometheus writes series in its messages. */
export const written = (labels: Labels): string =>
  `{${Object.entries(labels)
    .sort(byName)
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
    .join(', ')}}`;

/** As Go writes a float64: the shortest text, an exponent only where Prometheus has one. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}
