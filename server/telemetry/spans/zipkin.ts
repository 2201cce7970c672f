import type { SpanNote } from '#domain';
import type { Span } from './span.ts';

/** Client received, server sent. */
const ENDS = { CLIENT: 'cr', SERVER: 'ss' } as const;

/** Zipkin writes ids of 64 bits without the half that is 0. */
const HIGH_HALF = /^0{16}/;

const noteOf = ({ atMs, value }: SpanNote): object => ({ timestamp: Math.round(atMs * 1000), value });

/** A list of spans in Zipkin's v2 JSON format. Times are microseconds. `ip`: of the proxy that sends them, which names no port either in Envoy. */
export function zipkinBody(spans: readonly Span[], ip?: string): string {
  return JSON.stringify(
    spans.map((span) => ({
      traceId: span.traceId.replace(HIGH_HALF, ''),
      id: span.spanId,
      ...(span.parentSpanId !== undefined && { parentId: span.parentSpanId }),
      kind: span.kind,
      name: span.zipkinName,
      ...(span.shared === true && { shared: true }),
      timestamp: Math.round(span.startMs * 1000),
      // Zipkin takes no span without a length.
      duration: Math.max(1, Math.round(span.durationMs * 1000)),
      localEndpoint: { serviceName: span.service, ...(ip !== undefined && { ipv4: ip, port: 0 }) },
      annotations: [...span.notes, { atMs: span.startMs + span.durationMs, value: ENDS[span.kind] }].map(noteOf),
      tags: Object.fromEntries(Object.entries(span.tags).filter(([, value]) => value !== '')),
    })),
  );
}
