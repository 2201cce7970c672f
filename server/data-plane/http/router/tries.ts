import type { UpstreamCluster } from '../../upstream/cluster.ts';
import { NO_ROOM_TO_WAIT } from '../../upstream/pool-breakers.ts';
import type { ResetReason, ResponseHead, UpstreamStream } from '../codec.ts';
import type { Exchange } from '../exchange.ts';
import { isGrpc } from '../grpc.ts';
import type { Headers } from '../headers.ts';
import type { StreamTimes } from '../stream-info.ts';
import { beginTry } from '../tracing/hand-on.ts';
import { type AttemptOwner, UpstreamAttempt } from './attempt.ts';
import type { UpstreamCallOptions } from './call-options.ts';
import { breakAnswer, flagRefusal, forgetHost, replyNoHost, replyReset, replyTimeout } from './call-replies.ts';
import { noteEndpoint, noteFailure } from './call-steps.ts';
import { CallTimers, type TimedCall } from './call-timers.ts';
import { tellExpectedTime } from './expected-time.ts';
import { HostWish } from './host-wish.ts';
import { reportFailure, reportTimeout } from './outlier-report.ts';
import { breakOutlived, noteOutlived, replyOutlived } from './outlived-try.ts';
import { pooledRequest } from './pooled-request.ts';
import { RequestBody, replayBytesOf } from './request-body.ts';
import { transportFailure } from './reset-reasons.ts';
import { RetryHosts } from './retry-hosts.ts';
import { RetryState, type RetryVerdict } from './retry-state.ts';
import { rewriteHost } from './rewrite.ts';
import { dropTimedOut, noteTimedOut, noteTryTimedOut } from './timed-out.ts';
import { TryFilters } from './try-filters.ts';
import { TryLog } from './try-log.ts';
import { awaitsConsent, endsHere } from './tunnels.ts';

/** The tries of one request: how they begin, how long they may take, and what follows one that ends without an answer. */
export abstract class Tries extends HostWish implements AttemptOwner, TimedCall {
  protected readonly exchange: Exchange;
  protected readonly cluster: UpstreamCluster;
  protected readonly retry: RetryState | undefined;
  protected readonly body: RequestBody;
  protected readonly timers: CallTimers | undefined;
  protected attempt: UpstreamAttempt | undefined;
  /** The host has said something before its answer. */
  protected begun = false;
  /** Monotonic time at which the request was complete. */
  protected completeAt: number | undefined;

  constructor(options: UpstreamCallOptions) {
    super(options);
    const { exchange, cluster, action } = options;
    this.exchange = exchange;
    this.cluster = cluster;
    this.retry = RetryState.of({
      policy: action.retry,
      head: exchange.head,
      cluster,
      figures: exchange.routeFigures,
      breakers: cluster.breakers[action.priority],
      clock: exchange.runtime.clock,
      jitter: exchange.runtime.chance.jitter,
    });
    const replay = this.retry?.enabled === true || action.internalRedirects !== undefined;
    this.body = new RequestBody(replay, !exchange.stream.hasBody, {
      limit: exchange.route?.replayBytes ?? replayBytesOf(exchange.head),
      held: exchange.stream.tunnel && awaitsConsent(exchange.head, action),
    });
    const { timeoutMs, perTryTimeoutMs } = options;
    const limits = { timeoutMs, perTryTimeoutMs, perTryIdleMs: action.retry?.perTryIdleTimeoutMs ?? 0 };
    this.timers = CallTimers.of(this, limits, exchange.runtime.clock);
  }

  abstract connected(attempt: UpstreamAttempt, stream: UpstreamStream): void;
  abstract writable(): void;
  abstract informational(head: ResponseHead): void;
  abstract responseHead(attempt: UpstreamAttempt, head: ResponseHead, endStream: boolean): void;
  abstract responseData(attempt: UpstreamAttempt, chunk: Buffer): void;
  abstract responseEnd(attempt: UpstreamAttempt, trailers: Headers | undefined): void;

  /** Begins a try, the first or another. */
  protected begin(): void {
    const { exchange } = this.options;
    exchange.steps.enterAttempt(exchange.info.attempts + 1);
    const choice = this.cluster.pick(this);
    exchange.info.attempts++;
    if (choice === undefined) {
      this.#noHost();
      return;
    }
    exchange.info.upstreamHost = choice.host.key;
    exchange.upstreamWorkload = choice.host.endpoint.workload;
    exchange.endpoint = choice.host.endpoint;
    const owner = this.cluster.ownerOf(choice.host);
    if (exchange.steps.on) noteEndpoint(exchange.steps, owner, choice, this.tried?.avoid);
    if (exchange.virtualHost?.includeAttemptCount === true) {
      exchange.head.headers.put('x-envoy-attempt-count', String(exchange.info.attempts));
    }
    const startedAt = exchange.runtime.clock.monotonic();
    tellExpectedTime(exchange, this.options, startedAt - (this.completeAt ?? startedAt));
    if (this.options.action.hostRewrite?.kind === 'auto') {
      rewriteHost(exchange.head, this.options.action, choice.host.endpoint.hostname);
    }
    const filters = TryFilters.of(exchange, owner);
    this.attempt = new UpstreamAttempt({
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
    this.attempt.start();
  }

  protected again(verdict: RetryVerdict & { again: true }): void {
    const { retry } = this.options.action;
    if (retry !== undefined) this.tried ??= new RetryHosts(retry);
    this.tried?.left(this.attempt?.choice);
    this.attempt = undefined;
    this.timers?.clearIdle();
    this.body.detach();
    const { info } = this.exchange;
    this.exchange.callSpans?.tries.at(-1)?.tell(this.exchange);
    info.forgetTry();
    info.hostsTriedBefore = [...info.hostsTriedBefore, info.upstreamHost];
    this.retry?.schedule(verdict.waitMs, () => {
      this.begin();
      if (this.exchange.requestEnded) this.startTryTimers();
    });
  }

  /** After a try without an answer: false where there is no other, and the request is to be answered here. */
  #goesOn(verdict: RetryVerdict | undefined): boolean {
    if (verdict?.again === true) {
      this.again(verdict);
      return true;
    }
    flagRefusal(this.exchange, verdict);
    this.release('local_reset');
    return false;
  }

  #verdictOnReset(reason: ResetReason, requestStarted: boolean): RetryVerdict | undefined {
    if (this.retry === undefined || this.begun) return undefined;
    if (!this.body.replayable) return undefined;
    return this.retry.afterReset(reason, requestStarted);
  }

  failed(attempt: UpstreamAttempt, reason: ResetReason, detail: string): void {
    const { host } = attempt.choice;
    this.timers?.endTry();
    if (reason !== 'overflow') reportFailure(attempt, reason);
    const transport = transportFailure(reason, detail);
    // Nobody has asked that host: the log tells the one before, if there was one.
    if (detail === NO_ROOM_TO_WAIT) forgetHost(this.exchange.info);
    if (attempt.answered) {
      this.settle();
      if (isGrpc(this.exchange.head.headers)) this.exchange.stats.count('rq_reset_after_downstream_response_started');
      breakAnswer(this.exchange, reason, transport);
      return;
    }
    this.exchange.info.transportFailure = transport;
    this.exchange.info.brokenHandshake = attempt.brokenHandshake;
    const verdict = this.#verdictOnReset(reason, attempt.requestStarted);
    if (this.exchange.steps.on) noteFailure(this.exchange, host.key, { reason, detail, verdict });
    if (!this.#goesOn(verdict)) replyReset(this.exchange, reason, transport, this.begun ? undefined : this.cluster);
  }

  // Time.

  /** The client has said all. */
  protected requestComplete(now: number): void {
    if (this.exchange.finished) return;
    if (this.attempt?.stream !== undefined) this.note('requestSent');
    this.completeAt ??= now;
    this.timers?.startWhole();
    this.startTryTimers();
  }

  tryIdled(): void {
    if (this.attempt === undefined || this.attempt.answered) return;
    this.cluster.stats.count('upstream_rq_per_try_idle_timeout');
    this.#giveUpTry(this.attempt, 'upstream_per_try_idle_timeout');
  }

  outlived(attempt: UpstreamAttempt): void {
    attempt.drop('local_reset');
    if (attempt.answered) {
      this.settle();
      breakOutlived(this.exchange);
      return;
    }
    const verdict = this.#verdictOnReset('local_reset', true);
    noteOutlived(this.exchange, attempt, verdict);
    if (!this.#goesOn(verdict)) replyOutlived(this.exchange);
  }

  protected startTryTimers(): void {
    this.timers?.touchTry();
    if (this.attempt !== undefined && !this.attempt.answered) this.timers?.startTry();
  }

  tryTimedOut(): void {
    const attempt = this.attempt;
    // As in Envoy, whose host has said a word before the answer has the time of the whole request.
    if (attempt === undefined || attempt.answered || this.begun) return;
    this.cluster.stats.rqPerTryTimeout.value++;
    this.#giveUpTry(attempt, 'upstream_per_try_timeout');
  }

  #giveUpTry(attempt: UpstreamAttempt, details: string): void {
    dropTimedOut(attempt);
    const verdict = this.#verdictOnReset('local_reset', true);
    noteTryTimedOut(this.exchange, attempt, verdict);
    if (!this.#goesOn(verdict)) replyTimeout(this.exchange, this.cluster, details);
  }

  timedOut(): void {
    const attempt = this.attempt;
    // While it waits for its next try nobody is asked, so nobody took too long.
    if (attempt !== undefined) this.#countTimeout(attempt);
    if (attempt?.answered === true) {
      this.exchange.info.flag('UT');
      this.exchange.info.details = 'response_timeout';
      this.release('local_reset');
      this.exchange.breakOff('local_reset');
      return;
    }
    if (attempt !== undefined) attempt.choice.host.figures.rqError++;
    noteTimedOut(this.exchange, attempt?.choice.host.key ?? this.cluster.config.name, this.options.timeoutMs);
    this.release('local_reset');
    replyTimeout(this.exchange, attempt && !this.begun ? this.cluster : undefined, 'response_timeout');
  }

  #countTimeout({ cluster, choice }: UpstreamAttempt): void {
    this.cluster.stats.rqTimeout.value++;
    this.exchange.routeFigures?.count('upstream_rq_timeout');
    reportTimeout(cluster, choice.host);
  }

  protected note(what: keyof StreamTimes): void {
    if (this.exchange.info.times !== undefined) this.exchange.info.note(what, this.exchange.runtime.clock.monotonic());
  }

  // Ends.

  #noHost(): void {
    this.release('local_reset');
    replyNoHost(this.exchange, this.cluster);
  }

  /** Nothing is to be waited for. */
  protected settle(): void {
    for (const mirror of this.options.mirrors) mirror.abandon();
    this.timers?.stop();
    this.retry?.release();
    this.body.detach();
  }

  protected release(reason: ResetReason): void {
    this.settle();
    this.attempt?.drop(reason);
    this.attempt = undefined;
  }
}
