import { didYouMean } from '#istio';

type Labels = Readonly<Record<string, string>>;

/** The label of a selector that a workload does not have. */
export interface SelectorMisfit {
  readonly key: string;
  readonly reason: string;
}

/**
 * Whether a selector that does not fit a workload was meant for it all the same: one label alone keeps it away, and that one is
 * misspelt or has the value under another name. Undefined: it fits, or is for others.
 */
export function looksMeant(wanted: Labels, labels: Labels): SelectorMisfit | undefined {
  const misfits = Object.entries(wanted).filter(([key, value]) => labels[key] !== value);
  const [only] = misfits;
  if (only === undefined || misfits.length > 1) return undefined;
  const [key, value] = only;
  const own = labels[key];
  if (own !== undefined) {
    const isNear = didYouMean(value, [own]) !== undefined;
    return isNear ? { key, reason: `selects ${key}: ${value}, this workload has ${key}: ${own}` } : undefined;
  }
  const [twin] = Object.entries(labels).find(([, text]) => text === value) ?? [];
  return twin === undefined
    ? undefined
    : { key, reason: `selects ${key}: ${value}, this workload has ${twin}: ${value}` };
}
