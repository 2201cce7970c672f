import type { ResetReason } from '../codec.ts';
import type { ResponseFlag } from '../response-flags.ts';

/** How a failed try reads outside: Envoy's flag, words and code details (Router::Filter::streamResetReasonToResponseFlag). */
export interface ResetWords {
  readonly flag: ResponseFlag;
  /** In the body: `reset reason: remote connection failure`. */
  readonly words: string;
  /** In %RESPONSE_CODE_DETAILS%. */
  readonly details: string;
  readonly status: number;
  /** For the learner. */
  readonly plain: string;
}

const row = (flag: ResponseFlag, words: string, plain: string, status = 503): ResetWords => ({
  flag,
  words,
  details: words.replaceAll(' ', '_'),
  status,
  plain,
});

export const RESET_WORDS: Readonly<Record<ResetReason, ResetWords>> = {
  remote_connection_failure: row('UF', 'remote connection failure', 'the connection to the host could not be made'),
  connection_timeout: row('UF', 'connection timeout', 'the host did not accept the connection in time'),
  connection_termination: row('UC', 'connection termination', 'the host closed the connection before it answered'),
  remote_reset: row('UR', 'remote reset', 'the host reset the stream'),
  remote_refused_stream_reset: row('UR', 'remote refused stream reset', 'the host did not take the request up'),
  remote_connect_error: row('UR', 'remote error with CONNECT request', 'the connection behind the tunnel broke'),
  local_reset: row('LR', 'local reset', 'this proxy gave the try up'),
  overflow: row('UO', 'overflow', 'a circuit breaker of this proxy is full, so nothing was sent'),
  protocol_error: row('UPE', 'protocol error', 'the host answered with bytes that are not HTTP', 502),
};

const WITHOUT_FAILURE: ReadonlySet<ResetReason> = new Set(['remote_connect_error', 'protocol_error', 'overflow']);

/** What the connection failed of; a reset of the stream, or bytes that are no HTTP, say nothing of that. */
export const transportFailure = (reason: ResetReason, detail: string): string =>
  reason.startsWith('remote_re') || WITHOUT_FAILURE.has(reason) ? '' : detail;

/**
 * The body of a request that failed before an answer, in Envoy's words. Since 1.38.1 it keeps the transport failure reason to itself: that
 * stands in the access log only.
 */
export function resetBody(words: ResetWords, retried: boolean): string {
  const before = 'upstream connect error or disconnect/reset before headers.';
  return `${before} ${retried ? 'retried and the latest ' : ''}reset reason: ${words.words}`;
}

export function resetDetails(words: ResetWords, transportFailure: string, phase: 'before' | 'after'): string {
  const extra = transportFailure === '' ? '' : `|${transportFailure}`;
  return `upstream_reset_${phase}_response_started{${words.details}${extra}}`.replaceAll(' ', '_');
}
