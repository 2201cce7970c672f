import { keyOf, type Labels, only, type Sample } from './values.ts';

/** The quantile of values, interpolated between neighbours. Source: quantile in Prometheus. */
export function quantile(q: number, values: readonly number[]): number {
  if (values.length === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  const sorted = values.toSorted((a, b) => a - b);
  const rank = q * (sorted.length - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(sorted.length - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return sorted[lower]! * (1 - weight) + sorted[upper]! * weight;
}

interface Bucket {
  readonly upper: number;
  readonly count: number;
}

/** `histogram_quantile`: one result for each set of labels without `le`. Samples without a readable `le` are left out. */
export function histogramQuantiles(q: number, samples: readonly Sample[]): Sample[] {
  const groups = new Map<string, { readonly labels: Labels; readonly buckets: Bucket[] }>();
  for (const { labels, value } of samples) {
    const { le } = labels;
    const upper = le === undefined ? Number.NaN : upperBound(le);
    if (Number.isNaN(upper)) continue;
    const rest = only(labels, (name) => name !== 'le' && name !== '__name__');
    const key = keyOf(rest);
    const group = groups.get(key) ?? { labels: rest, buckets: [] };
    groups.set(key, group);
    group.buckets.push({ upper, count: value });
  }
  return [...groups.values()].map(({ labels, buckets }) => ({ labels, value: bucketQuantile(q, buckets) }));
}

const upperBound = (text: string): number =>
  /^\+?Inf$/i.test(text) ? Number.POSITIVE_INFINITY : text === '' ? Number.NaN : Number(text);

/** Source: bucketQuantile in Prometheus. Counts are cumulative. */
function bucketQuantile(q: number, given: readonly Bucket[]): number {
  if (Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  const buckets = growing(joined(given.toSorted((a, b) => a.upper - b.upper)));
  const all = buckets.at(-1);
  if (all === undefined || all.upper !== Number.POSITIVE_INFINITY || buckets.length < 2 || all.count === 0)
    return Number.NaN;
  const rank = q * all.count;
  const found = buckets.slice(0, -1).findIndex(({ count }) => count >= rank);
  // Beyond the last bound nothing is known but that bound.
  if (found < 0) return buckets.at(-2)!.upper;
  const { upper, count } = buckets[found]!;
  const below = buckets[found - 1];
  if (below === undefined && upper <= 0) return upper;
  const [start, before] = below === undefined ? [0, 0] : [below.upper, below.count];
  return start + (upper - start) * ((rank - before) / (count - before));
}

function joined(sorted: readonly Bucket[]): Bucket[] {
  const buckets: Bucket[] = [];
  for (const { upper, count } of sorted) {
    const last = buckets.at(-1);
    if (last?.upper === upper) buckets[buckets.length - 1] = { upper, count: last.count + count };
    else buckets.push({ upper, count });
  }
  return buckets;
}

/** Rates of buckets that were read at different moments may fall a little: a count is never below the one before. */
function growing(buckets: readonly Bucket[]): Bucket[] {
  let most = Number.NEGATIVE_INFINITY;
  return buckets.map(({ upper, count }) => {
    if (count > most) most = count;
    return { upper, count: most };
  });
}
