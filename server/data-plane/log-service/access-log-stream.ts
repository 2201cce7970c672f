import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { encodeMessage } from '#xds';
import { type GrpcServiceConfig, grpcFrame, grpcHead } from '../http/call/grpc-call.ts';
import type { ResetReason, ResponseHead, UpstreamStream } from '../http/codec.ts';
import { type AttemptOwner, UpstreamAttempt } from '../http/router/attempt.ts';
import { RESET_WORDS } from '../http/router/reset-reasons.ts';
import type { ProxyRuntime } from '../runtime.ts';
import { figureOf, nameFigures } from '../stats/google-grpc-stats.ts';
import { NO_HASH, type UpstreamCluster } from '../upstream/cluster.ts';
import type { LogSender } from './log-target.ts';

const METHOD = '/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs';
/** Bytes that wait for a connection at most: what a cluster holds back in Envoy. */
const MOST_WAITING = 1024 * 1024;

/** Numbers of fields in StreamAccessLogsMessage. */
const IDENTIFIER = 1;
const LOG_ENTRIES = { http: 2, tcp: 3 } as const;

export interface AccessLogStreamOptions {
  readonly runtime: ProxyRuntime;
  readonly service: GrpcServiceConfig;
  readonly logName: string;
  readonly kind: keyof typeof LOG_ENTRIES;
}

/**
 * One stream of envoy.service.accesslog.v3.AccessLogService, opened with the first entries and again with the next ones after it broke.
 * What was on its way then is lost, as in Envoy: the service never says what it has.
 */
export class AccessLogStream implements LogSender, AttemptOwner {
  readonly #options: AccessLogStreamOptions;
  #attempt: UpstreamAttempt | undefined;
  #stream: UpstreamStream | undefined;
  #answered = false;
  /** The stream has taken too much for now. */
  #blocked = false;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;

  constructor(options: AccessLogStreamOptions) {
    this.#options = options;
  }

  send(entries: readonly Uint8Array[]): boolean {
    const first = this.#attempt === undefined;
    if (first && !this.#open()) return false;
    if (this.#blocked || this.#waitingBytes >= MOST_WAITING) return false;
    const frame = grpcFrame(this.#message(entries, first));
    if (this.#stream !== undefined) this.#blocked = !this.#stream.sendData(frame);
    else {
      this.#waiting.push(frame);
      this.#waitingBytes += frame.length;
    }
    return true;
  }

  connected(attempt: UpstreamAttempt, stream: UpstreamStream): void {
    this.#stream = stream;
    attempt.send(grpcHead(METHOD, this.#options.service, this.#options.runtime.self.ip), false);
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const frame of waiting) this.#blocked = !stream.sendData(frame);
  }

  informational(): void {
    // The service says nothing before its answer.
  }

  responseHead(_attempt: UpstreamAttempt, head: ResponseHead, endStream: boolean): void {
    this.#answered = true;
    this.#count(head.status);
    if (endStream) this.#over();
  }

  responseData(): void {
    // Its answer has no content.
  }

  responseEnd(): void {
    this.#over();
  }

  failed({ choice, cluster }: UpstreamAttempt, reason: ResetReason): void {
    if (reason !== 'overflow') cluster.report(choice.host, { localOrigin: 'connect' });
    if (!this.#answered) this.#count(RESET_WORDS[reason].status);
    this.#over();
  }

  writable(): void {
    this.#blocked = false;
  }

  /** False: there is nobody to send to. */
  #open(): boolean {
    const { runtime, service } = this.#options;
    const cluster = this.#cluster();
    const choice = cluster?.pick({ originalDestination: undefined, hash: NO_HASH });
    if (cluster === undefined || choice === undefined) {
      if (cluster !== undefined) this.#count(503);
      return false;
    }
    if (service.google !== undefined) runtime.stats.stat(figureOf(service.google, 'streams_total')).value++;
    this.#answered = false;
    this.#attempt = new UpstreamAttempt({
      choice,
      cluster: cluster.ownerOf(choice.host),
      owner: this,
      startedAt: runtime.clock.monotonic(),
      request: grpcHead(METHOD, service, runtime.self.ip),
    });
    this.#attempt.start();
    return this.#attempt !== undefined;
  }

  #over(): void {
    this.#attempt = undefined;
    this.#stream = undefined;
    this.#blocked = false;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #count(status: number): void {
    this.#cluster()?.stats.code(status, 'internal');
  }

  #cluster(): UpstreamCluster | undefined {
    const { runtime, service } = this.#options;
    const { google } = service;
    if (google === undefined) return runtime.clusters.get(service.cluster);
    const cluster = runtime.clusters.apart(google.behind, () => nameFigures(runtime.stats, google));
    return google.connects ? cluster : undefined;
  }

  /** Only the first message of a stream says who sends it. */
  #message(entries: readonly Uint8Array[], first: boolean): Uint8Array {
    const { kind, logName, runtime } = this.#options;
    const writer = new BinaryWriter();
    if (first) {
      writer.tag(IDENTIFIER, WireType.LengthDelimited).fork();
      writer.tag(1, WireType.LengthDelimited).bytes(encodeMessage('envoy.config.core.v3.Node', nodeOf(runtime)));
      writer.tag(2, WireType.LengthDelimited).string(logName);
      writer.join();
    }
    writer.tag(LOG_ENTRIES[kind], WireType.LengthDelimited).fork();
    for (const entry of entries) writer.tag(1, WireType.LengthDelimited).bytes(entry);
    return writer.join().finish();
  }
}

const nodeOf = ({ self: { node } }: ProxyRuntime): object => ({
  id: node.id,
  cluster: node.cluster,
  metadata: node.metadata,
  ...(node.userAgent !== undefined && { user_agent_name: node.userAgent }),
});
