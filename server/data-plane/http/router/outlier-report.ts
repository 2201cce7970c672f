import type { UpstreamCluster } from '../../upstream/cluster.ts';
import type { Host } from '../../upstream/host.ts';
import type { RequestHead, ResponseHead } from '../codec.ts';
import { httpStatusOf, isGrpc } from '../grpc.ts';

/** Tells outlier detection of an answer. A gRPC status in its head counts as the HTTP status that stands for it. */
export function reportAnswer(cluster: UpstreamCluster, host: Host, request: RequestHead, answer: ResponseHead): void {
  if (cluster.config.outlier === undefined) return;
  const grpcStatus = isGrpc(request.headers) ? answer.headers.get('grpc-status') : undefined;
  cluster.report(host, { status: grpcStatus === undefined ? answer.status : httpStatusOf(Number(grpcStatus)) });
}
