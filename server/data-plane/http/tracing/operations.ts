import type { Exchange } from '../exchange.ts';
import type { Headers } from '../headers.ts';
import { operationOf } from './span-words.ts';

const OPERATION = 'x-envoy-decorator-operation';

/** Decorators name spans: requests are traced, and nothing else names theirs. */
const isDecorated = (exchange: Exchange): boolean =>
  exchange.config.tracing !== undefined && operationOf(exchange) === undefined;

/** Whether the host is told how the client's span is called. */
export const tellsHost = (exchange: Exchange): boolean => !exchange.connection.listener.serves && isDecorated(exchange);

/** A client may name the operation of the server's span; the host does not hear of it. Source: ActiveStream::traceRequest in Envoy. */
export function takeCallersOperation(exchange: Exchange): void {
  const { headers } = exchange.head;
  exchange.callerOperation = headers.get(OPERATION) || undefined;
  if (isDecorated(exchange)) headers.remove(OPERATION);
}

/** What an answer tells of operations: the client, that of the route where it named none itself; the client's proxy, what the host calls it. */
export function answerOperation(exchange: Exchange, headers: Headers): void {
  if (exchange.connection.listener.serves) tellClient(exchange, headers);
  else if (headers.has(OPERATION) && isDecorated(exchange)) takeHostsOperation(exchange, headers);
}

function tellClient(exchange: Exchange, headers: Headers): void {
  const { callerOperation, route } = exchange;
  if (callerOperation || route?.operation === undefined || !route.tellsOperation || !isDecorated(exchange)) return;
  headers.put(OPERATION, route.operation);
}

function takeHostsOperation(exchange: Exchange, headers: Headers): void {
  exchange.callerOperation = headers.get(OPERATION) || exchange.callerOperation;
  headers.remove(OPERATION);
}
