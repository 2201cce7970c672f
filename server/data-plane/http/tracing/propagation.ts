import type { Random } from '#domain';
import type { Headers } from '../headers.ts';
import { NO_SPAN, NO_TRACE, newSpanId, newTraceId, type SpanContext } from '../trace-context.ts';

/** In which headers a tracer looks for a trace, and hands it on. */
export type Propagation = 'b3' | 'b3-w3c' | 'w3c';

/** What of a tracer's configuration concerns headers. */
export interface Tracer {
  readonly propagation: Propagation;
  /** Ids of new traces have 64 bits. */
  readonly shortTraceIds: boolean;
  /** A server's span has the id of the client's. */
  readonly sharesSpans: boolean;
}

interface Incoming {
  /** Undefined: only a decision came. */
  readonly traceId?: string;
  readonly spanId?: string;
  readonly parentSpanId?: string | undefined;
  readonly sampled?: boolean | undefined;
  readonly traceState?: string;
}

/** Headers that are meant to tell of a trace and cannot be read. */
const UNREADABLE = 'unreadable';
type Found = Incoming | typeof UNREADABLE | undefined;

const READERS: Readonly<Record<Propagation, (headers: Headers) => Found>> = {
  b3: readB3,
  'b3-w3c': (headers) => readB3(headers) ?? parentIn(headers),
  w3c: readW3c,
};

/**
 * Begins a span as Envoy's tracers do: a child of what the tracer's own headers tell, else a root with the proxy's own decision. Where those
 * headers cannot be read, they stay as they are, and no span is told. Source: SpanContextExtractor of the Zipkin and OpenTelemetry tracers.
 */
export function continueSpan(
  headers: Headers,
  { random, serves, tracer, traced }: { random: Random; serves: boolean; tracer: Tracer; traced: boolean },
): SpanContext {
  const { propagation } = tracer;
  const found = READERS[propagation](headers);
  const spanId = newSpanId(random);
  if (found === UNREADABLE) {
    return { traceId: newTraceId(random), spanId, parentSpanId: undefined, sampled: false, untouched: true };
  }
  const shares = serves && tracer.sharesSpans && found?.spanId !== undefined;
  return {
    // As in Envoy, the id of a short trace is that of its first span.
    traceId: found?.traceId ?? (tracer.shortTraceIds ? SHORT + spanId : newTraceId(random)),
    spanId: shares ? found.spanId! : spanId,
    parentSpanId: shares ? found.parentSpanId : found?.spanId,
    // The OpenTelemetry tracer never samples what the proxy itself decided against.
    sampled: propagation === 'w3c' ? traced && found?.sampled !== false : (found?.sampled ?? traced),
    ...(found?.traceState !== undefined && { traceState: found.traceState }),
  };
}

/** The upper half of a trace id of 64 bits. */
const SHORT = '0'.repeat(16);

/** Hands a span on to whoever receives the request. */
export function tellSpan(headers: Headers, span: SpanContext, propagation: Propagation): void {
  if (propagation !== 'w3c') writeB3(headers, span);
  if (propagation !== 'b3') headers.put('traceparent', traceparentOf(span));
  if (propagation === 'w3c') headers.put('tracestate', span.traceState ?? '');
}

const traceparentOf = ({ traceId, spanId, sampled }: SpanContext): string =>
  `00-${traceId}-${spanId}-0${sampled ? 1 : 0}`;

/** B3 writes ids of 64 bits without the half that is 0. */
export const shortTraceId = (traceId: string): string =>
  traceId.startsWith(SHORT) ? traceId.slice(SHORT.length) : traceId;

/** A caller that used the single header is answered in kind. */
function writeB3(headers: Headers, { traceId, spanId, parentSpanId, sampled }: SpanContext): void {
  const flag = sampled ? '1' : '0';
  const trace = shortTraceId(traceId);
  if (headers.has('b3')) {
    headers.put('b3', `${trace}-${spanId}-${flag}${parentSpanId === undefined ? '' : `-${parentSpanId}`}`);
    return;
  }
  headers.put('x-b3-traceid', trace);
  headers.put('x-b3-spanid', spanId);
  if (parentSpanId === undefined) headers.remove('x-b3-parentspanid');
  else headers.put('x-b3-parentspanid', parentSpanId);
  headers.put('x-b3-sampled', flag);
}

const SINGLE = /^([0-9a-f]{16}|[0-9a-f]{32})-([0-9a-f]{16})(?:-([01d])(?:-([0-9a-f]{16}))?)?$/i;
const TRACE_ID = /^(?:[0-9a-f]{1,16}|[0-9a-f]{32})$/i;
const SPAN_ID = /^[0-9a-f]{1,16}$/i;
const TRACE_DIGITS = 32;
const SPAN_DIGITS = 16;

const padded = (id: string, digits: number): string => id.toLowerCase().padStart(digits, '0');

function readB3(headers: Headers): Found {
  const given = headers.get('b3');
  if (given !== undefined) return readSingle(given);
  const sampled = readDecision(headers);
  const traceId = headers.get('x-b3-traceid');
  const spanId = headers.get('x-b3-spanid');
  if (traceId === undefined || spanId === undefined) return sampled === undefined ? undefined : { sampled };
  const parent = headers.get('x-b3-parentspanid') ?? '';
  if (!TRACE_ID.test(traceId) || !SPAN_ID.test(spanId) || (parent !== '' && !SPAN_ID.test(parent))) return UNREADABLE;
  return {
    traceId: padded(traceId, TRACE_DIGITS),
    spanId: padded(spanId, SPAN_DIGITS),
    parentSpanId: parent === '' ? undefined : padded(parent, SPAN_DIGITS),
    sampled,
  };
}

function readSingle(text: string): Found {
  if (text === '0' || text === '1' || text === 'd') return { sampled: text !== '0' };
  const parts = SINGLE.exec(text);
  if (parts === null) return UNREADABLE;
  const [, traceId = '', spanId = '', decision, parent] = parts;
  return {
    traceId: padded(traceId, TRACE_DIGITS),
    spanId: padded(spanId, SPAN_DIGITS),
    parentSpanId: parent?.toLowerCase(),
    ...(decision !== undefined && { sampled: decision !== '0' }),
  };
}

function readDecision(headers: Headers): boolean | undefined {
  const told = headers.get('x-b3-sampled');
  return told === undefined ? undefined : told === '1' || told === 'true';
}

/** Unlike the specification, Envoy takes capitals and any version, and nothing behind the flags. */
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]([0-9a-f])$/;

function parentIn(headers: Headers): Incoming | undefined {
  const [, traceId = NO_TRACE, spanId = NO_SPAN, flags = '0'] =
    TRACEPARENT.exec(headers.get('traceparent')?.toLowerCase() ?? '') ?? [];
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

function readW3c(headers: Headers): Found {
  if (!headers.has('traceparent')) return undefined;
  const parent = parentIn(headers);
  if (parent === undefined) return UNREADABLE;
  return { ...parent, traceState: headers.joined('tracestate') ?? '' };
}
