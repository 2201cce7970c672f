import type { Timer } from '#domain';
import type { GoogleGrpcService } from '../../config/google-grpc.ts';
import type { ProxyRuntime } from '../../runtime.ts';
import { figureOf, nameFigures } from '../../stats/google-grpc-stats.ts';
import { NO_HASH, type UpstreamCluster } from '../../upstream/cluster.ts';
import type { RequestHead, ResetReason, ResponseHead, UpstreamStream } from '../codec.ts';
import type { Headers } from '../headers.ts';
import { type AttemptOwner, UpstreamAttempt } from '../router/attempt.ts';
import { reportAnswer } from '../router/outlier-report.ts';
import { RESET_WORDS } from '../router/reset-reasons.ts';

/** Bytes of an answer that are read, at most. */
const MAX_ANSWER = 1024 * 1024;

export interface AsyncAnswer {
  readonly head: ResponseHead;
  readonly body: Buffer;
  readonly trailers: Headers | undefined;
}

export interface AsyncCallOptions {
  readonly runtime: ProxyRuntime;
  /** Name of the cluster that is asked. */
  readonly cluster: string;
  /** What is asked in its place; absent: the cluster. */
  readonly google?: GoogleGrpcService | undefined;
  readonly head: RequestHead;
  readonly body: Buffer;
  readonly timeoutMs: number;
  /** Called once: with the answer, or with the reason why there is none. */
  readonly onDone: (answer: AsyncAnswer | string) => void;
}

/** A request of the proxy's own, to a service that helps it decide. Returns a function that gives it up. */
export function callAsync(options: AsyncCallOptions): () => void {
  if (options.google !== undefined) return callGoogle(options, options.google);
  const cluster = options.runtime.clusters.get(options.cluster);
  if (cluster === undefined) {
    options.onDone(`there is no cluster ${options.cluster}`);
    return () => undefined;
  }
  const call = new AsyncCall(options, cluster);
  call.start();
  return () => call.cancel();
}

/** Counts as gRPC's own client does, and waits until the service's name is looked up. */
function callGoogle(options: AsyncCallOptions, google: GoogleGrpcService): () => void {
  const { clusters, stats, clock } = options.runtime;
  const cluster = clusters.apart(google.behind, () => nameFigures(stats, google));
  const count = (figure: string): void => void stats.stat(figureOf(google, figure)).value++;
  count('streams_total');
  const onDone = (answer: AsyncAnswer | string): void => {
    count(`streams_closed_${closedWith(answer)}`);
    options.onDone(answer);
  };
  if (!google.connects) {
    const timer = clock.after(0, () => onDone('local credentials are for sockets in files'));
    return () => timer.cancel();
  }
  const call = new AsyncCall({ ...options, onDone }, cluster);
  cluster.whenChecked(() => call.start());
  return () => call.cancel();
}

const DEADLINE_EXCEEDED = 4;
const INTERNAL = 13;
const UNAVAILABLE = 14;

/** The gRPC status that a call ended with. A service that cannot be reached counts as an error of the client. */
function closedWith(answer: AsyncAnswer | string): number {
  if (typeof answer === 'string') return answer.startsWith(NO_ANSWER) ? DEADLINE_EXCEEDED : INTERNAL;
  const told = answer.trailers?.get('grpc-status') ?? answer.head.headers.get('grpc-status');
  return told === undefined ? UNAVAILABLE : Number(told);
}

const NO_ANSWER = 'no answer within';

class AsyncCall implements AttemptOwner {
  readonly #options: AsyncCallOptions;
  readonly #cluster: UpstreamCluster;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #head: ResponseHead | undefined;
  #attempt: UpstreamAttempt | undefined;
  #timer: Timer | undefined;
  #over = false;

  constructor(options: AsyncCallOptions, cluster: UpstreamCluster) {
    this.#options = options;
    this.#cluster = cluster;
  }

  start(): void {
    if (this.#over) return;
    const { clock } = this.#options.runtime;
    const choice = this.#cluster.pick({
      originalDestination: undefined,
      hash: NO_HASH,
    });
    if (choice === undefined) {
      this.#count(503);
      this.#done('no healthy upstream');
      return;
    }
    const { timeoutMs, head } = this.#options;
    if (timeoutMs > 0) {
      this.#timer = clock.after(timeoutMs, () => this.#timedOut(timeoutMs));
      if (this.#options.google === undefined)
        head.headers.put('x-envoy-expected-rq-timeout-ms', String(Math.round(timeoutMs)));
    }
    this.#attempt = new UpstreamAttempt({
      choice,
      cluster: this.#cluster.ownerOf(choice.host),
      owner: this,
      startedAt: clock.monotonic(),
      request: head,
    });
    this.#attempt.start();
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.cancel();
    this.#attempt?.drop('local_reset');
  }

  connected(attempt: UpstreamAttempt, stream: UpstreamStream): void {
    const { head, body } = this.#options;
    this.#attempt = attempt;
    attempt.send(head, body.length === 0);
    if (body.length === 0) return;
    stream.sendData(body);
    stream.sendEnd();
  }

  informational(): void {
    // What comes before the answer decides nothing.
  }

  responseHead(attempt: UpstreamAttempt, head: ResponseHead, endStream: boolean): void {
    this.#head = head;
    const { clock } = this.#options.runtime;
    reportAnswer(attempt.cluster, attempt.choice.host, this.#options.head, head);
    this.#count(head.status);
    head.headers.put('x-envoy-upstream-service-time', String(Math.round(clock.monotonic() - attempt.startedAt)));
    if (endStream) this.#answered(undefined);
  }

  responseData(_attempt: UpstreamAttempt, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= MAX_ANSWER) this.#chunks.push(chunk);
    else this.#done(`the answer is longer than ${MAX_ANSWER} bytes`);
  }

  responseEnd(_attempt: UpstreamAttempt, trailers: Headers | undefined): void {
    this.#answered(trailers);
  }

  failed({ choice, cluster }: UpstreamAttempt, reason: ResetReason, detail: string): void {
    if (reason !== 'overflow') cluster.report(choice.host, { localOrigin: 'connect' });
    if (this.#head === undefined) this.#count(RESET_WORDS[reason].status);
    this.#done(detail === '' ? reason : `${reason}: ${detail}`);
  }

  writable(): void {
    // The whole body was handed over at once.
  }

  #timedOut(timeoutMs: number): void {
    if (this.#attempt !== undefined) {
      const { cluster, choice } = this.#attempt;
      const { host } = choice;
      host.figures.rqTimeout++;
      cluster.report(host, { localOrigin: 'timeout' });
    }
    this.#cluster.stats.rqTimeout.value++;
    if (this.#head === undefined) this.#count(504);
    this.#done(`${NO_ANSWER} ${timeoutMs} ms`);
  }

  #count(status: number): void {
    this.#cluster.stats.code(status, 'internal');
  }

  #answered(trailers: Headers | undefined): void {
    if (this.#head === undefined || this.#attempt === undefined) return;
    const { clock } = this.#options.runtime;
    this.#cluster.stats.answeredInternally(clock.monotonic() - this.#attempt.startedAt);
    this.#done({ head: this.#head, body: Buffer.concat(this.#chunks), trailers });
  }

  #done(answer: AsyncAnswer | string): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.cancel();
    if (typeof answer === 'string') this.#attempt?.drop('local_reset');
    this.#options.onDone(answer);
  }
}
