import { fractionOf } from '#domain';
import { hexDigits } from './h1/bytes.ts';
import type { Headers } from './headers.ts';
import { newTraceId, type SpanContext } from './trace-context.ts';
import type { TracedRequest } from './traced-request.ts';

/** A request's id in the form that every proxy gives it: 32 hex digits and four dashes. */
const REQUEST_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const WORD = 0x1_0000_0000;

/** Whether a caller tells of a trace, or of a decision about one, in any of the forms. */
export function tellsTrace({ flat }: Headers): boolean {
  for (let i = 0; i < flat.length; i += 2) {
    switch (flat[i]) {
      case 'traceparent':
      case 'b3':
      case 'x-b3-traceid':
      case 'x-b3-spanid':
      case 'x-b3-sampled':
      case 'x-b3-flags':
        return true;
      default:
    }
  }
  return false;
}

/**
 * The span of a request whose trace no header tells. All proxies on its way find the same ids, from what each of them sees: the id of the
 * request and the addresses of pods.
 */
export function untoldSpan({ connection, requestId, runtime, untold }: TracedRequest): SpanContext {
  const traceId = REQUEST_ID.test(requestId)
    ? requestId.replaceAll('-', '').toLowerCase()
    : newTraceId(runtime.chance.ids);
  const { ip } = runtime.self;
  const inbound = connection.direction === 'inbound';
  const caller = inbound ? `${connection.remoteAddress.ip}/outbound` : `${ip}/inbound`;
  return {
    traceId,
    spanId: spanIdAt(traceId, `${ip}/${connection.direction}`),
    parentSpanId: untold === 'goes on' ? spanIdAt(traceId, caller) : undefined,
    sampled: false,
    undecided: true,
  };
}

const spanIdAt = (traceId: string, place: string): string =>
  hexDigits(fractionOf(`${traceId}/${place}`) * WORD, fractionOf(`${place}/${traceId}`) * WORD);
