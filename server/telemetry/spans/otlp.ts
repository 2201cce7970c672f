import { flagsOf, isOtlpError, resourceOf, SCOPE, STATUS_ERROR } from './otlp-facts.ts';
import type { Span } from './span.ts';

const KINDS = { SERVER: 2, CLIENT: 3 } as const;
const attribute = (key: string, value: string): object => ({ key, value: { stringValue: value } });

const nanos = (ms: number): string => String(BigInt(Math.round(ms * 1000)) * 1000n);

/** An ExportTraceServiceRequest in OTLP's JSON encoding (opentelemetry-proto, trace/v1): one resource a service. */
export function otlpBody(spans: readonly Span[]): string {
  const byService = Map.groupBy(spans, ({ service }) => service);
  return JSON.stringify({
    resourceSpans: [...byService].map(([service, own]) => ({
      resource: { attributes: Object.entries(resourceOf(service)).map(([key, value]) => attribute(key, value)) },
      scopeSpans: [{ scope: SCOPE, spans: own.map(otlpSpan) }],
    })),
  });
}

function otlpSpan(span: Span): object {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.traceState !== '' && { traceState: span.traceState }),
    ...(span.parentSpanId !== undefined && { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: KINDS[span.kind],
    startTimeUnixNano: nanos(span.startMs),
    endTimeUnixNano: nanos(span.startMs + span.durationMs),
    attributes: Object.entries(span.tags).map(([key, value]) => attribute(key, value)),
    ...(span.notes.length > 0 && {
      events: span.notes.map(({ atMs, value }) => ({ timeUnixNano: nanos(atMs), name: value })),
    }),
    status: isOtlpError(span) ? { code: STATUS_ERROR } : {},
    flags: flagsOf(span),
  };
}
