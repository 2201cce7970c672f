import type { UpstreamCluster } from '../../upstream/cluster.ts';
import type { ResetReason } from '../codec.ts';
import type { Exchange, ResponseEdit } from '../exchange.ts';
import type { StreamInfo } from '../stream-info.ts';
import { noteNoHost } from './call-steps.ts';
import { RESET_WORDS, resetBody, resetDetails } from './reset-reasons.ts';
import type { RetryVerdict } from './retry-state.ts';
import { countAnswer } from './route-figures.ts';

// What the router answers by itself when no host did (Envoy: Router::Filter::sendNoHealthyUpstreamResponse, onUpstreamAbort).

/** Why there is no further try, as a flag beside that of the answer. */
export function flagRefusal({ info }: Exchange, verdict: RetryVerdict | undefined): void {
  if (verdict === undefined || verdict.again) return;
  if (verdict.why === 'limit') info.flag('URX');
  if (verdict.why === 'overflow') info.flag('UO');
}

/** Counts how long the whole answer came after the whole request, which was there at `completeAt`. */
export function tellTime(exchange: Exchange, cluster: UpstreamCluster, completeAt: number | undefined): void {
  const { info, finished, internal } = exchange;
  if (!finished || completeAt === undefined || exchange.uncounted || !exchange.config.countsAnswers) return;
  const ms = info.startedAt + info.durationMs - completeAt;
  if (internal) cluster.stats.answeredInternally(ms);
  else cluster.stats.answered(ms);
  exchange.routeFigures?.answered(ms);
  exchange.alternativeFigures?.answered(ms, exchange.origin);
}

/** What was chosen last took no part: the host of the try before is the last one that did. */
export function forgetHost(info: StreamInfo): void {
  info.upstreamHost = info.hostsTriedBefore.at(-1) ?? '';
  info.hostsTriedBefore = info.hostsTriedBefore.slice(0, -1);
}

/** Tells the client how often its request was tried. */
export const tellAttempts: ResponseEdit = ({ headers }, { info }) => {
  if (!OF_LISTENER.has(info.details)) headers.put('x-envoy-attempt-count', String(info.attempts));
};

/** Limits that the connection manager keeps, not the router: their answers know of no tries. */
const OF_LISTENER: ReadonlySet<string> = new Set([
  'stream_idle_timeout',
  'max_duration_timeout',
  'request_overall_timeout',
]);

export function replyNoHost(exchange: Exchange, cluster: UpstreamCluster): void {
  noteNoHost(exchange.steps, cluster);
  const status = exchange.wantedHost?.statusWithout ?? 503;
  countAnswer(exchange, cluster, status);
  forgetHost(exchange.info);
  exchange.reply({ status, flag: 'UH', details: 'no_healthy_upstream', body: 'no healthy upstream' });
}

/** More of the body has come than is kept for a next try, while none was under way. */
export function replyTooLarge(exchange: Exchange): void {
  const details = 'request_payload_exceeded_retry_buffer_limit';
  exchange.reply({ status: 507, details, body: 'exceeded request buffer limit while retrying upstream' });
}

/** The request was given a header that no message can have; what a connection was made for is not sent. */
export function replyMisnamed(exchange: Exchange, name: string): void {
  const body = `invalid header name: ${name}`;
  const details = `filter_removed_required_request_headers{${body.replaceAll(' ', '_')}}`;
  exchange.reply({ status: 503, flag: 'DPE', details, body });
}

/** `cluster` counts the status, where one of its hosts was being asked. */
export function replyTimeout(exchange: Exchange, cluster: UpstreamCluster | undefined, details: string): void {
  const { timeoutStatus: status } = exchange;
  if (cluster !== undefined) countAnswer(exchange, cluster, status);
  exchange.reply({ status, flag: 'UT', details, ...(status === 504 && { body: 'upstream request timeout' }) });
}

/**
 * The last try ended without an answer; `transport` is what the connection failed of, empty when nothing is known. `cluster` counts the status,
 * unless the host had said something before.
 */
export function replyReset(
  exchange: Exchange,
  reason: ResetReason,
  transport: string,
  cluster: UpstreamCluster | undefined,
): void {
  const words = RESET_WORDS[reason];
  if (cluster !== undefined) countAnswer(exchange, cluster, words.status);
  exchange.reply({
    status: words.status,
    flag: words.flag,
    details: resetDetails(words, transport, cluster === undefined ? 'after' : 'before'),
    body: resetBody(words, exchange.info.attempts > 1),
    ...(reason === 'overflow' && !exchange.config.hidesEnvoyHeaders && { headers: { 'x-envoy-overloaded': 'true' } }),
  });
}

/** The answer had begun, so it cannot be replaced: it is broken off, and the log says why. */
export function breakAnswer(exchange: Exchange, reason: ResetReason, transport: string): void {
  const words = RESET_WORDS[reason];
  exchange.info.flag(words.flag);
  exchange.info.details = resetDetails(words, transport, 'after');
  exchange.breakOff(reason);
}
