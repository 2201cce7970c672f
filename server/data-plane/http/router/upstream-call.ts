import type { ResponseHead, UpstreamStream } from '../codec.ts';
import type { BodyTarget } from '../exchange.ts';
import type { Headers } from '../headers.ts';
import { PASSED_ON } from '../informational.ts';
import type { UpstreamAttempt } from './attempt.ts';
import type { UpstreamCallOptions } from './call-options.ts';
import { flagRefusal, replyMisnamed, replyTooLarge, tellAttempts, tellTime } from './call-replies.ts';
import { noteAnswer, noteConnected } from './call-steps.ts';
import { tellServiceTime } from './expected-time.ts';
import { countStatus, tellOfAnswer } from './host-report.ts';
import { turnAround } from './internal-redirect.ts';
import { countAnswer } from './route-figures.ts';
import { Tries } from './tries.ts';
import { answerTunnel, awaitsConsent, introduceClient, isTimed, replyFailedHandshake } from './tunnels.ts';

const CONNECTED = { localOrigin: 'connected' } as const;

/** One request forwarded to a cluster: what its client and its hosts say (Envoy: source/common/router/router.cc). */
export class UpstreamCall extends Tries implements BodyTarget {
  /** A tunnel that its host has to answer in time. */
  readonly #timedTunnel: boolean;
  /** A host has told its load. */
  #reported = false;
  /** The client is not read, because what it has sent waits; `host`: for a host that takes it slowly. */
  #clientWaitsFor: 'host' | 'connection' | undefined = undefined;
  /** The host is not read, because the client takes its answer slowly. */
  #hostWaits = false;

  constructor(options: UpstreamCallOptions) {
    super(options);
    const { action, exchange } = options;
    const { head, stream } = exchange;
    this.#timedTunnel = stream.tunnel && awaitsConsent(head, action) && isTimed(head, action);
  }

  start(): void {
    const exchange = this.exchange;
    exchange.underWay = this;
    if (exchange.virtualHost?.tellsAttemptCount === true) exchange.editResponse(tellAttempts);
    if (this.#timedTunnel) this.timers?.startWhole();
    this.begin();
    if (this.exchange.finished) return;
    for (const mirror of this.options.mirrors) mirror.start();
    this.exchange.attachBody(this);
    if (!this.exchange.stream.hasBody)
      this.requestComplete(this.attempt?.startedAt ?? exchange.runtime.clock.monotonic());
  }

  // The client's side.

  data(chunk: Buffer): void {
    const kept = this.body.replayable;
    if (this.body.data(chunk) === 'full') this.#pauseClient();
    if (kept && !this.body.replayable && this.#abandonsTries()) return;
    for (const mirror of this.options.mirrors) mirror.data(chunk);
  }

  /** The body has outgrown what is kept of it. True: no try is under way, so that none can be any more, and the client has been told. */
  #abandonsTries(): boolean {
    this.cluster.stats.abandoned.value++;
    if (this.attempt !== undefined) return false;
    this.release('local_reset');
    replyTooLarge(this.exchange);
    return true;
  }

  end(trailers: Headers | undefined): void {
    this.body.end(trailers);
    for (const mirror of this.options.mirrors) mirror.end(trailers);
    this.requestComplete(this.exchange.runtime.clock.monotonic());
  }

  reset(): void {
    this.cancel();
  }

  cancel(): void {
    this.release('local_reset');
  }

  /** The client takes more of the answer. */
  drain(): void {
    this.attempt?.stream?.resume();
    if (!this.#hostWaits) return;
    this.#hostWaits = false;
    this.cluster.stats.count('upstream_flow_control_resumed_reading_total');
  }

  #pauseHost({ stream }: UpstreamAttempt): void {
    stream?.pause();
    if (this.#hostWaits) return;
    this.#hostWaits = true;
    this.cluster.stats.count('upstream_flow_control_paused_reading_total');
  }

  #pauseClient(): void {
    this.exchange.stream.pause();
    if (this.#clientWaitsFor !== undefined) return;
    this.#clientWaitsFor = this.attempt?.stream === undefined ? 'connection' : 'host';
    this.exchange.stats.count('downstream_flow_control_paused_reading_total');
    if (this.#clientWaitsFor === 'host') this.cluster.stats.count('upstream_flow_control_backed_up_total');
  }

  #resumeClient(): void {
    this.exchange.stream.resume();
    this.#countResumed();
  }

  #countResumed(): void {
    if (this.#clientWaitsFor === undefined) return;
    this.exchange.stats.count('downstream_flow_control_resumed_reading_total');
    if (this.#clientWaitsFor === 'host') this.cluster.stats.count('upstream_flow_control_drained_total');
    this.#clientWaitsFor = undefined;
  }

  // The host's side.

  connected(attempt: UpstreamAttempt, stream: UpstreamStream): void {
    const { exchange } = this.options;
    this.attempt = attempt;
    attempt.cluster.report(attempt.choice.host, CONNECTED);
    exchange.info.upstreamLocalAddress = stream.localAddress;
    exchange.info.upstreamProtocol = stream.protocol;
    exchange.info.upstreamConnection = attempt.connection;
    this.note('poolReady');
    this.note('requestBegun');
    exchange.upstreamTls = stream.tls;
    if (exchange.steps.on) noteConnected(exchange.steps, attempt.cluster, attempt, stream);
    stream.meter = exchange.info.upstreamBytes;
    const misnamed = this.options.misnamed ?? exchange.misnamed;
    if (misnamed !== undefined) {
      this.#refuse(attempt, misnamed);
      return;
    }
    const bare = this.body.ended && !exchange.stream.hasBody;
    attempt.send(exchange.head, bare);
    if (this.options.action.endedTunnels !== undefined) introduceClient(exchange, this.options.action, stream);
    exchange.routeFigures?.count('upstream_rq_total');
    if (!bare && this.body.attach(stream) === 'more') this.#resumeClient();
    if (this.body.ended) this.note('requestSent');
    if (this.#timedTunnel) this.startTryTimers();
  }

  #refuse(attempt: UpstreamAttempt, misnamed: string): void {
    attempt.count();
    this.release('local_reset');
    replyMisnamed(this.exchange, misnamed);
  }

  writable(): void {
    this.#resumeClient();
  }

  /** As in Envoy, nothing waits any more for what is over, but that a stream of HTTP/2 that its client resets takes its pause along. */
  protected override settle(): void {
    super.settle();
    this.#countResumed();
    if (this.#hostWaits && this.exchange.head.protocol !== 'HTTP/2') this.drain();
  }

  /** A word before the answer. Whether the client hears it or not, there is no other try after it; as in Envoy, further ones are dropped. */
  informational(head: ResponseHead): void {
    if (this.begun || !PASSED_ON.has(head.status)) return;
    countAnswer(this.exchange, this.cluster, head.status);
    this.begun = true;
    if (this.exchange.config.passesInformational) this.exchange.respondInformational(head);
  }

  responseHead(attempt: UpstreamAttempt, head: ResponseHead, endStream: boolean): void {
    this.note('responseBegun');
    this.timers?.endTry();
    this.timers?.touchTry();
    tellOfAnswer(attempt, this.exchange.head, head, endStream);
    if (attempt.cluster.reports !== undefined) this.#readReport(attempt, head.headers);
    const verdict = this.body.replayable && !this.begun ? this.retry?.afterResponse(head) : undefined;
    if (this.exchange.steps.on) noteAnswer(this.exchange, attempt, head.status, verdict);
    if (verdict?.again === true) {
      this.cluster.stats.retriedCode(head.status);
      attempt.drop('local_reset');
      this.again(verdict);
      return;
    }
    if (this.options.action.internalRedirects !== undefined && this.#redirect(head)) return;
    if (this.exchange.stream.tunnel && this.#answersTunnel(attempt, head)) return;
    countAnswer(this.exchange, this.cluster, head.status);
    flagRefusal(this.exchange, verdict);
    attempt.answered = true;
    this.body.stopReplay();
    // What kept an earlier try from its host is not told of the host that answers.
    if (this.exchange.info.attempts > 1) this.exchange.info.transportFailure = '';
    this.exchange.info.details = 'via_upstream';
    // As in Envoy, the time is told once the whole request was there.
    if (this.completeAt !== undefined) tellServiceTime(this.exchange, head, attempt.startedAt);
    if (endStream) this.#answerComplete(attempt);
    this.exchange.respondHead(head, endStream);
    if (endStream) tellTime(this.exchange, this.cluster, this.completeAt);
  }

  /** True: the tunnel is refused, and the client has been told. */
  #answersTunnel({ stream }: UpstreamAttempt, head: ResponseHead): boolean {
    const answer = { status: head.status, protocol: stream?.protocol };
    const became = answerTunnel(this.exchange, answer, this.body);
    if (became === 'begun' && this.#timedTunnel) this.timers?.lift();
    if (became !== 'refused') return false;
    this.release('local_reset');
    replyFailedHandshake(this.exchange, head);
    return true;
  }

  /** What the host says of its load; the first word counts. */
  #readReport({ choice, cluster }: UpstreamAttempt, headers: Headers): void {
    if (!this.#reported) this.#reported = cluster.reports?.read(choice.host, headers) === true;
  }

  responseData(attempt: UpstreamAttempt, chunk: Buffer): void {
    this.note('responseBodyBegun');
    this.timers?.touchTry();
    if (!this.exchange.respondData(chunk)) this.#pauseHost(attempt);
  }

  responseEnd(attempt: UpstreamAttempt, trailers: Headers | undefined): void {
    if (trailers !== undefined && attempt.cluster.reports !== undefined) this.#readReport(attempt, trailers);
    if (attempt.awaitsStatus) countStatus(attempt, trailers);
    this.#answerComplete(attempt);
    this.exchange.respondEnd(trailers);
    tellTime(this.exchange, this.cluster, this.completeAt);
  }

  /** Follows a redirect where the route wants that; false: the client is to hear of it. */
  #redirect(answer: ResponseHead): boolean {
    const redirected = turnAround(this.exchange, this.options, answer, this.body.whole);
    if (redirected) this.release('local_reset');
    if (redirected) this.exchange.redirect(answer.status, this.body.whole ?? []);
    return redirected;
  }

  #answerComplete({ stream }: UpstreamAttempt): void {
    this.note('responseReceived');
    // What is left of the request is of no use.
    if (stream?.protocol === 'HTTP/2' && !this.body.ended) {
      this.cluster.stats.count('upstream_rq_tx_reset');
      stream.reset('local_reset');
    }
    this.settle();
  }
}
