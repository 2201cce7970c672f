import type { Exchange } from '../exchange.ts';
import type { UpstreamAttempt } from './attempt.ts';
import { noteFailure } from './call-steps.ts';
import type { RetryVerdict } from './retry-state.ts';

// What becomes of a try that took longer than its cluster allows (`max_stream_duration` of its HttpProtocolOptions).

const DETAILS = 'upstream_max_stream_duration_reached';
const BODY = 'upstream max stream duration reached';

export function noteOutlived(exchange: Exchange, attempt: UpstreamAttempt, verdict: RetryVerdict | undefined): void {
  if (!exchange.steps.on) return;
  const { choice, cluster } = attempt;
  const plain = `no answer within the cluster's max_stream_duration of ${cluster.config.http.maxStreamDurationMs} ms`;
  noteFailure(exchange, choice.host.key, { plain, verdict });
}

/** No host counts this answer, as in Envoy. */
export const replyOutlived = (exchange: Exchange): void =>
  exchange.reply({ status: 504, flag: 'UMSDR', details: DETAILS, body: BODY });

/** The answer had begun: it is broken off. */
export function breakOutlived(exchange: Exchange): void {
  exchange.info.flag('UMSDR');
  exchange.info.details = DETAILS;
  exchange.breakOff('local_reset');
}
