import type { ForwardAction } from '../../config/route-table.ts';
import type { ResponseHead } from '../codec.ts';
import type { Exchange } from '../exchange.ts';
import { grpcTimeout, isGrpc } from '../grpc.ts';

/** Milliseconds; 0: none. */
interface Limits {
  readonly action: ForwardAction;
  readonly timeoutMs: number;
  readonly perTryTimeoutMs: number;
}

/**
 * Tells the host how long it has: the limit of one try, within what is left of the whole. `passedMs` have gone since the request was complete.
 * Source: FilterUtility::setTimeoutHeaders in Envoy.
 */
export function tellExpectedTime(
  exchange: Exchange,
  { action, timeoutMs, perTryTimeoutMs }: Limits,
  passedMs: number,
): void {
  const left = timeoutMs > 0 ? Math.max(1, timeoutMs - Math.floor(passedMs)) : 0;
  const expectedMs = perTryTimeoutMs > 0 && (left === 0 || perTryTimeoutMs < left) ? perTryTimeoutMs : left;
  if (expectedMs === 0) return;
  const { headers } = exchange.head;
  if (!exchange.config.hidesEnvoyHeaders) headers.put('x-envoy-expected-rq-timeout-ms', String(expectedMs));
  if (action.maxGrpcTimeoutMs !== undefined && isGrpc(headers)) headers.put('grpc-timeout', grpcTimeout(expectedMs));
}

/** Tells the client how long the host took, in whole milliseconds; `startedAt` is monotonic. */
export function tellServiceTime({ config, runtime }: Exchange, { headers }: ResponseHead, startedAt: number): void {
  if (config.hidesEnvoyHeaders) return;
  headers.put('x-envoy-upstream-service-time', String(Math.round(runtime.clock.monotonic() - startedAt)));
}
