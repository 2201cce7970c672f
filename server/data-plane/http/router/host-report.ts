import type { RequestHead, ResponseHead } from '../codec.ts';
import { httpStatusOf, isGrpc } from '../grpc.ts';
import type { Headers } from '../headers.ts';
import type { UpstreamAttempt } from './attempt.ts';

/** What stands for a call that has no status. */
const NO_STATUS = 500;

const httpStatusIn = (headers: Headers | undefined): number | undefined => {
  const status = headers?.get('grpc-status');
  return status === undefined ? undefined : httpStatusOf(Number(status));
};

/** Counts an answer at its host: of gRPC calls their own status counts, which may be in the trailers. Source: router.cc in Envoy. */
export function countAtHost(
  attempt: UpstreamAttempt,
  request: RequestHead,
  answer: ResponseHead,
  whole: boolean,
): void {
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
