import type { BootstrapSettings } from '../doors.ts';
import { BUCKET_BOUNDS } from './histogram.ts';
import { extractTags, type TaggedName, tagReader } from './tags.ts';

/** How a proxy's figures are told, as its bootstrap says. */
export interface StatsForm {
  readonly tagsOf: (dotted: string) => TaggedName;
  /** Bounds of the buckets of a histogram. */
  readonly boundsOf: (name: string) => readonly number[];
}

/** Of a proxy for which nobody has said anything. */
export const PLAIN_FORM: StatsForm = { tagsOf: extractTags, boundsOf: () => BUCKET_BOUNDS };

export function statsForm({ extraStatTags, histogramBounds = [] }: BootstrapSettings = {}): StatsForm {
  const boundsOf = (name: string): readonly number[] =>
    histogramBounds.find(({ prefix }) => name.startsWith(prefix))?.bounds ?? BUCKET_BOUNDS;
  return { tagsOf: tagReader(extraStatTags), boundsOf };
}
