import type { SocketAddress } from '#domain';
import type { HttpFilterConfig } from '../config/network-filter.ts';
import { noteResponse } from '../decisions/hop-record.ts';
import type { HopSteps } from '../decisions/hop-steps.ts';
import type { FormatProxy, FormatSubject, MetadataKind, ResourceMetadata } from '../format/subject.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { ProxyRuntime } from '../runtime.ts';
import type { HttpStats } from '../stats/http-stats.ts';
import type { Stat } from '../stats/stats.ts';
import type { AnswerFilters, BodyCoder, BodyOut } from './answer-filters.ts';
import { ByteMeter } from './byte-meter.ts';
import { clientSocketAddress } from './client-address.ts';
import type { BodySink, DownstreamStream, RequestHead, ResetReason, ResponseHead } from './codec.ts';
import { afterNextTurn, afterTurn, type LateWorker } from './end-of-turn.ts';
import { type ExchangeOptions, type FollowedRedirect, stepsOf } from './exchange-options.ts';
import { isGrpc } from './grpc.ts';
import { countMessages, type GrpcMessages } from './grpc-messages.ts';
import { Headers } from './headers.ts';
import { buildReply, type LocalReply } from './local-reply.ts';
import { logTunnel } from './log-meanwhile.ts';
import { replaceAnswer } from './replace-answer.ts';
import { Recoding, RequestBacklog } from './request-backlog.ts';
import { RequestFacts } from './request-facts.ts';
import { metadataOf } from './resource-metadata.ts';
import { StreamInfo } from './stream-info.ts';
import { EXPIRED, StreamTimers } from './stream-timers.ts';

/** next: the following layer runs at once. wait: this layer answers, or calls `proceed` later. */
export type LayerOutcome = 'next' | 'wait';
/** One step on a request's way; a proxy's layers are a list that is read top to bottom. */
export type RequestLayer = (exchange: Exchange) => LayerOutcome;

/** Takes the request's body once a layer wants it. */
export interface BodyTarget extends BodySink {
  drain(): void;
}

/** A change to a response head. */
export type ResponseEdit = (head: ResponseHead, exchange: Exchange) => void;

const NONE_FOLLOWED: readonly FollowedRedirect[] = [];
const NOT_RECORDED = new Headers();

/** One request and its answer on their way through this proxy. */
export class Exchange extends RequestFacts implements FormatSubject, BodyTarget, LateWorker {
  readonly runtime: ProxyRuntime;
  readonly connection: ConnectionContext;
  readonly config: HttpFilterConfig;
  readonly stream: DownstreamStream;
  readonly head: RequestHead;
  readonly info: StreamInfo;
  readonly steps: HopSteps;
  /** Figures of the connection manager. */
  readonly stats: HttpStats;
  /** The request as it arrived; its headers only where steps are recorded. */
  readonly received: { readonly path: string; readonly authority: string; readonly headers: Headers };
  /** Counted where the request is gRPC and somebody counts. */
  readonly messages: GrpcMessages | undefined;
  requestEnded = false;
  /** The client's connection ended in the middle of it. */
  endedWithConnection = false;
  /** Redirects of hosts that it has followed: the names of the routes that led to them, and to which they led. */
  redirects: readonly FollowedRedirect[] = NONE_FOLLOWED;
  /** It counts among no answers: it goes on as another exchange, or somebody asked how this proxy is. */
  uncounted = false;
  /** Counts while a request that may leave HTTP is under way. */
  upgrade: Stat | undefined;
  /** Where the configuration has filters that change answers. */
  answerFilters: AnswerFilters | undefined;
  /** The edits that come before and after all others, whoever answers. */
  answerRules: ResponseEdit | undefined;
  completeResponse: ((exchange: Exchange, head: ResponseHead) => void) | undefined;
  /**
   * What ends when the client leaves; set by the layer that is at work. An object, not a function: V8 keeps what a closure for each request refers
   * to through every young collection until it has optimized its maker, and a cold proxy then stops for full collections.
   */
  underWay: { cancel(): void } | undefined;
  readonly #options: ExchangeOptions;
  #timers: StreamTimers | undefined;
  #at = 0;
  /** Where the request has a body: what takes it as it comes. */
  readonly #arriving: RequestBacklog | undefined;
  /** The same, behind the filters that change it. */
  #backlog: RequestBacklog | undefined;
  #target: BodyTarget | undefined;
  /** Where filters change the request's body. */
  #recoding: Recoding | undefined;
  #finished = false;
  /** Nearly every answer is edited once. */
  #firstEdit: ResponseEdit | undefined;
  #furtherEdits: ResponseEdit[] | undefined;

  constructor(options: ExchangeOptions, stream: DownstreamStream) {
    super();
    const { runtime } = options;
    this.runtime = runtime;
    this.connection = options.connection;
    this.config = options.config;
    this.stats = options.stats;
    this.stream = stream;
    this.head = stream.head;
    this.#options = options;
    const { clock } = runtime;
    const startedAt = clock.monotonic();
    this.info = new StreamInfo(clock.now(), startedAt);
    if (options.config.serving.metered) {
      this.info.downstreamBytes = stream.meter;
      this.info.upstreamBytes = new ByteMeter();
    }
    if (options.config.timed) this.info.times = stream.hasBody ? {} : { requestReceived: 0 };
    this.steps = stepsOf(options, startedAt);
    const { path, authority, headers } = this.head;
    this.received = { path, authority, headers: this.steps.on ? headers.clone() : NOT_RECORDED };
    const { stats, countsGrpc } = options.config;
    if ((stats.length > 0 || countsGrpc) && isGrpc(headers)) this.messages = countMessages();
    this.requestEnded = !stream.hasBody;
    if (stream.hasBody) this.#arriving = this.#backlog = new RequestBacklog(stream);
    this.#timers = StreamTimers.of(this, options.config.serving, clock);
    stream.receive(this);
  }

  get remoteAddress(): SocketAddress {
    return clientSocketAddress(this);
  }

  get proxy(): FormatProxy {
    return this.runtime.self;
  }

  get tracerSpan(): FormatSubject['tracerSpan'] {
    if (this.config.tracing?.tracer === undefined) return undefined;
    return { traceId: this.span.traceId, spanId: this.entrySpanId || this.span.spanId };
  }

  resourceMetadata(kind: MetadataKind): ResourceMetadata | undefined {
    return metadataOf(this, kind);
  }

  get flushTimeoutMs(): number {
    return this.#timers?.silenceMs ?? 0;
  }

  get finished(): boolean {
    return this.#finished;
  }

  /** The route's own limits in milliseconds in place of the connection manager's; 0: none, undefined: that one stays. */
  limit(durationMs: number | undefined, silenceMs: number | undefined): void {
    if (this.#timers === undefined && !durationMs && !silenceMs) return;
    this.#timers ??= new StreamTimers(this, this.config.serving, this.runtime.clock);
    if (durationMs !== undefined) this.#timers.limitDuration(durationMs);
    if (silenceMs !== undefined) this.#timers.limitSilence(silenceMs);
  }

  /** The request goes on where a host has redirected it; what is known of it so far is one line of the log. */
  redirect(status: number, body: readonly Buffer[]): void {
    this.info.status = status;
    this.info.details = 'internal_redirect';
    this.uncounted = true;
    this.underWay = undefined;
    this.#finish();
    this.#options.onRedirect(this, body);
  }

  /** Takes up a request that was redirected, from the layer on that follows `after`. */
  continueAfter(before: Exchange, after: RequestLayer): void {
    this.continueTrace(before);
    this.completeResponse = before.completeResponse;
    this.redirects = before.redirects;
    this.info.bytesReceived += before.info.bytesReceived;
    this.#at = this.#options.layers.indexOf(after) + 1;
    this.proceed();
  }

  /** Runs the layers that are left, until one waits. */
  proceed(): void {
    const { layers } = this.#options;
    while (this.#at < layers.length && !this.#finished) {
      const layer = layers[this.#at++]!;
      if (layer(this) === 'wait') return;
    }
  }

  /** Gives the request's body to `target`, what has arrived already first. Nothing is given to it for a request without body. */
  attachBody(target: BodyTarget): void {
    this.#target = target;
    this.#backlog?.attach(target);
  }

  /** Keeps what a layer has taken of the body for the one that forwards it. */
  holdBody(chunks: Buffer[], bytes: number): void {
    this.#target = undefined;
    this.#backlog?.hold(chunks, bytes);
  }

  /** Has the request's body changed on its way to later layers. */
  recodeBody(make: (out: BodyOut) => BodyCoder): void {
    if (this.#backlog === undefined) return;
    this.#recoding = new Recoding(this.#backlog, this.stream, this.#recoding);
    this.#backlog = this.#recoding.begin(make);
  }

  /** Adds a change to the response head behind those that are there. */
  editResponse(edit: ResponseEdit): void {
    if (this.#firstEdit === undefined) this.#firstEdit = edit;
    else {
      this.#furtherEdits ??= [];
      this.#furtherEdits.push(edit);
    }
  }

  respondInformational(head: ResponseHead): void {
    this.#options.onInformational(head.status);
    this.stream.sendInformational(head);
  }

  respondHead(head: ResponseHead, endStream: boolean): void {
    this.info.status = head.status;
    this.#respond(head, endStream);
  }

  #respond(head: ResponseHead, endStream: boolean, seal?: (head: ResponseHead) => void): void {
    this.responseHead = head;
    if (this.info.times !== undefined) this.info.note('answerBegun', this.runtime.clock.monotonic());
    this.#timers?.touch();
    this.answerRules?.(head, this);
    this.#firstEdit?.(head, this);
    if (this.#furtherEdits !== undefined) for (const edit of this.#furtherEdits) edit(head, this);
    seal?.(head);
    const instead = this.answerFilters?.begin(this, head, endStream);
    if (instead === 'held') return;
    if (instead === undefined) this.passHead(head, endStream);
    else if (instead === 'left') {
      this.underWay?.cancel();
      this.redirect(head.status, []);
    } else replaceAnswer(this, instead);
  }

  /** Sends the head of the answer as the client is to see it. */
  passHead(head: ResponseHead, endStream: boolean): void {
    this.info.status = head.status;
    this.completeResponse?.(this, head);
    if (this.stream.tunnel) logTunnel(this, head);
    if (!this.requestEnded) this.stats.count('downstream_rq_response_before_rq_complete');
    this.stream.sendHead(head, endStream);
    if (endStream) this.#answered();
  }

  /** False: the client is slow; wait for `drain` on the body's target. */
  respondData(chunk: Buffer): boolean {
    this.messages?.responses.feed(chunk);
    this.#timers?.touch();
    const coder = this.answerFilters?.coder;
    return coder === undefined ? this.passData(chunk) : coder.data(chunk);
  }

  /** Sends a part of the body as the client is to see it. */
  passData(chunk: Buffer): boolean {
    if (this.#finished) return true;
    this.info.bytesSent += chunk.length;
    return this.stream.sendData(chunk);
  }

  respondEnd(trailers: Headers | undefined): void {
    if (this.#finished) return;
    this.responseTrailers = trailers;
    this.info.grpcStatus = trailers?.get('grpc-status');
    const coder = this.answerFilters?.coder;
    if (coder === undefined) this.passEnd(trailers);
    else coder.end(trailers);
  }

  passEnd(trailers: Headers | undefined): void {
    if (this.#finished) return;
    this.stream.sendEnd(trailers);
    this.#answered();
  }

  /** Answers the request here. */
  reply(given: LocalReply): void {
    if (this.#finished) return;
    if (given.flag !== undefined) this.info.flag(given.flag);
    this.info.details = given.details;
    const reply = this.config.localReply === undefined ? given : this.config.localReply(given, this);
    // A bad request may be one that was read wrong: nothing more is read from this client.
    if (reply.status === 400) this.stream.closeAfter();
    this.localBody = reply.body;
    const { head, body, seal } = buildReply(this, reply);
    this.#respond(head, body === undefined, seal);
    if (body === undefined) return;
    this.respondData(body);
    this.respondEnd(undefined);
  }

  /** Its time is over: an answer that has begun is broken off. */
  expire(reply: LocalReply): void {
    if (this.#finished) return;
    const counter = EXPIRED[reply.details];
    if (counter !== undefined) this.stats.count(counter);
    this.underWay?.cancel();
    if (this.responseHead === undefined) this.reply(reply);
    else {
      if (reply.flag !== undefined) this.info.flag(reply.flag);
      this.info.details = reply.details;
      this.breakOff('local_reset');
    }
  }

  /** Breaks off an answer that has begun. */
  breakOff(reason: ResetReason): void {
    if (this.#finished) return;
    this.stats.count('downstream_rq_tx_reset');
    this.stats.count('downstream_rq_rx_reset');
    this.stream.reset(reason);
    this.#finish();
  }

  // What the client's connection tells.

  data(chunk: Buffer): void {
    this.info.bytesReceived += chunk.length;
    this.messages?.requests.feed(chunk);
    this.#timers?.touch();
    this.#arriving?.data(chunk);
  }

  end(trailers: Headers | undefined): void {
    if (this.requestEnded) return;
    this.requestEnded = true;
    if (this.info.times !== undefined) this.info.note('requestReceived', this.runtime.clock.monotonic());
    this.#timers?.requestEnded();
    this.#arriving?.end(trailers);
  }

  reset(
    reason: ResetReason,
    detail: string,
    answer?: { readonly head: ResponseHead; readonly bodyBytes: number },
  ): void {
    if (this.#finished) return;
    this.stats.count('downstream_rq_rx_reset');
    if (answer !== undefined) {
      this.info.bytesSent = answer.bodyBytes;
      this.stats.count('downstream_rq_response_before_rq_complete');
    }
    if (reason === 'connection_termination') this.endedWithConnection = true;
    if (detail !== '') this.info.flag(reason === 'protocol_error' ? 'DPE' : reason === 'remote_reset' ? 'DR' : 'DC');
    if (detail !== '') this.info.details = detail;
    if (this.responseHead === undefined) this.info.status = answer?.head.status ?? 0;
    this.underWay?.cancel();
    this.responseHead ??= answer?.head;
    this.#finish();
  }

  drain(): void {
    this.answerFilters?.coder?.resume();
    this.drainTarget();
  }

  /** Whoever answers may go on. */
  drainTarget(): void {
    this.#target?.drain();
  }

  /** The answer is complete. It leaves before anything is written down of it; where a proxy waits for it, it goes on to the client first. */
  #answered(): void {
    if (this.info.times !== undefined) this.info.note('answerSent', this.runtime.clock.monotonic());
    // As in Envoy, what is left of a request whose answer is complete is reset.
    if (!this.requestEnded && !this.#finished) this.stats.count('downstream_rq_rx_reset');
    if (!this.#end(true)) return;
    const { direction, tls } = this.connection;
    if (direction === 'inbound' && tls !== undefined) afterNextTurn(this);
    else afterTurn(this);
  }

  workLate(): void {
    this.#options.onFinish(this);
  }

  #finish(): void {
    if (this.#end(false)) this.#options.onFinish(this);
  }

  /** `whole`: the answer was sent to its end. False: it had ended before. */
  #end(whole: boolean): boolean {
    if (this.#finished) return false;
    this.#finished = true;
    if (this.upgrade !== undefined) this.upgrade.value--;
    if (this.disturbed !== undefined) this.disturbed.value--;
    this.#timers?.stop();
    this.nextEntry?.cancel();
    this.answerFilters?.coder?.cancel();
    this.#recoding?.cancel();
    this.info.durationMs = this.runtime.clock.monotonic() - this.info.startedAt;
    if (this.afterwards !== undefined) for (const work of this.afterwards) work(whole);
    if (this.steps.on) noteResponse(this);
    return true;
  }
}
