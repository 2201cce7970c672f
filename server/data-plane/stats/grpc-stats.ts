import type { Exchange } from '../http/exchange.ts';
import { isGrpc } from '../http/grpc.ts';
import type { Stats } from './stats.ts';

/**
 * Counts a finished gRPC call under its cluster: `grpc.<status>`, `grpc.success` or `grpc.failure`, `grpc.total`, and its messages. A call
 * that ended without a status counts with its messages alone. Source: the filter grpc_stats of Envoy without statistics of methods, as
 * Istio configures it.
 */
export function countGrpcCall(stats: Stats, { head, info, messages, responseHead }: Exchange): void {
  if (messages === undefined || info.cluster === '' || !namesMethod(head.path)) return;
  const prefix = `cluster.${info.cluster}.grpc.`;
  const add = (name: string, by: number): void => {
    if (by > 0) stats.stat(prefix + name).value += by;
  };
  add('request_message_count', messages.requests.count);
  // What a host says that speaks no gRPC has no messages.
  if (responseHead !== undefined && responseHead.status === 200 && isGrpc(responseHead.headers))
    add('response_message_count', messages.responses.count);
  const status = info.grpcStatus ?? responseHead?.headers.get('grpc-status');
  if (status === undefined || !/^\d+$/.test(status)) return;
  add(status, 1);
  add(status === '0' ? 'success' : 'failure', 1);
  add('total', 1);
}

/** Whether a path consists of a service and a method, however many slashes stand between. */
const namesMethod = (path: string): boolean => /^\/*[^/?]+\/+[^/?]+\/*(?:\?|$)/.test(path);
