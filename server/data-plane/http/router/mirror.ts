import { NO_HASH, type UpstreamCluster } from '../../upstream/cluster.ts';
import type { RequestHead, ResetReason, ResponseHead, UpstreamStream } from '../codec.ts';
import type { Exchange } from '../exchange.ts';
import type { Headers } from '../headers.ts';
import { newSpanId, type SpanContext, writeSpan } from '../trace-context.ts';
import { type AttemptOwner, UpstreamAttempt } from './attempt.ts';
import { RequestBody } from './request-body.ts';

/** A slow mirror is given up when this much of the request waits for it. */
const MIRROR_BYTES = 1024 * 1024;

/** What became of a mirrored request; nobody waits for it. */
export interface MirrorResult {
  readonly cluster: UpstreamCluster;
  readonly host: string;
  readonly span: SpanContext;
  readonly status: number;
  readonly failure: ResetReason | undefined;
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
  #attempt: UpstreamAttempt | undefined;
  #waiting = 0;
  #status = 0;
  #bytes = 0;

  constructor(options: { exchange: Exchange; cluster: UpstreamCluster; onResult: (result: MirrorResult) => void }) {
    const { exchange } = options;
    this.#exchange = exchange;
    this.#cluster = options.cluster;
    this.#onResult = options.onResult;
    const { span } = exchange;
    this.#span = { ...span, parentSpanId: span.spanId, spanId: newSpanId(exchange.runtime.chance.ids) };
    this.#head = { ...exchange.head, headers: exchange.head.headers.clone() };
    writeSpan(this.#head.headers, this.#span);
    markAsCopy(this.#head.headers, exchange);
    this.#body = new RequestBody({ replay: false, ended: !exchange.stream.hasBody });
    this.#startedAt = exchange.runtime.clock.monotonic();
  }

  start(): void {
    const { runtime, connection } = this.#exchange;
    const choice = this.#cluster.pick({
      originalDestination: connection.localAddress,
      avoid: new Set(),
      redraws: 1,
      hash: NO_HASH,
    });
    if (choice === undefined) return;
    const startedAt = runtime.clock.monotonic();
    const { protocol } = this.#head;
    this.#attempt = new UpstreamAttempt({ choice, cluster: this.#cluster, owner: this, startedAt, protocol });
    this.#attempt.start();
  }

  data(chunk: Buffer): void {
    if (this.#body.data(chunk) === 'more') return;
    this.#waiting += chunk.length;
    if (this.#waiting > MIRROR_BYTES) this.#attempt?.drop('local_reset');
  }

  end(trailers: Headers | undefined): void {
    this.#body.end(trailers);
  }

  connected(attempt: UpstreamAttempt, stream: UpstreamStream): void {
    const bare = !this.#exchange.stream.hasBody;
    this.#attempt = attempt;
    attempt.send(this.#head, bare);
    if (!bare) this.#body.attach(stream);
  }

  writable(): void {
    this.#waiting = 0;
  }

  informational(): void {
    // A mirror's answer goes to nobody, and so do the notes before it.
  }

  responseHead(_attempt: UpstreamAttempt, head: ResponseHead, endStream: boolean): void {
    this.#status = head.status;
    this.#cluster.stats.code(head.status, 'internal');
    if (endStream) this.#done(undefined);
  }

  responseData(_attempt: UpstreamAttempt, chunk: Buffer): void {
    this.#bytes += chunk.length;
  }

  responseEnd(): void {
    this.#done(undefined);
  }

  failed(_attempt: UpstreamAttempt, reason: ResetReason): void {
    this.#done(reason);
  }

  #done(failure: ResetReason | undefined): void {
    this.#onResult({
      cluster: this.#cluster,
      host: this.#attempt?.choice.host.key ?? '',
      span: this.#span,
      status: this.#status,
      failure,
      durationMs: this.#exchange.runtime.clock.monotonic() - this.#startedAt,
      bytes: this.#bytes,
    });
  }
}

/** Envoy's own client sends the copy: a request from inside, from this proxy's address. */
function markAsCopy(headers: Headers, { runtime, virtualHost }: Exchange): void {
  const before = headers.joined('x-forwarded-for');
  headers.put('x-forwarded-for', before === undefined ? runtime.self.ip : `${before},${runtime.self.ip}`);
  headers.put('x-envoy-internal', 'true');
  if (virtualHost?.includeAttemptCount === true) headers.put('x-envoy-attempt-count', '1');
}
