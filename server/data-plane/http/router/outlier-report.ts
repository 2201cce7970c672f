import type { UpstreamCluster } from '../../upstream/cluster.ts';
import type { Host } from '../../upstream/host.ts';
import type { RequestHead, ResetReason, ResponseHead } from '../codec.ts';
import { httpStatusOf, isGrpc } from '../grpc.ts';
import type { UpstreamAttempt } from './attempt.ts';

/** Tells outlier detection of an answer. A gRPC status in its head counts as the HTTP status that stands for it. */
export function reportAnswer(cluster: UpstreamCluster, host: Host, request: RequestHead, answer: ResponseHead): void {
  if (cluster.config.outlier === undefined) return;
  const grpcStatus = isGrpc(request.headers) ? answer.headers.get('grpc-status') : undefined;
  cluster.report(host, { status: grpcStatus === undefined ? answer.status : httpStatusOf(Number(grpcStatus)) });
}

/** Tells outlier detection, and the host's figures, of a try that took too long. */
export function reportTimeout(cluster: UpstreamCluster, host: Host): void {
  host.figures.rqTimeout++;
  cluster.report(host, { localOrigin: 'timeout' });
}

/** Tells outlier detection, and the figures of host and cluster, of a try that got no answer. */
export function reportFailure({ choice, cluster, stream }: UpstreamAttempt, reason: ResetReason): void {
  choice.host.figures.rqError++;
  cluster.report(choice.host, { localOrigin: 'connect' });
  if (reason === 'remote_reset' && stream?.protocol === 'HTTP/2') cluster.stats.rqRxReset.value++;
}
