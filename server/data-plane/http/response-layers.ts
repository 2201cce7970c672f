import type { ResponseHead } from './codec.ts';
import type { Exchange, RequestLayer } from './exchange.ts';
import type { Headers } from './headers.ts';
import { appendVia, isInlineInAnswers, joinLines } from './inline-headers.ts';
import { operationOf } from './tracing/span-words.ts';

/** Gives every answer, this proxy's own too, the headers that come after those of routes and filters. */
export const completeResponses: RequestLayer = (exchange) => {
  exchange.completeResponse = finishResponseHead;
  return 'next';
};

const OPERATION = 'x-envoy-decorator-operation';

/** A host may name the operation of the client's span. */
function takeOperation(exchange: Exchange, headers: Headers): void {
  const told = headers.get(OPERATION);
  if (told) exchange.callerOperation = told;
  headers.remove(OPERATION);
}

/** A client that names no operation of its own is told that of the route, for its span. Source: ActiveStream::traceRequest in Envoy. */
function tellOperation({ callerOperation, route }: Exchange, headers: Headers): void {
  if (!callerOperation && route?.operation !== undefined && route.tellsOperation)
    headers.put(OPERATION, route.operation);
}

function finishResponseHead(exchange: Exchange, head: ResponseHead): void {
  const { headers } = head;
  const { serverHeader, serverName, tellsRequestId, via } = exchange.config;
  joinLines(headers, isInlineInAnswers);
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
  if (exchange.config.tracing !== undefined && operationOf(exchange) === undefined) {
    if (exchange.connection.direction === 'inbound') tellOperation(exchange, headers);
    else if (headers.has(OPERATION)) takeOperation(exchange, headers);
  }
  if (!headers.has('date')) headers.put('date', new Date(exchange.runtime.clock.now()).toUTCString());
}
