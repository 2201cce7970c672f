/** The upper median of a list that is not empty. */
export function medianBy<T>(list: readonly T[], figure: (one: T) => number): T {
  const sorted = [...list].sort((a, b) => figure(a) - figure(b));
  return sorted[Math.floor(sorted.length / 2)]!;
}

export const median = (list: readonly number[]): number => medianBy(list, (one) => one);

/** Nearest rank of a sorted list; NaN where it is empty. */
export const percentile = (sorted: readonly number[], percent: number): number =>
  sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
