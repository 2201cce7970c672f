import type { Socket } from 'node:net';
import { type HttpFilterConfig, istioLogFormat } from '../config/network-filter.ts';
import { buildHop } from '../decisions/hop-record.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { ProxyRuntime } from '../runtime.ts';
import { type RequestReport, reportMetrics } from '../stats/request-metrics.ts';
import type { Stat } from '../stats/stats.ts';
import type { DownstreamConnection, DownstreamStream } from './codec.ts';
import { Exchange, type RequestLayer } from './exchange.ts';
import { createServerConnection } from './h1/server-connection.ts';

/** Serves HTTP on the connections of one filter chain: every request goes through the same layers. */
export class HttpConnectionManager {
  readonly #runtime: ProxyRuntime;
  readonly #config: HttpFilterConfig;
  readonly #layers: readonly RequestLayer[];
  readonly #report: RequestReport;
  readonly #open = new Set<DownstreamConnection>();
  readonly #total: Stat;
  readonly #active: Stat;
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
    this.#report = options.report;
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
    const connection = createServerConnection(socket, {
      clock: this.#runtime.clock,
      tls: context.tls,
      serverName: this.#config.serverName,
      acceptHttp10: true,
      onRequest: (stream) => this.#onRequest(stream, context),
      onProtocolError: () => {
        this.#stat('downstream_cx_protocol_error').value++;
      },
      onClose: (closed) => this.#open.delete(closed),
    });
    this.#stat('downstream_cx_total').value++;
    this.#open.add(connection);
    if (this.#draining) connection.drain();
  }

  /** Every connection ends after its current request. */
  drain(): void {
    this.#draining = true;
    for (const connection of this.#open) connection.drain();
  }

  close(): void {
    for (const connection of [...this.#open]) connection.close();
  }

  #onRequest(stream: DownstreamStream, connection: ConnectionContext): void {
    this.#total.value++;
    this.#active.value++;
    const exchange = new Exchange({
      runtime: this.#runtime,
      connection,
      config: this.#config,
      stream,
      layers: this.#layers,
      onFinish: (finished) => this.#onFinish(finished),
    });
    exchange.proceed();
  }

  #onFinish(exchange: Exchange): void {
    this.#active.value--;
    const status = exchange.info.status;
    if (status > 0) this.#stat(`downstream_rq_${Math.floor(status / 100)}xx`).value++;
    reportMetrics(exchange, this.#report);
    const lines = this.#config.accessLogs.map((format) => format(exchange));
    for (const line of lines) this.#runtime.onLog(line);
    this.#runtime.onHop(buildHop(exchange, lines[0] ?? istioLogFormat(exchange)));
  }

  #stat(name: string): Stat {
    return this.#runtime.stats.stat(`http.${this.#config.statPrefix}.${name}`);
  }
}
