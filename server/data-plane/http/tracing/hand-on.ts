import type { Exchange } from '../exchange.ts';
import type { Headers } from '../headers.ts';
import { type SpanContext, writeSpan } from '../trace-context.ts';
import type { CallSpans, TrySpan } from './call-spans.ts';
import { tellSpan } from './propagation.ts';

/**
 * Hands a span of an exchange on, in the headers of its tracer. Unlike Envoy, which leaves the headers alone where spans are sent nowhere, in
 * all forms then, so that the lab joins the hops of a request.
 */
export function handOn(exchange: Exchange, headers: Headers, span: SpanContext): void {
  if (exchange.config.tracing?.propagates !== false) handToCopy(exchange, headers, span);
}

/** A copy of a request is told of its trace even where the request itself is not. */
export function handToCopy({ config, entrySpanId }: Exchange, headers: Headers, span: SpanContext): void {
  if (span.untouched === true) return;
  const propagation = config.tracing?.tracer?.propagation;
  const told = entrySpanId === '' ? span : { ...span, parentSpanId: entrySpanId };
  if (propagation === undefined) writeSpan(headers, told);
  else tellSpan(headers, told, propagation);
}

/** The span of the next try: it takes the place of the one before as the parent of what the host does. */
export function beginTry(exchange: Exchange, calls: CallSpans): TrySpan {
  const span = calls.begin(exchange.info.upstreamHost, exchange.span.spanId);
  if (span.spanId !== exchange.span.spanId) {
    exchange.span = { ...exchange.span, spanId: span.spanId };
    handOn(exchange, exchange.head.headers, exchange.span);
  }
  return span;
}
