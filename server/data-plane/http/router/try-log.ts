import type { Timer } from '#domain';
import type { UpstreamCluster } from '../../upstream/cluster.ts';
import type { HostChoice } from '../../upstream/pick-context.ts';
import type { ResetReason, ResponseHead, UpstreamConnection, UpstreamStream } from '../codec.ts';
import type { Exchange } from '../exchange.ts';
import { StreamInfo } from '../stream-info.ts';
import { RESET_WORDS, transportFailure } from './reset-reasons.ts';

/** What the router's own log (`upstream_log`) tells of one try. Source: UpstreamRequest of Envoy's router. */
export class TryLog {
  readonly #exchange: Exchange;
  readonly #info: StreamInfo;
  #stream: UpstreamStream | undefined;
  #answer: ResponseHead | undefined;
  #next: Timer | undefined;

  /** Undefined where the router writes none. */
  static of(exchange: Exchange, choice: HostChoice, cluster: UpstreamCluster): TryLog | undefined {
    return exchange.config.upstreamLogs === undefined ? undefined : new TryLog(exchange, choice, cluster);
  }

  private constructor(exchange: Exchange, choice: HostChoice, cluster: UpstreamCluster) {
    const { clock } = exchange.runtime;
    this.#exchange = exchange;
    this.#info = new StreamInfo(clock.now(), clock.monotonic());
    this.#info.cluster = cluster.config.name;
    this.#info.routeName = exchange.info.routeName;
    this.#info.upstreamHost = choice.host.key;
    this.#writeAgain();
  }

  connected(stream: UpstreamStream, connection: UpstreamConnection | undefined): void {
    this.#stream = stream;
    this.#info.upstreamProtocol = stream.protocol;
    this.#info.upstreamLocalAddress = stream.localAddress;
    this.#info.upstreamConnection = connection;
    if (this.#exchange.config.logsUpstreamStreams) this.#write('UpstreamPoolReady');
  }

  answered(head: ResponseHead): void {
    this.#answer = head;
    this.#info.status = head.status;
  }

  received(bytes: number): void {
    this.#info.bytesReceived += bytes;
  }

  failed(reason: ResetReason, detail: string): void {
    this.#info.flag(RESET_WORDS[reason].flag);
    this.#info.transportFailure = transportFailure(reason, detail);
  }

  /** Given up by the limit of one try. */
  timedOut(): void {
    this.#info.flag('UT');
  }

  ended(): void {
    this.#next?.cancel();
    this.#write('UpstreamEnd');
  }

  #writeAgain(): void {
    const { config, runtime } = this.#exchange;
    if (config.upstreamLogEveryMs === 0) return;
    this.#next = runtime.clock.after(config.upstreamLogEveryMs, () => {
      this.#write('UpstreamPeriodic');
      this.#writeAgain();
    });
  }

  #write(logType: string): void {
    const { config, runtime, head, connection, endpoint, dynamicMetadata, filterState, traceReason } = this.#exchange;
    const info = this.#info;
    info.logType = logType;
    info.durationMs = runtime.clock.monotonic() - info.startedAt;
    const begun = this.#stream !== undefined && logType !== 'UpstreamPoolReady';
    info.bytesSent = begun ? this.#exchange.info.bytesReceived : 0;
    const subject = {
      head: { ...head, headers: head.headers, protocol: this.#stream?.protocol ?? '' },
      responseHead: this.#answer,
      info,
      connection,
      remoteAddress: this.#exchange.remoteAddress,
      upstreamTls: this.#stream?.tls,
      endpoint,
      runtime,
      dynamicMetadata,
      filterState,
      traceReason,
      proxy: this.#exchange.proxy,
      resourceMetadata: this.#exchange.resourceMetadata.bind(this.#exchange),
    };
    for (const log of config.upstreamLogs ?? []) {
      const entry = log(subject);
      if (entry !== undefined) runtime.onEntry(entry);
    }
  }
}
