import type { RequestHead, ResponseHead } from '../codec.ts';
import { httpStatusOf, isGrpc } from '../grpc.ts';
import type { Headers } from '../headers.ts';
import type { UpstreamAttempt } from './attempt.ts';
import { reportAnswer } from './outlier-report.ts';

/** What stands for a call that has no status. */
const NO_STATUS = 500;

const httpStatusIn = (headers: Headers | undefined): number | undefined => {
  const status = headers?.get('grpc-status');
  return status === undefined ? undefined : httpStatusOf(Number(status));
};

/** Tells the host's figures, outlier detection and the balancer of an answer's head; `whole`: nothing follows it. */
export function tellOfAnswer(
  attempt: UpstreamAttempt,
  request: RequestHead,
  answer: ResponseHead,
  whole: boolean,
): void {
  const { choice, cluster } = attempt;
  countAtHost(attempt, request, answer, whole);
  reportAnswer(cluster, choice.host, request, answer);
  cluster.readAnswer(choice.host, answer.headers);
}

/** Counts an answer at its host: of gRPC calls their own status counts, which may be in the trailers. Source: router.cc in Envoy. */
function countAtHost(attempt: UpstreamAttempt, request: RequestHead, answer: ResponseHead, whole: boolean): void {
  const { host } = attempt.choice;
  if (request.protocol !== 'HTTP/2' || answer.status >= 500 || !isGrpc(request.headers)) {
    host.answered(answer.status);
    return;
  }
  const status = httpStatusIn(answer.headers) ?? (whole ? NO_STATUS : undefined);
  if (status === undefined) attempt.awaitsStatus = true;
  else host.answered(status);
}

/** The call is over. */
export function countStatus(attempt: UpstreamAttempt, trailers: Headers | undefined): void {
  attempt.awaitsStatus = false;
  attempt.choice.host.answered(httpStatusIn(trailers) ?? NO_STATUS);
}
