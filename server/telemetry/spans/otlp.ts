import type { Span } from './span.ts';

const KINDS = { SERVER: 2, CLIENT: 3 } as const;
const STATUS_ERROR = 2;

const attribute = (key: string, value: string): object => ({ key, value: { stringValue: value } });

const nanos = (ms: number): string => String(BigInt(Math.round(ms * 1000)) * 1000n);

/** An ExportTraceServiceRequest in OTLP's JSON encoding (opentelemetry-proto, trace/v1): one resource a service. */
export function otlpBody(spans: readonly Span[]): string {
  const byService = Map.groupBy(spans, ({ service }) => service);
  return JSON.stringify({
    resourceSpans: [...byService].map(([service, own]) => ({
      resource: { attributes: [attribute('service.name', service)] },
      scopeSpans: [{ scope: { name: 'meshwork' }, spans: own.map(otlpSpan) }],
    })),
  });
}

function otlpSpan(span: Span): object {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId !== undefined && { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: KINDS[span.kind],
    startTimeUnixNano: nanos(span.startMs),
    endTimeUnixNano: nanos(span.startMs + span.durationMs),
    attributes: Object.entries(span.tags).map(([key, value]) => attribute(key, value)),
    status: span.failed ? { code: STATUS_ERROR } : {},
  };
}
