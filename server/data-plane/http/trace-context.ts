import type { Random } from '#domain';
import { HEX_VALUE, hexDigits } from './h1/bytes.ts';
import type { Headers } from './headers.ts';

/** One proxy's place in a distributed trace. */
export interface SpanContext {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly sampled: boolean;
  /** Nobody has decided whether to sample: whoever comes next may. */
  readonly undecided?: boolean | undefined;
  /** W3C tracestate, handed on as it came. */
  readonly traceState?: string;
  /** The trace headers of the request stay as they came. */
  readonly untouched?: boolean;
}

interface Incoming {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean | undefined;
}

const WORD = 0x1_0000_0000;

export const newSpanId = (random: Random): string => hexDigits(random.below(WORD), random.below(WORD));

export const newTraceId = (random: Random): string => newSpanId(random) + newSpanId(random);

/**
 * Begins this hop's span: a child of the one in the request's headers (W3C traceparent, else B3), or the root of a new trace. A decision
 * to sample travels with the trace; `decide` is asked only where none came along, and may leave it open.
 */
export function startSpan(headers: Headers, random: Random, decide: () => boolean | undefined): SpanContext {
  const w3c = readW3c(headers);
  const b3 = w3c === undefined && mentionsB3(headers);
  const parent = b3 ? readB3(headers) : w3c;
  const sampled = parent?.sampled ?? (b3 ? readB3Decision(headers) : undefined) ?? decide();
  return {
    traceId: parent?.traceId ?? newTraceId(random),
    spanId: newSpanId(random),
    parentSpanId: parent?.spanId,
    sampled: sampled === true,
    undecided: sampled === undefined ? true : undefined,
  };
}

/**
 * Writes a span in both formats, so that an application may forward either. An open decision is written in B3 alone, whose ids may stand
 * without one.
 */
export function writeSpan(headers: Headers, span: SpanContext, parentSpanId = span.parentSpanId): void {
  const flag = span.sampled ? '1' : '0';
  headers.put('x-b3-traceid', span.traceId);
  headers.put('x-b3-spanid', span.spanId);
  if (parentSpanId === undefined) headers.remove('x-b3-parentspanid');
  else headers.put('x-b3-parentspanid', parentSpanId);
  if (span.undecided === true) return;
  headers.put('traceparent', `00-${span.traceId}-${span.spanId}-0${flag}`);
  headers.put('x-b3-sampled', flag);
  if (headers.has('b3')) headers.put('b3', `${span.traceId}-${span.spanId}-${flag}`);
}

export const NO_TRACE = '0'.repeat(32);
export const NO_SPAN = '0'.repeat(16);

const DASH = 0x2d;
const SMALL_A = 0x61;
/** version-traceId-spanId-flags: 2, 32, 16 and 2 hex digits. */
const TRACEPARENT_LENGTH = 55;

/** Digits in lower case between dashes; more may follow in versions to come. */
function isTraceparent(text: string): boolean {
  if (text.length < TRACEPARENT_LENGTH) return false;
  for (let i = 0; i < TRACEPARENT_LENGTH; i++) {
    const code = text.charCodeAt(i);
    if (i === 2 || i === 35 || i === 52) {
      if (code !== DASH) return false;
    } else if (code > 0xff || HEX_VALUE[code] === 255 || (code > 0x39 && code < SMALL_A)) return false;
  }
  return true;
}

function readW3c(headers: Headers): Incoming | undefined {
  const given = headers.get('traceparent');
  if (given === undefined || !isTraceparent(given) || given.startsWith('ff')) return undefined;
  const traceId = given.slice(3, 35);
  const spanId = given.slice(36, 52);
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId, spanId, sampled: (HEX_VALUE[given.charCodeAt(54)]! & 1) === 1 };
}

/** Most requests carry no B3: one look tells, where each of its names would take one. */
function mentionsB3({ flat }: Headers): boolean {
  for (let i = 0; i < flat.length; i += 2) if (flat[i] === 'b3' || flat[i]!.startsWith('x-b3-')) return true;
  return false;
}

function readB3(headers: Headers): Incoming | undefined {
  const given = headers.get('b3');
  const single = given === undefined ? null : /^([0-9a-f]{16,32})-([0-9a-f]{16})(?:-([01d]))?/i.exec(given);
  const traceId = single?.[1] ?? headers.get('x-b3-traceid');
  const spanId = single?.[2] ?? headers.get('x-b3-spanid');
  if (traceId === undefined || spanId === undefined) return undefined;
  if (!/^(?:[0-9a-f]{16}){1,2}$/i.test(traceId) || !/^[0-9a-f]{16}$/i.test(spanId)) return undefined;
  const decision = single?.[3];
  const sampled = decision === undefined ? readB3Decision(headers) : decision !== '0';
  return { traceId: traceId.toLowerCase().padStart(32, '0'), spanId: spanId.toLowerCase(), sampled };
}

function readB3Decision(headers: Headers): boolean | undefined {
  if (headers.get('x-b3-flags') === '1') return true;
  const sampled = headers.get('x-b3-sampled') ?? headers.get('b3');
  if (sampled === '1' || sampled === 'true' || sampled === 'd') return true;
  return sampled === '0' || sampled === 'false' ? false : undefined;
}
