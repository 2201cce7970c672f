import type { EventView } from '#contract';

export const sources = [
  ['all', 'All'],
  ['warnings', 'Warnings'],
  ['kubernetes', 'Kubernetes'],
  ['lab', 'Lab'],
] as const;
export type EventSource = (typeof sources)[number][0];

export interface EventFilter {
  source: EventSource;
  /** Words that must all stand in the row. */
  words: string;
}

/** Reads `warnings/reviews` from the address. */
export function readFilter(show: string | undefined): EventFilter {
  const [source = '', ...words] = (show ?? '').split('/');
  return { source: sources.find(([key]) => key === source)?.[0] ?? 'all', words: words.join('/') };
}

export const writeFilter = ({ source, words }: EventFilter): string => (words === '' ? source : `${source}/${words}`);

/** Events of the filter, up to a moment in the past. */
export function eventsOf(events: readonly EventView[], { source, words }: EventFilter, atMs?: number): EventView[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return events
    .filter(({ atMs: at }) => atMs === undefined || at <= atMs)
    .filter(
      ({ source: own, type }) => source === 'all' || (source === 'warnings' ? type === 'Warning' : own === source),
    )
    .filter(({ reason, object, message, by, namespace }) => {
      const text = [reason, object, message, by, namespace].join(' ').toLowerCase();
      return wanted.every((word) => text.includes(word));
    });
}
