/** PromQL as a tree. Times are milliseconds. */

export type ValueType = 'scalar' | 'instant vector' | 'range vector' | 'string';

export interface Matcher {
  readonly name: string;
  readonly op: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

/** `@ 1700000000`, `@ start()`. */
export type FixedTime = number | 'start' | 'end';

export interface Shift {
  readonly offsetMs: number;
  readonly fixed?: FixedTime;
}

export interface Selector extends Shift {
  readonly kind: 'selector';
  readonly at: number;
  readonly matchers: readonly Matcher[];
  /** Present in a range selector. */
  readonly rangeMs?: number;
}

export interface Subquery extends Shift {
  readonly kind: 'subquery';
  readonly at: number;
  readonly of: Expression;
  readonly rangeMs: number;
  /** Undefined: the evaluation interval. */
  readonly stepMs: number | undefined;
}

export interface Call {
  readonly kind: 'call';
  readonly at: number;
  readonly name: string;
  readonly args: readonly Expression[];
}

export interface Aggregation {
  readonly kind: 'aggregation';
  readonly at: number;
  readonly op: string;
  readonly of: Expression;
  readonly parameter: Expression | undefined;
  readonly labels: readonly string[];
  readonly without: boolean;
}

export interface Matching {
  readonly on: boolean;
  readonly labels: readonly string[];
  readonly group?: 'left' | 'right';
  /** Labels of the one side that the many side's results get. */
  readonly include: readonly string[];
}

export interface Binary {
  readonly kind: 'binary';
  readonly at: number;
  readonly op: string;
  /** Where the operator stands. */
  readonly opAt: number;
  readonly left: Expression;
  readonly right: Expression;
  readonly bool: boolean;
  readonly matching: Matching;
}

export type Expression =
  | { readonly kind: 'number'; readonly at: number; readonly value: number }
  | { readonly kind: 'string'; readonly at: number; readonly value: string }
  | { readonly kind: 'negative'; readonly at: number; readonly of: Expression }
  | { readonly kind: 'parens'; readonly at: number; readonly of: Expression }
  | Selector
  | Subquery
  | Call
  | Aggregation
  | Binary;

export const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<=', '<', '>=', '>']);
export const SET_OPERATORS: ReadonlySet<string> = new Set(['and', 'or', 'unless']);
