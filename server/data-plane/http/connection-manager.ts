import type { Socket } from 'node:net';
import { istioLogFormat } from '../config/access-log/index.ts';
import type { HttpFilterConfig } from '../config/network-filter.ts';
import { buildHop, isRecorded } from '../decisions/hop-record.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { ProxyRuntime } from '../runtime.ts';
import { type RequestReport, RequestReporter } from '../stats/request-metrics.ts';
import type { Stat } from '../stats/stats.ts';
import type { CodecError, DownstreamConnection, DownstreamStream } from './codec.ts';
import { Exchange, type RequestLayer } from './exchange.ts';
import { NO_REQUEST } from './format.ts';
import { serveHttp } from './server-codec.ts';
import { StreamInfo } from './stream-info.ts';

/** Serves HTTP on the connections of one filter chain: every request goes through the same layers. */
export class HttpConnectionManager {
  readonly #runtime: ProxyRuntime;
  readonly #config: HttpFilterConfig;
  readonly #layers: readonly RequestLayer[];
  readonly #reporter: RequestReporter;
  readonly #open = new Set<DownstreamConnection>();
  readonly #total: Stat;
  readonly #active: Stat;
  /** `downstream_rq_1xx` to `downstream_rq_5xx`, made when first counted. */
  readonly #classes: (Stat | undefined)[] = [];
  readonly #finished = (exchange: Exchange): void => this.#onFinish(exchange);
  #draining = false;

  constructor(options: {
    runtime: ProxyRuntime;
    config: HttpFilterConfig;
    layers: readonly RequestLayer[];
    report: RequestReport;
  }) {
    this.#runtime = options.runtime;
    this.#config = options.config;
    this.#layers = options.layers;
    this.#reporter = new RequestReporter(options.runtime.metrics, options.report);
    this.#total = this.#stat('downstream_rq_total');
    this.#active = this.#stat('downstream_rq_active');
  }

  /** Connections with a request under way. */
  get busy(): number {
    let sum = 0;
    for (const connection of this.#open) if (!connection.idle) sum++;
    return sum;
  }

  serve(socket: Socket, context: ConnectionContext): void {
    const { serverName, serving } = this.#config;
    const connection = serveHttp(socket, serving.codec, {
      ...serving,
      clock: this.#runtime.clock,
      tls: context.tls,
      serverName,
      onRequest: (stream, on) => this.#onRequest(stream, context, on),
      onProtocolError: (error, on) => this.#onProtocolError(error, context, on),
      onClose: (closed) => this.#open.delete(closed),
    });
    this.#stat('downstream_cx_total').value++;
    this.#open.add(connection);
    if (this.#draining) connection.drain();
    if (serving.maxConnectionDurationMs === 0) return;
    this.#runtime.clock.after(serving.maxConnectionDurationMs, () => {
      if (!this.#open.has(connection)) return;
      this.#stat('downstream_cx_max_duration_reached').value++;
      if (connection.idle) connection.close();
      else connection.drain();
    });
  }

  /** Every connection ends after its current request. */
  drain(): void {
    this.#draining = true;
    for (const connection of this.#open) connection.drain();
  }

  close(): void {
    for (const connection of [...this.#open]) connection.close();
  }

  #onRequest(stream: DownstreamStream, connection: ConnectionContext, on: DownstreamConnection): void {
    const { maxRequestsPerConnection } = this.#config.serving;
    if (maxRequestsPerConnection > 0 && on.requestCount >= maxRequestsPerConnection) on.drain();
    this.#total.value++;
    this.#active.value++;
    const exchange = new Exchange({
      runtime: this.#runtime,
      connection,
      config: this.#config,
      stream,
      layers: this.#layers,
      onFinish: this.#finished,
    });
    exchange.proceed();
  }

  /** Bytes that are no valid HTTP; where no request was seen, this is the only trace of them in the log. */
  #onProtocolError(error: CodecError, connection: ConnectionContext, on: DownstreamConnection): void {
    this.#stat('downstream_cx_protocol_error').value++;
    if (error.inRequest) return;
    this.#total.value++;
    if (error.status > 0) this.#countClass(Math.floor(error.status / 100));
    const { clock } = this.#runtime;
    const info = new StreamInfo(clock.now(), clock.monotonic());
    info.status = error.status;
    info.details = error.details;
    info.bytesSent = error.bodyBytes;
    info.flag('DPE');
    const head = { ...NO_REQUEST, protocol: on.protocol };
    for (const write of this.#config.accessLogs) {
      const line = write({ head, responseHead: undefined, info, connection });
      if (line !== undefined) this.#runtime.onLog(line);
    }
  }

  #onFinish(exchange: Exchange): void {
    this.#active.value--;
    if (exchange.info.status > 0) this.#countClass(Math.floor(exchange.info.status / 100));
    this.#reporter.report(exchange);
    let first: string | undefined;
    for (const write of this.#config.accessLogs) {
      const line = write(exchange);
      if (line === undefined) continue;
      first ??= line;
      this.#runtime.onLog(line);
    }
    if (isRecorded(exchange)) this.#runtime.onHop(buildHop(exchange, first ?? istioLogFormat(exchange)));
  }

  #countClass(digit: number): void {
    this.#classes[digit] ??= this.#stat(`downstream_rq_${digit}xx`);
    this.#classes[digit].value++;
  }

  #stat(name: string): Stat {
    return this.#runtime.stats.stat(`http.${this.#config.statPrefix}.${name}`);
  }
}
