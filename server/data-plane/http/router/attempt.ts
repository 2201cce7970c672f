import type { HandshakeRecord, Timer } from '#domain';
import type { UpstreamCluster } from '../../upstream/cluster.ts';
import type { HostChoice } from '../../upstream/pick-context.ts';
import type { RoutePriority } from '../../upstream/pool-breakers.ts';
import { preconnect } from '../../upstream/preconnect.ts';
import type {
  PooledRequest,
  RequestHead,
  ResetReason,
  ResponseHead,
  ResponseSink,
  StreamWaiter,
  UpstreamConnection,
  UpstreamStream,
} from '../codec.ts';
import type { Headers } from '../headers.ts';
import type { TrySpan } from '../tracing/call-spans.ts';
import type { TryFilters } from './try-filters.ts';
import type { TryLog } from './try-log.ts';

/** Whoever makes tries; told what became of this one. */
export interface AttemptOwner {
  connected(attempt: UpstreamAttempt, stream: UpstreamStream): void;
  informational(head: ResponseHead): void;
  responseHead(attempt: UpstreamAttempt, head: ResponseHead, endStream: boolean): void;
  responseData(attempt: UpstreamAttempt, chunk: Buffer): void;
  responseEnd(attempt: UpstreamAttempt, trailers: Headers | undefined): void;
  /** Before or after the head; `detail` is the transport failure reason. */
  failed(attempt: UpstreamAttempt, reason: ResetReason, detail: string): void;
  /** The host takes more of the request's body. */
  writable(): void;
  /** It took longer than its cluster allows. Absent: it has failed. */
  outlived?(attempt: UpstreamAttempt): void;
}

export interface AttemptOptions {
  readonly choice: HostChoice;
  readonly cluster: UpstreamCluster;
  readonly owner: AttemptOwner;
  readonly startedAt: number;
  /** Some clusters speak what the client speaks, or ask for the host that it names. */
  readonly request: PooledRequest;
  /** Default DEFAULT. */
  readonly priority?: RoutePriority;
  /** Told what becomes of it. */
  readonly span?: TrySpan | undefined;
  /** Writes what became of it. */
  readonly log?: TryLog | undefined;
  /** Change what comes of it before its owner hears of it. */
  readonly filters?: TryFilters | undefined;
  /** The request is a tunnel whose bytes the host gets, and nothing of HTTP. */
  readonly endsTunnel?: boolean;
}

/** One try of one request at one host. After `drop` or its end it says nothing more. */
export class UpstreamAttempt implements ResponseSink, StreamWaiter {
  readonly choice: HostChoice;
  readonly cluster: UpstreamCluster;
  readonly startedAt: number;
  /** A head has been passed on. */
  answered = false;
  /** Its host has answered a gRPC call, and the call's status is to come. */
  awaitsStatus = false;
  stream: UpstreamStream | undefined;
  connection: UpstreamConnection | undefined;
  /** The handshake that failed before there was a stream. */
  brokenHandshake: HandshakeRecord | undefined;
  readonly span: TrySpan | undefined;
  readonly log: TryLog | undefined;
  readonly #filters: TryFilters | undefined;
  readonly #owner: AttemptOwner;
  readonly priority: RoutePriority;
  readonly #request: PooledRequest;
  readonly #endsTunnel: boolean;
  #cancel: (() => void) | undefined;
  #over = false;
  #life: Timer | undefined;

  constructor(options: AttemptOptions) {
    this.#request = options.request;
    this.#endsTunnel = options.endsTunnel === true;
    this.priority = options.priority ?? 'DEFAULT';
    this.choice = options.choice;
    this.cluster = options.cluster;
    this.#owner = options.owner;
    this.startedAt = options.startedAt;
    this.span = options.span;
    this.log = options.log;
    this.#filters = options.filters;
  }

  start(): void {
    const { host } = this.choice;
    host.waiting++;
    const { cluster, priority } = this;
    const pool = this.#endsTunnel ? cluster.tunnelPoolOf(host, priority) : cluster.poolOf(host, priority);
    if (cluster.config.predictiveRatio > 1 && !this.#endsTunnel) preconnect(cluster, priority, this.#request);
    const cancel = pool.newStream(this, this, this.#request);
    if (this.stream === undefined && !this.#over) this.#cancel = cancel;
  }

  send(head: RequestHead, endStream: boolean): void {
    this.count();
    this.stream?.sendHead(head, endStream);
  }

  /** One request more, whether it can be sent or not. */
  count(): void {
    this.cluster.stats.rqTotal.value++;
    this.choice.host.figures.rqTotal++;
  }

  /** The peer may have seen the request. */
  get requestStarted(): boolean {
    return this.stream?.requestStarted ?? false;
  }

  /** Gives the try up; nothing is reported any more. */
  drop(reason: ResetReason): void {
    if (!this.#leave()) return;
    this.span?.dropped();
    if (this.#cancel !== undefined) this.cluster.stats.count('upstream_rq_cancelled');
    this.#cancel?.();
    if (this.stream?.protocol === 'HTTP/2') this.cluster.stats.count('upstream_rq_tx_reset');
    this.stream?.reset(reason);
  }

  ready(stream: UpstreamStream, connection?: UpstreamConnection): void {
    this.stream = stream;
    this.connection = connection;
    this.#cancel = undefined;
    if (this.#over) {
      stream.reset('local_reset');
      return;
    }
    // As in Envoy, what waits for a connection is no load of the host that balancers go by.
    this.choice.host.waiting--;
    this.choice.host.activeRequests++;
    if (this.span !== undefined) this.span.protocol = stream.protocol;
    this.log?.connected(stream, connection);
    const { maxStreamDurationMs } = this.cluster.config.http;
    if (maxStreamDurationMs > 0) this.#life = this.cluster.clock.after(maxStreamDurationMs, () => this.#outlived());
    this.#owner.connected(this, stream);
  }

  informational(head: ResponseHead): void {
    if (!this.#over) this.#owner.informational(head);
  }

  head(head: ResponseHead, endStream: boolean): void {
    if (this.#over) return;
    this.#filters?.answered(head);
    this.span?.answered(head);
    this.log?.answered(head);
    if (endStream && this.#leave()) this.span?.ended();
    this.#owner.responseHead(this, head, endStream);
  }

  data(chunk: Buffer): void {
    if (this.#over) return;
    this.log?.received(chunk.length);
    this.#owner.responseData(this, chunk);
  }

  end(trailers: Headers | undefined): void {
    if (!this.#leave()) return;
    if (trailers !== undefined) this.#filters?.trailed(trailers);
    this.span?.ended(trailers);
    this.#owner.responseEnd(this, trailers);
  }

  reset(reason: ResetReason, detail: string): void {
    this.log?.failed(reason, detail);
    if (!this.#leave()) return;
    this.span?.failed(reason);
    this.#owner.failed(this, reason, detail);
  }

  failed(reason: ResetReason, detail: string, handshake?: HandshakeRecord): void {
    this.brokenHandshake = handshake;
    this.reset(reason, detail);
  }

  #outlived(): void {
    this.cluster.stats.count('upstream_rq_max_duration_reached');
    if (this.#owner.outlived !== undefined) this.#owner.outlived(this);
    else {
      const { stream } = this;
      this.reset('local_reset', '');
      stream?.reset('local_reset');
    }
  }

  drain(): void {
    if (!this.#over) this.#owner.writable();
  }

  #leave(): boolean {
    if (this.#over) return false;
    this.#over = true;
    if (this.stream === undefined) this.choice.host.waiting--;
    else this.choice.host.activeRequests--;
    this.#life?.cancel();
    this.log?.ended();
    return true;
  }
}
