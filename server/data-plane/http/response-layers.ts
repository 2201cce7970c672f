import type { ResponseHead } from './codec.ts';
import type { Exchange, RequestLayer } from './exchange.ts';
import { appendVia, isInlineInAnswers, joinLines } from './inline-headers.ts';
import { answerOperation } from './tracing/operations.ts';

/** Gives every answer, this proxy's own too, the headers that come after those of routes and filters. */
export const completeResponses: RequestLayer = (exchange) => {
  exchange.completeResponse = finishResponseHead;
  return 'next';
};

function finishResponseHead(exchange: Exchange, head: ResponseHead): void {
  const { headers } = head;
  const { serverHeader, serverName, tellsRequestId, via } = exchange.config;
  joinLines(headers, isInlineInAnswers);
  if (!headers.has('date')) headers.put('date', new Date(exchange.runtime.clock.now()).toUTCString());
  if (serverHeader === 'OVERWRITE' || (serverHeader === 'APPEND_IF_ABSENT' && !headers.has('server'))) {
    headers.put('server', serverName);
  }
  if (via !== '') appendVia(headers, via);
  // Whoever within forces a trace wants to find it again.
  const forced = exchange.internal && exchange.head.headers.has('x-envoy-force-trace');
  if (tellsRequestId || forced) {
    // Who is answered before it was given an id hears the one that it brought.
    const id = exchange.requestId === '' ? exchange.head.headers.get('x-request-id') : exchange.requestId;
    if (id !== undefined) headers.put('x-request-id', id);
  }
  if (exchange.config.tracing !== undefined) answerOperation(exchange, headers);
}
