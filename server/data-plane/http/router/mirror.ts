import type { Timer } from '#domain';
import { originOf } from '../../config/origins.ts';
import type { ForwardAction, MirrorPolicy } from '../../config/route-table.ts';
import { originalDestination } from '../../listener/connection-context.ts';
import { NO_HASH, type UpstreamCluster } from '../../upstream/cluster.ts';
import { changeRequest } from '../change-headers.ts';
import type { RequestHead, ResetReason, ResponseHead, UpstreamStream } from '../codec.ts';
import type { Exchange } from '../exchange.ts';
import type { Headers } from '../headers.ts';
import { newSpanId, type SpanContext } from '../trace-context.ts';
import { handToCopy } from '../tracing/hand-on.ts';
import { type AttemptOwner, UpstreamAttempt } from './attempt.ts';
import { shortName } from './choose-share.ts';
import { reportAnswer } from './outlier-report.ts';
import { RequestBody } from './request-body.ts';
import { RESET_WORDS, type ResetWords } from './reset-reasons.ts';
import { awaitsConsent, isConsent } from './tunnels.ts';

/** A slow mirror is given up when this much of the request waits for it. */
const MIRROR_BYTES = 1024 * 1024;

export interface MirrorOptions {
  readonly exchange: Exchange;
  readonly action: ForwardAction;
  readonly cluster: UpstreamCluster;
  readonly policy: MirrorPolicy;
  /** The request's own limit holds for its copy too; 0: none. */
  readonly timeoutMs: number;
  /** What the copy's host is told where there is no such limit; 0: nothing. */
  readonly perTryTimeoutMs: number;
  readonly onResult: (result: MirrorResult) => void;
}

/** Why a copy has no whole answer, as logs would tell it. */
type MirrorFailure = Pick<ResetWords, 'flag' | 'status' | 'details'>;

const NO_HOST: MirrorFailure = { flag: 'UH', status: 503, details: 'no_healthy_upstream' };
const TIMEOUT: MirrorFailure = { flag: 'UT', status: 504, details: 'response_timeout' };

/** What became of a mirrored request; nobody waits for it. */
export interface MirrorResult {
  readonly cluster: UpstreamCluster;
  readonly host: string;
  /** SPIFFE id that the host proved; empty without mutual TLS. */
  readonly peerId: string;
  readonly span: SpanContext;
  readonly status: number;
  readonly failure: MirrorFailure | undefined;
  readonly durationMs: number;
  readonly bytes: number;
}

/** A copy of a request, sent and forgotten: its answer is read and thrown away. */
export class MirrorCall implements AttemptOwner {
  readonly #exchange: Exchange;
  readonly #cluster: UpstreamCluster;
  readonly #onResult: (result: MirrorResult) => void;
  readonly #head: RequestHead;
  readonly #span: SpanContext;
  readonly #body: RequestBody;
  readonly #startedAt: number;
  readonly #timeoutMs: number;
  /** Its bytes wait until the copy's host has agreed. */
  readonly #tunnel: boolean;
  #attempt: UpstreamAttempt | undefined;
  #over = false;
  #timer: Timer | undefined;
  #waiting = 0;
  #status = 0;
  #bytes = 0;
  #peerId = '';

  constructor(options: MirrorOptions) {
    const { exchange, action, policy, timeoutMs, perTryTimeoutMs } = options;
    this.#exchange = exchange;
    this.#cluster = options.cluster;
    this.#onResult = options.onResult;
    const { span } = exchange;
    const spanId = newSpanId(exchange.runtime.chance.ids);
    const parentSpanId = exchange.entrySpanId || span.spanId;
    this.#span = { ...span, parentSpanId, spanId, sampled: policy.sampled ?? span.sampled };
    this.#head = { ...exchange.head, headers: exchange.head.headers.clone() };
    handToCopy(exchange, this.#head.headers, this.#span);
    this.#timeoutMs = timeoutMs;
    markAsCopy(this.#head.headers, exchange);
    if (policy.headers.length > 0) changeRequest(this.#head, policy.headers, exchange);
    if (policy.host !== undefined) this.#head.authority = policy.host;
    if (policy.marksHost) this.#head.authority = shadowHost(this.#head.authority);
    const expectedMs = timeoutMs > 0 || exchange.config.hidesEnvoyHeaders ? timeoutMs : perTryTimeoutMs;
    if (expectedMs > 0) this.#head.headers.put('x-envoy-expected-rq-timeout-ms', String(Math.round(expectedMs)));
    this.#tunnel = exchange.stream.tunnel && awaitsConsent(exchange.head, action);
    this.#body = new RequestBody(false, !exchange.stream.hasBody, { held: this.#tunnel });
    this.#startedAt = exchange.runtime.clock.monotonic();
  }

  start(): void {
    const { runtime, connection, steps, route } = this.#exchange;
    const { name } = this.#cluster.config;
    steps.add('route', 'applied', name, () => ({
      detail: `a copy goes to ${shortName(name)}; its answer is thrown away`,
      origin: originOf(route?.origins, 'request_mirror_policies'),
    }));
    const choice = this.#cluster.pick({ originalDestination: originalDestination(connection), hash: NO_HASH });
    if (choice === undefined) {
      this.#count(NO_HOST.status);
      this.#done(NO_HOST);
      return;
    }
    const startedAt = runtime.clock.monotonic();
    const request = this.#head;
    this.#attempt = new UpstreamAttempt({
      choice,
      cluster: this.#cluster.ownerOf(choice.host),
      owner: this,
      startedAt,
      request,
    });
    this.#attempt.start();
    if (!this.#exchange.stream.hasBody || (this.#tunnel && this.#head.method !== 'CONNECT')) this.#await();
  }

  data(chunk: Buffer): void {
    if (this.#body.data(chunk) === 'more') return;
    this.#waiting += chunk.length;
    if (this.#waiting > MIRROR_BYTES) this.#attempt?.drop('local_reset');
  }

  end(trailers: Headers | undefined): void {
    this.#body.end(trailers);
    this.#await();
  }

  /** The request is over. As in Envoy, a copy of which more would have to come is broken off. */
  abandon(): void {
    if (this.#over || this.#body.ended || this.#attempt === undefined) return;
    this.#attempt.drop('local_reset');
    this.#done(RESET_WORDS.local_reset);
  }

  connected(attempt: UpstreamAttempt, stream: UpstreamStream): void {
    const bare = !this.#exchange.stream.hasBody;
    this.#attempt = attempt;
    this.#peerId = stream.tls?.peerSpiffeId ?? '';
    attempt.send(this.#head, bare);
    if (!bare) this.#body.attach(stream);
  }

  writable(): void {
    this.#waiting = 0;
  }

  informational(): void {
    // A mirror's answer goes to nobody, and so do the notes before it.
  }

  responseHead({ choice, cluster, stream }: UpstreamAttempt, head: ResponseHead, endStream: boolean): void {
    this.#status = head.status;
    reportAnswer(cluster, choice.host, this.#head, head);
    this.#count(head.status);
    if (this.#tunnel && isConsent(this.#head, { status: head.status, protocol: stream?.protocol })) this.#begin();
    if (endStream) this.#done(undefined);
  }

  responseData(_attempt: UpstreamAttempt, chunk: Buffer): void {
    this.#bytes += chunk.length;
  }

  responseEnd(): void {
    this.#done(undefined);
  }

  failed({ choice, cluster }: UpstreamAttempt, reason: ResetReason): void {
    if (reason !== 'overflow') cluster.report(choice.host, { localOrigin: 'connect' });
    if (this.#status === 0) this.#count(RESET_WORDS[reason].status);
    this.#done(RESET_WORDS[reason]);
  }

  /** The tunnel stands. */
  #begin(): void {
    this.#timer?.cancel();
    this.#body.letGo();
  }

  #await(): void {
    if (this.#timeoutMs === 0 || this.#timer !== undefined) return;
    this.#timer = this.#exchange.runtime.clock.after(this.#timeoutMs, () => this.#timedOut());
  }

  #timedOut(): void {
    const attempt = this.#attempt;
    this.#cluster.stats.rqTimeout.value++;
    attempt?.cluster.report(attempt.choice.host, { localOrigin: 'timeout' });
    this.#attempt?.drop('local_reset');
    if (this.#status === 0) this.#count(TIMEOUT.status);
    this.#done(TIMEOUT);
  }

  #count(status: number): void {
    this.#cluster.stats.code(status, 'internal');
  }

  #done(failure: MirrorFailure | undefined): void {
    this.#over = true;
    this.#timer?.cancel();
    const durationMs = this.#exchange.runtime.clock.monotonic() - this.#startedAt;
    if (failure === undefined) this.#cluster.stats.answeredInternally(durationMs);
    this.#onResult({
      cluster: this.#cluster,
      host: this.#attempt?.choice.host.key ?? '',
      peerId: this.#peerId,
      span: this.#span,
      status: this.#status,
      failure,
      durationMs,
      bytes: this.#bytes,
    });
  }
}

/** `shop:80` becomes `shop-shadow:80`. */
function shadowHost(authority: string): string {
  const port = /:\d+$/.exec(authority)?.[0] ?? '';
  return `${authority.slice(0, authority.length - port.length)}-shadow${port}`;
}

/** Envoy's own client sends the copy: a request from inside, from this proxy's address. */
function markAsCopy(headers: Headers, { runtime, virtualHost }: Exchange): void {
  const before = headers.joined('x-forwarded-for');
  headers.put('x-forwarded-for', before === undefined ? runtime.self.ip : `${before},${runtime.self.ip}`);
  headers.put('x-envoy-internal', 'true');
  if (virtualHost?.includeAttemptCount === true) headers.put('x-envoy-attempt-count', '1');
}
