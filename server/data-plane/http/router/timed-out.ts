import type { Exchange } from '../exchange.ts';
import type { UpstreamAttempt } from './attempt.ts';
import { noteFailure } from './call-steps.ts';
import { reportTimeout } from './outlier-report.ts';
import type { RetryVerdict } from './retry-state.ts';

// What becomes of a try, and of a request, that took longer than its route allows.

/** Gives up a try that has no answer in time. */
export function dropTimedOut(attempt: UpstreamAttempt): void {
  const { host } = attempt.choice;
  reportTimeout(attempt.cluster, host);
  host.figures.rqError++;
  attempt.span?.timedOut();
  attempt.log?.timedOut();
  attempt.drop('local_reset');
}

export function noteTryTimedOut(exchange: Exchange, attempt: UpstreamAttempt, verdict: RetryVerdict | undefined): void {
  if (!exchange.steps.on) return;
  const plain = 'no answer within the limit of one try';
  noteFailure(exchange, attempt.choice.host.key, { plain, verdict, part: 'retry_policy' });
}

/** `name`: of the host that was asked last, of the cluster where none was. */
export function noteTimedOut(exchange: Exchange, name: string, timeoutMs: number): void {
  if (!exchange.steps.on) return;
  const plain = `no answer within the route's timeout of ${timeoutMs} ms, all tries together`;
  noteFailure(exchange, name, { plain, verdict: undefined, part: 'timeout' });
}
