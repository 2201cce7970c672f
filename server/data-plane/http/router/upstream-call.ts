import type { UpstreamCluster } from '../../upstream/cluster.ts';
import { NO_ROOM_TO_WAIT } from '../../upstream/pool-breakers.ts';
import type { ResetReason, ResponseHead, UpstreamStream } from '../codec.ts';
import type { BodyTarget, Exchange } from '../exchange.ts';
import { isGrpc } from '../grpc.ts';
import type { Headers } from '../headers.ts';
import { PASSED_ON } from '../informational.ts';
import type { StreamTimes } from '../stream-info.ts';
import { beginTry } from '../tracing/hand-on.ts';
import { type AttemptOwner, UpstreamAttempt } from './attempt.ts';
import type { UpstreamCallOptions } from './call-options.ts';
import {
  breakAnswer,
  flagRefusal,
  forgetHost,
  replyNoHost,
  replyReset,
  replyTimeout,
  replyTooLarge,
  tellAttempts,
  tellTime,
} from './call-replies.ts';
import { noteAnswer, noteConnected, noteEndpoint, noteFailure } from './call-steps.ts';
import { CallTimers, type TimedCall } from './call-timers.ts';
import { tellExpectedTime, tellServiceTime } from './expected-time.ts';
import { countStatus, tellOfAnswer } from './host-report.ts';
import { HostWish } from './host-wish.ts';
import { turnAround } from './internal-redirect.ts';
import { reportFailure, reportTimeout } from './outlier-report.ts';
import { breakOutlived, noteOutlived, replyOutlived } from './outlived-try.ts';
import { pooledRequest } from './pooled-request.ts';
import { RequestBody, replayBytesOf } from './request-body.ts';
import { transportFailure } from './reset-reasons.ts';
import { RetryHosts } from './retry-hosts.ts';
import { RetryState, type RetryVerdict } from './retry-state.ts';
import { rewriteHost } from './rewrite.ts';
import { countAnswer } from './route-figures.ts';
import { dropTimedOut, noteTimedOut, noteTryTimedOut } from './timed-out.ts';
import { TryFilters } from './try-filters.ts';
import { TryLog } from './try-log.ts';
import { answerTunnel, awaitsConsent, endsHere, introduceClient, isTimed, replyFailedHandshake } from './tunnels.ts';

const CONNECTED = { localOrigin: 'connected' } as const;

/** One request forwarded to a cluster: its tries, its timers, its answer (Envoy: source/common/router/router.cc). */
export class UpstreamCall extends HostWish implements AttemptOwner, BodyTarget, TimedCall {
  readonly #exchange: Exchange;
  readonly #cluster: UpstreamCluster;
  readonly #retry: RetryState | undefined;
  readonly #body: RequestBody;
  readonly #timers: CallTimers | undefined;
  #attempt: UpstreamAttempt | undefined;
  /** A tunnel that its host has to answer in time. */
  readonly #timedTunnel: boolean;
  /** The host has said something before its answer. */
  #begun = false;
  /** A host has told its load. */
  #reported = false;
  /** Monotonic time at which the request was complete. */
  #completeAt: number | undefined;

  constructor(options: UpstreamCallOptions) {
    super(options);
    const { exchange, cluster, action } = options;
    this.#exchange = exchange;
    this.#cluster = cluster;
    this.#retry = RetryState.of({
      policy: action.retry,
      head: exchange.head,
      cluster,
      figures: exchange.routeFigures,
      breakers: cluster.breakers[action.priority],
      clock: exchange.runtime.clock,
      jitter: exchange.runtime.chance.jitter,
    });
    const replay = this.#retry?.enabled === true || action.internalRedirects !== undefined;
    const held = exchange.stream.tunnel && awaitsConsent(exchange.head, action);
    this.#timedTunnel = held && isTimed(exchange.head, action);
    this.#body = new RequestBody(replay, !exchange.stream.hasBody, {
      limit: exchange.route?.replayBytes ?? replayBytesOf(exchange.head),
      held,
    });
    const { timeoutMs, perTryTimeoutMs } = options;
    const limits = { timeoutMs, perTryTimeoutMs, perTryIdleMs: action.retry?.perTryIdleTimeoutMs ?? 0 };
    this.#timers = CallTimers.of(this, limits, exchange.runtime.clock);
  }

  start(): void {
    const exchange = this.#exchange;
    exchange.underWay = this;
    if (exchange.virtualHost?.tellsAttemptCount === true) exchange.editResponse(tellAttempts);
    if (this.#timedTunnel) this.#timers?.startWhole();
    this.#try();
    if (this.#exchange.finished) return;
    for (const mirror of this.options.mirrors) mirror.start();
    this.#exchange.attachBody(this);
    if (!this.#exchange.stream.hasBody)
      this.#requestComplete(this.#attempt?.startedAt ?? exchange.runtime.clock.monotonic());
  }

  // The client's side.

  data(chunk: Buffer): void {
    const kept = this.#body.replayable;
    if (this.#body.data(chunk) === 'full') this.#exchange.stream.pause();
    if (kept && !this.#body.replayable && this.#abandonsTries()) return;
    for (const mirror of this.options.mirrors) mirror.data(chunk);
  }

  /** The body has outgrown what is kept of it. True: no try is under way, so that none can be any more, and the client has been told. */
  #abandonsTries(): boolean {
    this.#cluster.stats.abandoned.value++;
    if (this.#attempt !== undefined) return false;
    this.#release('local_reset');
    replyTooLarge(this.#exchange);
    return true;
  }

  end(trailers: Headers | undefined): void {
    this.#body.end(trailers);
    for (const mirror of this.options.mirrors) mirror.end(trailers);
    this.#requestComplete(this.#exchange.runtime.clock.monotonic());
  }

  reset(): void {
    this.cancel();
  }

  cancel(): void {
    this.#release('local_reset');
  }

  /** The client takes more of the answer. */
  drain(): void {
    this.#attempt?.stream?.resume();
  }

  // The host's side.

  connected(attempt: UpstreamAttempt, stream: UpstreamStream): void {
    const { exchange } = this.options;
    this.#attempt = attempt;
    attempt.cluster.report(attempt.choice.host, CONNECTED);
    exchange.info.upstreamLocalAddress = stream.localAddress;
    exchange.info.upstreamProtocol = stream.protocol;
    exchange.info.upstreamConnection = attempt.connection;
    this.#note('poolReady');
    this.#note('requestBegun');
    exchange.upstreamTls = stream.tls;
    if (exchange.steps.on) noteConnected(exchange.steps, attempt.cluster, attempt, stream);
    stream.meter = exchange.info.upstreamBytes;
    const bare = this.#body.ended && !exchange.stream.hasBody;
    attempt.send(exchange.head, bare);
    if (this.options.action.endedTunnels !== undefined) introduceClient(exchange, this.options.action, stream);
    exchange.routeFigures?.count('upstream_rq_total');
    if (!bare && this.#body.attach(stream) === 'more') exchange.stream.resume();
    if (this.#body.ended) this.#note('requestSent');
    if (this.#timedTunnel) this.#startTryTimers();
  }

  writable(): void {
    this.#exchange.stream.resume();
  }

  /** A word before the answer. Whether the client hears it or not, there is no other try after it; as in Envoy, further ones are dropped. */
  informational(head: ResponseHead): void {
    if (this.#begun || !PASSED_ON.has(head.status)) return;
    countAnswer(this.#exchange, this.#cluster, head.status);
    this.#begun = true;
    if (this.#exchange.config.passesInformational) this.#exchange.respondInformational(head);
  }

  responseHead(attempt: UpstreamAttempt, head: ResponseHead, endStream: boolean): void {
    this.#note('responseBegun');
    this.#timers?.endTry();
    this.#timers?.touchTry();
    tellOfAnswer(attempt, this.#exchange.head, head, endStream);
    if (attempt.cluster.reports !== undefined) this.#readReport(attempt, head.headers);
    const verdict = this.#body.replayable && !this.#begun ? this.#retry?.afterResponse(head) : undefined;
    if (this.#exchange.steps.on) noteAnswer(this.#exchange, attempt, head.status, verdict);
    if (verdict?.again === true) {
      this.#cluster.stats.retriedCode(head.status);
      attempt.drop('local_reset');
      this.#again(verdict);
      return;
    }
    if (this.options.action.internalRedirects !== undefined && this.#redirect(head)) return;
    if (this.#exchange.stream.tunnel && this.#answersTunnel(attempt, head)) return;
    countAnswer(this.#exchange, this.#cluster, head.status);
    flagRefusal(this.#exchange, verdict);
    attempt.answered = true;
    this.#body.stopReplay();
    // What kept an earlier try from its host is not told of the host that answers.
    if (this.#exchange.info.attempts > 1) this.#exchange.info.transportFailure = '';
    this.#exchange.info.details = 'via_upstream';
    // As in Envoy, the time is told once the whole request was there.
    if (this.#completeAt !== undefined) tellServiceTime(this.#exchange, head, attempt.startedAt);
    if (endStream) this.#answerComplete(attempt);
    this.#exchange.respondHead(head, endStream);
    if (endStream) tellTime(this.#exchange, this.#cluster, this.#completeAt);
  }

  /** True: the tunnel is refused, and the client has been told. */
  #answersTunnel({ stream }: UpstreamAttempt, head: ResponseHead): boolean {
    const answer = { status: head.status, protocol: stream?.protocol };
    const became = answerTunnel(this.#exchange, answer, this.#body);
    if (became === 'begun' && this.#timedTunnel) this.#timers?.lift();
    if (became !== 'refused') return false;
    this.#release('local_reset');
    replyFailedHandshake(this.#exchange, head);
    return true;
  }

  /** What the host says of its load; the first word counts. */
  #readReport({ choice, cluster }: UpstreamAttempt, headers: Headers): void {
    if (!this.#reported) this.#reported = cluster.reports?.read(choice.host, headers) === true;
  }

  responseData(attempt: UpstreamAttempt, chunk: Buffer): void {
    this.#note('responseBodyBegun');
    this.#timers?.touchTry();
    if (!this.#exchange.respondData(chunk)) attempt.stream?.pause();
  }

  responseEnd(attempt: UpstreamAttempt, trailers: Headers | undefined): void {
    if (trailers !== undefined && attempt.cluster.reports !== undefined) this.#readReport(attempt, trailers);
    if (attempt.awaitsStatus) countStatus(attempt, trailers);
    this.#answerComplete(attempt);
    this.#exchange.respondEnd(trailers);
    tellTime(this.#exchange, this.#cluster, this.#completeAt);
  }

  failed(attempt: UpstreamAttempt, reason: ResetReason, detail: string): void {
    const { host } = attempt.choice;
    this.#timers?.endTry();
    if (reason !== 'overflow') reportFailure(attempt, reason);
    const transport = transportFailure(reason, detail);
    // Nobody has asked that host: the log tells the one before, if there was one.
    if (detail === NO_ROOM_TO_WAIT) forgetHost(this.#exchange.info);
    if (attempt.answered) {
      this.#settle();
      if (isGrpc(this.#exchange.head.headers)) this.#exchange.stats.count('rq_reset_after_downstream_response_started');
      breakAnswer(this.#exchange, reason, transport);
      return;
    }
    this.#exchange.info.transportFailure = transport;
    this.#exchange.info.brokenHandshake = attempt.brokenHandshake;
    const verdict = this.#verdictOnReset(reason, attempt.requestStarted);
    if (this.#exchange.steps.on) noteFailure(this.#exchange, host.key, { reason, detail, verdict });
    if (!this.#goesOn(verdict)) replyReset(this.#exchange, reason, transport, this.#begun ? undefined : this.#cluster);
  }

  /** Follows a redirect where the route wants that; false: the client is to hear of it. */
  #redirect(answer: ResponseHead): boolean {
    const redirected = turnAround(this.#exchange, this.options, answer, this.#body.whole);
    if (redirected) this.#release('local_reset');
    if (redirected) this.#exchange.redirect(answer.status, this.#body.whole ?? []);
    return redirected;
  }

  // Tries.

  #try(): void {
    const { exchange } = this.options;
    exchange.steps.enterAttempt(exchange.info.attempts + 1);
    const choice = this.#cluster.pick(this);
    exchange.info.attempts++;
    if (choice === undefined) {
      this.#noHost();
      return;
    }
    exchange.info.upstreamHost = choice.host.key;
    exchange.upstreamWorkload = choice.host.endpoint.workload;
    exchange.endpoint = choice.host.endpoint;
    const owner = this.#cluster.ownerOf(choice.host);
    if (exchange.steps.on) noteEndpoint(exchange.steps, owner, choice, this.tried?.avoid);
    if (exchange.virtualHost?.includeAttemptCount === true) {
      exchange.head.headers.put('x-envoy-attempt-count', String(exchange.info.attempts));
    }
    const startedAt = exchange.runtime.clock.monotonic();
    tellExpectedTime(exchange, this.options, startedAt - (this.#completeAt ?? startedAt));
    if (this.options.action.hostRewrite?.kind === 'auto') {
      rewriteHost(exchange.head, this.options.action, choice.host.endpoint.hostname);
    }
    const filters = TryFilters.of(exchange, owner);
    this.#attempt = new UpstreamAttempt({
      choice,
      cluster: owner,
      owner: this,
      startedAt,
      request: owner.config.followsClient ? pooledRequest(exchange) : exchange.head,
      priority: this.options.action.priority,
      span: exchange.callSpans && beginTry(exchange, exchange.callSpans),
      log: TryLog.of(exchange, choice, owner),
      filters,
      endsTunnel: endsHere(exchange.head, this.options.action),
    });
    this.#attempt.start();
  }

  #again(verdict: RetryVerdict & { again: true }): void {
    const { retry } = this.options.action;
    if (retry !== undefined) this.tried ??= new RetryHosts(retry);
    this.tried?.left(this.#attempt?.choice);
    this.#attempt = undefined;
    this.#timers?.clearIdle();
    this.#body.detach();
    const { info } = this.#exchange;
    this.#exchange.callSpans?.tries.at(-1)?.tell(this.#exchange);
    info.forgetTry();
    info.hostsTriedBefore = [...info.hostsTriedBefore, info.upstreamHost];
    this.#retry?.schedule(verdict.waitMs, () => {
      this.#try();
      if (this.#exchange.requestEnded) this.#startTryTimers();
    });
  }

  /** After a try without an answer: false where there is no other, and the request is to be answered here. */
  #goesOn(verdict: RetryVerdict | undefined): boolean {
    if (verdict?.again === true) {
      this.#again(verdict);
      return true;
    }
    flagRefusal(this.#exchange, verdict);
    this.#release('local_reset');
    return false;
  }

  #verdictOnReset(reason: ResetReason, requestStarted: boolean): RetryVerdict | undefined {
    if (this.#retry === undefined || this.#begun) return undefined;
    if (!this.#body.replayable) return undefined;
    return this.#retry.afterReset(reason, requestStarted);
  }

  // Timers.

  #requestComplete(now: number): void {
    if (this.#exchange.finished) return;
    if (this.#attempt?.stream !== undefined) this.#note('requestSent');
    this.#completeAt ??= now;
    this.#timers?.startWhole();
    this.#startTryTimers();
  }

  tryIdled(): void {
    if (this.#attempt === undefined || this.#attempt.answered) return;
    this.#cluster.stats.count('upstream_rq_per_try_idle_timeout');
    this.#giveUpTry(this.#attempt, 'upstream_per_try_idle_timeout');
  }

  outlived(attempt: UpstreamAttempt): void {
    attempt.drop('local_reset');
    if (attempt.answered) {
      this.#settle();
      breakOutlived(this.#exchange);
      return;
    }
    const verdict = this.#verdictOnReset('local_reset', true);
    noteOutlived(this.#exchange, attempt, verdict);
    if (!this.#goesOn(verdict)) replyOutlived(this.#exchange);
  }

  #startTryTimers(): void {
    this.#timers?.touchTry();
    if (this.#attempt !== undefined && !this.#attempt.answered) this.#timers?.startTry();
  }

  tryTimedOut(): void {
    const attempt = this.#attempt;
    if (attempt === undefined || attempt.answered) return;
    this.#cluster.stats.rqPerTryTimeout.value++;
    this.#giveUpTry(attempt, 'upstream_per_try_timeout');
  }

  #giveUpTry(attempt: UpstreamAttempt, details: string): void {
    dropTimedOut(attempt);
    const verdict = this.#verdictOnReset('local_reset', true);
    noteTryTimedOut(this.#exchange, attempt, verdict);
    if (!this.#goesOn(verdict)) replyTimeout(this.#exchange, this.#cluster, details);
  }

  timedOut(): void {
    const attempt = this.#attempt;
    this.#cluster.stats.rqTimeout.value++;
    this.#exchange.routeFigures?.count('upstream_rq_timeout');
    if (attempt !== undefined) reportTimeout(attempt.cluster, attempt.choice.host);
    if (attempt?.answered === true) {
      this.#exchange.info.flag('UT');
      this.#exchange.info.details = 'response_timeout';
      this.#release('local_reset');
      this.#exchange.breakOff('local_reset');
      return;
    }
    if (attempt !== undefined) attempt.choice.host.figures.rqError++;
    noteTimedOut(this.#exchange, attempt?.choice.host.key ?? this.#cluster.config.name, this.options.timeoutMs);
    this.#release('local_reset');
    replyTimeout(this.#exchange, this.#cluster, 'response_timeout');
  }

  #note(what: keyof StreamTimes): void {
    if (this.#exchange.info.times !== undefined)
      this.#exchange.info.note(what, this.#exchange.runtime.clock.monotonic());
  }

  // Ends.

  #noHost(): void {
    this.#release('local_reset');
    replyNoHost(this.#exchange, this.#cluster);
  }

  #answerComplete({ stream }: UpstreamAttempt): void {
    this.#note('responseReceived');
    // What is left of the request is of no use.
    if (stream?.protocol === 'HTTP/2' && !this.#body.ended) {
      this.#cluster.stats.count('upstream_rq_tx_reset');
      stream.reset('local_reset');
    }
    this.#settle();
  }

  /** Nothing is to be waited for. */
  #settle(): void {
    for (const mirror of this.options.mirrors) mirror.abandon();
    this.#timers?.stop();
    this.#retry?.release();
    this.#body.detach();
  }

  #release(reason: ResetReason): void {
    this.#settle();
    this.#attempt?.drop(reason);
    this.#attempt = undefined;
  }
}
