import type { Socket } from 'node:net';
import type { Timer } from '#domain';
import { type AccessLogger, istioLogFormat } from '../config/access-log/index.ts';
import type { HttpFilterConfig } from '../config/network-filter.ts';
import { FinishedHop } from '../decisions/finished-hop.ts';
import { buildHop, isRecorded } from '../decisions/hop-record.ts';
import { NO_REQUEST } from '../format/subject.ts';
import type { BrokenHandshake } from '../listener/chain-handler.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { ProxyRuntime } from '../runtime.ts';
import { HttpStats, ListenerHttpStats } from '../stats/http-stats.ts';
import { Http2Stats } from '../stats/http2-stats.ts';
import { type RequestReport, RequestReporter } from '../stats/request-metrics.ts';
import type { CodecError, DownstreamConnection, DownstreamStream } from './codec.ts';
import { ConnectionTrack } from './connection-track.ts';
import { Exchange, type RequestLayer } from './exchange.ts';
import type { ExchangeOptions } from './exchange-options.ts';
import { type HeadLimit, headLimitOf } from './head-limit.ts';
import { propagateTrace } from './layers.ts';
import { RedirectedStream } from './redirected-stream.ts';
import { serveHttp } from './server-codec.ts';
import { StreamInfo } from './stream-info.ts';
import { EXPIRED } from './stream-timers.ts';

/** Serves HTTP on the connections of one filter chain: every request goes through the same layers. */
export class HttpConnectionManager {
  readonly #runtime: ProxyRuntime;
  readonly #config: HttpFilterConfig;
  readonly #layers: readonly RequestLayer[];
  readonly #reporters: readonly RequestReporter[];
  readonly #open = new Set<DownstreamConnection>();
  readonly #ending = new WeakSet<DownstreamConnection>();
  readonly #stats: HttpStats;
  readonly #listenerStats: ListenerHttpStats;
  readonly #http2: Http2Stats;
  readonly #headLimit: HeadLimit | undefined;
  #draining = false;
  #closing = false;

  constructor(options: {
    runtime: ProxyRuntime;
    config: HttpFilterConfig;
    layers: readonly RequestLayer[];
    report: RequestReport;
    /** `listener.<address>.` */
    listenerPrefix: string;
  }) {
    this.#runtime = options.runtime;
    this.#config = options.config;
    this.#layers = options.layers;
    this.#reporters = options.config.stats.map(
      (plan) => new RequestReporter(options.runtime.metrics, options.report, plan),
    );
    this.#headLimit = headLimitOf(options.config.serving);
    const { stats } = options.runtime;
    this.#stats = HttpStats.of(stats, options.config.statPrefix);
    this.#http2 = Http2Stats.of(stats, '');
    this.#listenerStats = new ListenerHttpStats(stats, options.listenerPrefix, options.config.statPrefix);
  }

  /** Connections with a request under way. */
  get busy(): number {
    let sum = 0;
    for (const connection of this.#open) if (!connection.idle) sum++;
    return sum;
  }

  get connections(): number {
    return this.#open.size;
  }

  /** Counts a connection from now on; `ended` is to be called at its end, unless it is given to `serve`. */
  track(socket: Socket, secured: boolean): ConnectionTrack {
    return new ConnectionTrack(this.#stats, { socket, secured, clock: this.#runtime.clock });
  }

  /** Counts a connection that never comes here: a filter before this one refuses it, or its TLS handshake fails. */
  turnedAway(socket: Socket, broken?: BrokenHandshake): void {
    const track = this.track(socket, broken?.secured === true);
    if (broken !== undefined) track.brokenOff();
    if (broken !== undefined || socket.closed) track.ended();
    else socket.once('close', () => track.ended());
  }

  serve(socket: Socket, context: ConnectionContext, track = this.track(socket, context.tls !== undefined)): void {
    const { serverName, serving } = this.#config;
    const { clock } = this.#runtime;
    const shared: ExchangeOptions = {
      runtime: this.#runtime,
      connection: context,
      config: this.#config,
      layers: this.#layers,
      stats: this.#stats,
      onInformational: (status) => {
        this.#stats.informational(status);
        this.#listenerStats.requestEnded(status);
      },
      onFinish: (exchange) => {
        track.requestEnded(exchange);
        this.#onFinish(exchange);
      },
      onRedirect: (exchange, body) => this.#redirect(exchange, body, shared),
    };
    // A connection whose very first bytes are no HTTP speaks nothing.
    let spoken = true;
    let maxDuration: Timer | undefined;
    const connection = serveHttp(socket, serving.codec, {
      ...serving,
      clock,
      tls: context.tls,
      serverName,
      headLimit: this.#headLimit,
      onSpoken: (protocol) => track.request(protocol),
      onRequest: (stream, on) => {
        track.request(stream.head.protocol);
        this.#onRequest(stream, on, shared);
      },
      onProtocolError: (error, on) => {
        const first = on.requestCount === 0;
        track.request(on.protocol);
        this.#onProtocolError(error, context, on);
        if (error.flag === 'DC' || losesRequests(error, on)) track.leftBusy();
        if (error.flag !== undefined && error.flag !== 'DPE') return;
        context.info?.flag('DPE');
        context.info?.closes(`codec_error:${error.explanation.replaceAll(' ', '_')}`);
        spoken = !first;
      },
      http2Counter: this.#http2,
      onIdleTimeout: () => this.#stats.count('downstream_cx_idle_timeout'),
      onDelayedClose: () => this.#stats.count('downstream_cx_delayed_close_timeout'),
      onClose: (closed) => {
        if (!this.#open.delete(closed)) return;
        track.ended();
        maxDuration?.cancel();
        if (context.info !== undefined) track.tellEnding(context.info, !this.#closing);
        context.onEnd?.(spoken && socket.bytesRead > 0 ? closed.protocol : undefined);
      },
    });
    this.#open.add(connection);
    if (serving.maxConnectionDurationMs === 0 || !this.#open.has(connection)) return;
    maxDuration = clock.after(serving.maxConnectionDurationMs, () => {
      this.#stats.count('downstream_cx_max_duration_reached');
      if (socket.bytesRead === 0) {
        context.info?.closes('duration_timeout');
        connection.close();
      } else connection.drain();
      // HTTP/2 announces its end by itself.
      if (connection.protocol === 'HTTP/1.1')
        maxDuration = clock.after(serving.drainTimeoutMs, () => {
          if (connection.idle) connection.close();
        });
    });
  }

  /** Every connection ends after its current request. */
  drain(): void {
    this.#draining = true;
    for (const connection of this.#open) connection.drain();
  }

  close(): void {
    this.#closing = true;
    for (const connection of [...this.#open]) connection.close();
  }

  /** Counted with the first request that is answered so. */
  #endSoon(connection: DownstreamConnection): void {
    if (this.#ending.has(connection)) return;
    this.#ending.add(connection);
    this.#stats.count('downstream_cx_drain_close');
    connection.drain();
  }

  #onRequest(stream: DownstreamStream, on: DownstreamConnection, shared: ExchangeOptions): void {
    const { maxRequestsPerConnection } = this.#config.serving;
    if (maxRequestsPerConnection > 0 && on.requestCount >= maxRequestsPerConnection) {
      this.#stats.count('downstream_cx_max_requests_reached');
      on.drain();
    }
    if (this.#draining || this.#runtime.health.failed) this.#endSoon(on);
    this.#countBegin(stream);
    new Exchange(shared, stream).proceed();
  }

  #countBegin({ head }: DownstreamStream): void {
    const stats = this.#stats;
    stats.rqTotal.value++;
    stats.rqActive.value++;
    if (head.protocol === 'HTTP/2') stats.rqHttp2.value++;
    else stats.rqHttp1.value++;
  }

  /** As in Envoy, a request that follows a redirect is another one: with its own line in the log, and past the layers that clean requests. */
  #redirect(before: Exchange, body: readonly Buffer[], shared: ExchangeOptions): void {
    const kept = before.head.method === 'GET' ? [] : body;
    const stream = new RedirectedStream(before.stream, kept.length > 0);
    this.#countBegin(stream);
    const exchange = new Exchange(shared, stream);
    for (const chunk of kept) exchange.data(chunk);
    exchange.end(undefined);
    exchange.continueAfter(before, propagateTrace);
  }

  /** Bytes that are no valid HTTP; where no request was seen, this is the only trace of them in the log. */
  #onProtocolError(error: CodecError, connection: ConnectionContext, on: DownstreamConnection): void {
    const { flag = 'DPE', figure } = error;
    const expired = EXPIRED[error.details];
    if (figure !== 'none' && flag !== 'none' && expired === undefined)
      this.#stats.count('downstream_cx_protocol_error');
    if (figure === 'downstream_rq_too_many_premature_resets') this.#stats.count(figure);
    if (expired !== undefined) this.#stats.count(expired);
    if (!error.begun) return;
    this.#stats.rqTotal.value++;
    this.#stats.rqActive.value++;
    if (on.protocol === 'HTTP/1.1') this.#stats.rqHttp1.value++;
    else this.#stats.rqHttp2.value++;
    if (expired !== undefined || (on.protocol === 'HTTP/1.1' && (flag === 'DPE' || flag === 'none')))
      this.#stats.count('downstream_rq_response_before_rq_complete');
    this.#stats.count('downstream_rq_rx_reset');
    this.#countEnd(error.status, 0);
    const { clock } = this.#runtime;
    const info = new StreamInfo(clock.now(), clock.monotonic());
    info.status = error.status;
    info.details = error.details;
    info.bytesSent = error.bodyBytes;
    if (flag !== 'none') info.flag(flag);
    const head = { ...NO_REQUEST, protocol: on.protocol };
    for (const write of this.#config.accessLogs) {
      const line = write({ head, responseHead: error.answer, info, connection, runtime: this.#runtime });
      if (line !== undefined) this.#runtime.onEntry(line);
    }
  }

  #onFinish(exchange: Exchange): void {
    this.#countEnd(exchange.uncounted ? 0 : exchange.info.status, exchange.info.durationMs);
    for (const reporter of this.#reporters) reporter.report(exchange);
    const recorded = isRecorded(exchange);
    let first: string | undefined;
    let log: AccessLogger | undefined;
    for (const write of this.#config.accessLogs) {
      const entry = write(exchange);
      if (entry === undefined) continue;
      if (recorded) first ??= String(entry);
      log ??= write;
      this.#runtime.onEntry(entry);
    }
    if (!recorded) {
      if (exchange.steps.on) this.#runtime.fleetingHops.hold(new FinishedHop(exchange, log ?? istioLogFormat));
      return;
    }
    const hop = buildHop(exchange, first ?? istioLogFormat(exchange));
    this.#runtime.onHop(hop);
    const collector = this.#config.tracing?.collector;
    if (collector !== undefined) this.#runtime.spans.send(collector, hop);
  }

  #countEnd(status: number, durationMs: number): void {
    this.#stats.requestEnded(status, durationMs);
    this.#listenerStats.requestEnded(status);
  }
}

/** Whether requests end with a connection of HTTP/2 whose client broke the protocol. */
const losesRequests = ({ answered, begun, flag }: CodecError, { idle, protocol }: DownstreamConnection): boolean =>
  protocol === 'HTTP/2' && !answered && flag !== 'DR' && (begun || !idle);
