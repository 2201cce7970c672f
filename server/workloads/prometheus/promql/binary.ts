import { type Binary, COMPARISONS, type Matching } from './expression.ts';
import {
  ExecutionError,
  isNamed,
  keyOf,
  type Labels,
  only,
  type Sample,
  type Value,
  withLabel,
  withoutName,
  written,
} from './values.ts';

const CALCULATE: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': (a, b) => a ** b,
  atan2: Math.atan2,
};

const COMPARE: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

/** What an operator makes of two numbers; undefined: a comparison drops the pair. */
function combined({ op, bool }: Binary, a: number, b: number, kept: number): number | undefined {
  const compare = COMPARE[op];
  if (compare === undefined) return CALCULATE[op]!(a, b);
  const holds = compare(a, b);
  return bool ? Number(holds) : holds ? kept : undefined;
}

const losesName = ({ op, bool }: Binary): boolean => bool || !COMPARISONS.has(op);

/** Source: VectorBinop, VectorAnd, VectorOr and VectorUnless in Prometheus. */
export function runBinary(binary: Binary, left: Value, right: Value): Value {
  if (left.type === 'scalar' && right.type === 'scalar')
    return { type: 'scalar', value: combined(binary, left.value, right.value, left.value) ?? Number.NaN };
  if (left.type === 'vector' && right.type === 'vector')
    return { type: 'vector', samples: ofVectors(binary, left.samples, right.samples) };
  const [samples, scalar, swapped] =
    left.type === 'vector'
      ? [left.samples, right, false]
      : right.type === 'vector'
        ? [right.samples, left, true]
        : [[], left, false];
  const number = scalar.type === 'scalar' ? scalar.value : Number.NaN;
  return {
    type: 'vector',
    samples: samples.flatMap(({ labels, value }) => {
      const result = swapped ? combined(binary, number, value, value) : combined(binary, value, number, value);
      return result === undefined ? [] : [{ labels: losesName(binary) ? withoutName(labels) : labels, value: result }];
    }),
  };
}

/** The labels by which samples of both sides find each other. */
const matchingLabels = ({ on, labels }: Matching, of: Labels): Labels => {
  const named = new Set(labels);
  return only(of, (name) => (on ? named.has(name) : isNamed(name) && !named.has(name)));
};

function ofVectors(binary: Binary, left: readonly Sample[], right: readonly Sample[]): readonly Sample[] {
  const { op, matching } = binary;
  const key = ({ labels }: Sample): string => keyOf(matchingLabels(matching, labels));
  if (op === 'and' || op === 'unless') {
    const others = new Set(right.map(key));
    return left.filter((sample) => others.has(key(sample)) === (op === 'and'));
  }
  if (op === 'or') {
    const first = new Set(left.map(key));
    return [...left, ...right.filter((sample) => !first.has(key(sample)))];
  }
  return matching.group === 'right' ? matched(binary, right, left) : matched(binary, left, right);
}

/** `many` is the left side unless the right one is grouped. */
function matched(binary: Binary, many: readonly Sample[], one: readonly Sample[]): readonly Sample[] {
  const { matching } = binary;
  const ones = new Map<string, Sample>();
  for (const sample of one) {
    const labels = matchingLabels(matching, sample.labels);
    const twin = ones.get(keyOf(labels));
    if (twin !== undefined) throw manyToMany(labels, [twin, sample], matching.group === 'right' ? 'left' : 'right');
    ones.set(keyOf(labels), sample);
  }
  const results = new Map<string, Sample>();
  const taken = new Set<string>();
  for (const sample of many) {
    const key = keyOf(matchingLabels(matching, sample.labels));
    const other = ones.get(key);
    if (other === undefined) continue;
    const swapped = matching.group === 'right';
    const [a, b] = swapped ? [other.value, sample.value] : [sample.value, other.value];
    const value = combined(binary, a, b, a);
    if (value === undefined) continue;
    const labels = resultLabels(binary, sample.labels, other.labels);
    if (matching.group === undefined && taken.has(key))
      throw new ExecutionError(
        'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
      );
    taken.add(key);
    if (results.has(keyOf(labels)))
      throw new ExecutionError('multiple matches for labels: grouping labels must ensure unique matches');
    results.set(keyOf(labels), { labels, value });
  }
  return [...results.values()];
}

function manyToMany(labels: Labels, [first, second]: readonly [Sample, Sample], side: string): ExecutionError {
  return new ExecutionError(
    `found duplicate series for the match group ${written(labels)} on the ${side} hand-side of the operation: [${written(second.labels)}, ${written(first.labels)}];many-to-many matching not allowed: matching labels must be unique on one side`,
  );
}

function resultLabels(binary: Binary, of: Labels, other: Labels): Labels {
  const { on, labels, group, include } = binary.matching;
  const named = new Set(labels);
  const base = losesName(binary) ? withoutName(of) : of;
  if (group === undefined) return only(base, (name) => named.has(name) === on);
  return include.reduce((all, name) => withLabel(all, name, other[name] ?? ''), base);
}
