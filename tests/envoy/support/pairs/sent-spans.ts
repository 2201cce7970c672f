import type { Arrived } from './hosts.ts';

/** A span as Zipkin's JSON has it. */
export interface SentSpan {
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly shared?: boolean;
  readonly kind: string;
  readonly name: string;
  readonly timestamp: number;
  readonly duration: number;
  readonly annotations: readonly { readonly timestamp: number; readonly value: string }[];
  readonly tags: Readonly<Record<string, string>>;
}

/** Spans of each request of a case, as they came. */
export type SentTraces = ReadonlyMap<string, readonly SentSpan[]>;

/** What collectors were sent by one proxy about the requests whose agent begins so, by the rest of its name. */
export function tracesFrom(arrived: readonly Arrived[], beginning: string): SentTraces {
  // Requests of both may belong to one trace; what is sent at once is of one proxy.
  const own = arrived.filter(({ body }) => body.includes(beginning));
  const spans = own.flatMap(({ body }) => JSON.parse(body) as SentSpan[]);
  const named = spans.flatMap(({ traceId, tags }): [string, string][] => {
    const agent = tags['user_agent'];
    return agent?.startsWith(beginning) ? [[agent.slice(beginning.length), traceId]] : [];
  });
  return new Map(
    named.map(([agent, traceId]) => [agent, spans.filter((span) => span.traceId === traceId).toSorted(byCopies)]),
  );
}

type Named = Pick<SentSpan, 'name' | 'tags'>;
const copyOf = ({ name, tags }: Named): string => (name === 'mirror' ? (tags['upstream_cluster'] ?? '') : '');

/** Copies of a request race with it, so they come last. */
export const byCopies = (a: Named, b: Named): number => copyOf(a).localeCompare(copyOf(b));

/** Tags that tell which of the two proxies it was. */
const OWN = /^(guid:x-request-id|user_agent|node_id|zone|peer\.address)$/;
/** Without times, and ids by their order. */
export const comparableTraces = (traces: SentTraces): object =>
  Object.fromEntries(
    [...traces].map(([agent, spans]) => [
      agent,
      spans.map(({ kind, name, parentId, shared, tags, annotations }) => ({
        kind,
        name,
        shared,
        parent: spans.findIndex(({ id }) => id === parentId),
        annotations: annotations.map(({ value }) => value),
        tags: Object.fromEntries(Object.entries(tags).filter(([tag]) => !OWN.test(tag))),
      })),
    ]),
  );

/** Notes of a span that do not lie between its beginning and its end, by more than a microsecond that rounding may take. */
export const notesOutOfTime = (traces: SentTraces): string[] =>
  [...traces.values()]
    .flat()
    .flatMap(({ annotations, duration, name, timestamp }) =>
      annotations
        .filter(({ timestamp: at }) => at < timestamp - 1 || at > timestamp + duration + 1)
        .map(({ value }) => `${name}: ${value}`),
    );
