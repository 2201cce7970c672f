import type { UpstreamCluster } from '../../upstream/cluster.ts';
import type { Host } from '../../upstream/host.ts';
import type { RequestHead, ResetReason, ResponseHead } from '../codec.ts';
import { httpStatusOf, isGrpc } from '../grpc.ts';
import type { UpstreamAttempt } from './attempt.ts';

/**
 * Tells outlier detection of an answer. A gRPC status in its head counts as the HTTP status that stands for it, unless the cluster has a
 * matcher of its own.
 */
export function reportAnswer(cluster: UpstreamCluster, host: Host, request: RequestHead, answer: ResponseHead): void {
  const { outlier, http } = cluster.config;
  if (outlier === undefined) return;
  if (http.isOutlierError !== undefined) {
    const failed = http.isOutlierError(answer);
    cluster.report(host, { status: failed ? 500 : 200 });
    if (!failed) noteDegraded(cluster, host, answer);
    return;
  }
  const grpcStatus = isGrpc(request.headers) ? answer.headers.get('grpc-status') : undefined;
  const status = grpcStatus === undefined ? answer.status : httpStatusOf(Number(grpcStatus));
  cluster.report(host, { status });
  if (outlier.marksDegraded && (status < 500 || status > 599)) noteDegraded(cluster, host, answer);
}

function noteDegraded(cluster: UpstreamCluster, host: Host, { headers }: ResponseHead): void {
  if (headers.has('x-envoy-degraded')) cluster.reportDegraded(host);
}

/** Tells outlier detection, and the host's figures, of a try that took too long. */
export function reportTimeout(cluster: UpstreamCluster, host: Host): void {
  host.figures.rqTimeout++;
  cluster.report(host, { localOrigin: 'timeout' });
}

/** Tells outlier detection, and the figures of host and cluster, of a try that got no answer. */
export function reportFailure(attempt: UpstreamAttempt, reason: ResetReason): void {
  const { choice, cluster, stream } = attempt;
  // What breaks off in the middle counts as it began, but for calls that have no status yet.
  if (!attempt.answered || attempt.awaitsStatus) choice.host.figures.rqError++;
  cluster.report(choice.host, { localOrigin: 'connect' });
  if (stream?.protocol !== 'HTTP/2') return;
  if (reason === 'remote_reset') cluster.stats.rqRxReset.value++;
  else if (reason === 'protocol_error') cluster.stats.count('upstream_rq_tx_reset');
}
