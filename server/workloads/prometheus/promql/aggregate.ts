import type { Aggregation } from './expression.ts';
import { FOLDS } from './functions.ts';
import { quantile } from './quantiles.ts';
import { ExecutionError, floatText, isNamed, keyOf, type Labels, only, type Sample, withLabel } from './values.ts';

interface Group {
  readonly labels: Labels;
  readonly samples: Sample[];
}

/** `sum by (…)` and its kin. `parameter` is the number of topk, bottomk and quantile, or the label of count_values. */
export function aggregate(aggregation: Aggregation, samples: readonly Sample[], parameter: number | string): Sample[] {
  const { op } = aggregation;
  const groups = groupsOf(aggregation, samples);
  if (op === 'topk' || op === 'bottomk') return groups.flatMap((group) => best(group, Number(parameter), op));
  if (op === 'count_values') return groups.flatMap((group) => countValues(group, String(parameter)));
  if (op === 'quantile')
    return groups.map(({ labels, samples: own }) => ({ labels, value: quantile(Number(parameter), valuesOf(own)) }));
  const fold = FOLDS[op as keyof typeof FOLDS];
  return groups.map(({ labels, samples: own }) => ({ labels, value: fold(valuesOf(own)) }));
}

const valuesOf = (samples: readonly Sample[]): number[] => samples.map(({ value }) => value);

function groupsOf({ labels: names, without }: Aggregation, samples: readonly Sample[]): Group[] {
  const named = new Set(names);
  const groups = new Map<string, Group>();
  for (const sample of samples) {
    const labels = only(sample.labels, (name) => (without ? isNamed(name) && !named.has(name) : named.has(name)));
    const key = keyOf(labels);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { labels, samples: [sample] });
    else group.samples.push(sample);
  }
  return [...groups.values()];
}

function best({ samples }: Group, count: number, op: 'topk' | 'bottomk'): Sample[] {
  if (!(count >= 1)) return [];
  const sign = op === 'topk' ? -1 : 1;
  const order = samples.toSorted(({ value: a }, { value: b }) =>
    Number.isNaN(a) || Number.isNaN(b) ? Number(Number.isNaN(a)) - Number(Number.isNaN(b)) : sign * (a - b),
  );
  return order.slice(0, Math.trunc(count));
}

function countValues({ labels, samples }: Group, label: string): Sample[] {
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label)) throw new ExecutionError(`invalid label name "${label}"`);
  const counts = new Map<string, number>();
  for (const { value } of samples) counts.set(floatText(value), (counts.get(floatText(value)) ?? 0) + 1);
  return [...counts].map(([value, count]) => ({ labels: withLabel(labels, label, value), value: count }));
}
