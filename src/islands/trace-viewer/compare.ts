import type { RequestView, SpanView } from '#contract';
import { labelOf } from './waterfall.ts';

/** The same span in two traces; absent where only one has it. */
export interface SpanPair {
  key: string;
  label: string;
  kind: SpanView['kind'];
  one: SpanView | undefined;
  other: SpanView | undefined;
}

/** Pairs spans by what they do and in which order they come: the second call to ratings with the second call to ratings. */
export function pairSpans(one: readonly SpanView[], other: readonly SpanView[]): SpanPair[] {
  const keyed = (spans: readonly SpanView[]): Map<string, SpanView> => {
    const counts = new Map<string, number>();
    return new Map(
      spans.map((span) => {
        const name = `${span.kind} ${span.service} ${span.operation}`;
        const count = (counts.get(name) ?? 0) + 1;
        counts.set(name, count);
        return [`${name} ${count}`, span];
      }),
    );
  };
  const [left, right] = [keyed(one), keyed(other)];
  const keys = [...left.keys(), ...[...right.keys()].filter((key) => !left.has(key))];
  return keys.map((key) => {
    const [mine, theirs] = [left.get(key), right.get(key)];
    const any = mine ?? theirs;
    return { key, label: any ? labelOf(any) : key, kind: any?.kind ?? 'client', one: mine, other: theirs };
  });
}

/** Requests of the same kind as the open one, newest first: between the same services, to the same path. */
export function likeIt(requests: readonly RequestView[], open: RequestView, most = 40): RequestView[] {
  const path = (text: string): string => text.split('?')[0] ?? '';
  return requests
    .filter(
      (one) =>
        one.id !== open.id &&
        one.source === open.source &&
        one.destination === open.destination &&
        path(one.path) === path(open.path),
    )
    .slice(-most)
    .reverse();
}
