import type { Socket } from 'node:net';
import type { TlsFacts } from '../http/codec.ts';
import { BytesOfSockets } from '../stats/bytes-of-sockets.ts';
import { CLUSTER_HISTOGRAMS, CLUSTER_NAMES, HTTP1_NAMES } from '../stats/declared-names.ts';
import type { Histogram } from '../stats/histogram.ts';
import { Http2Stats } from '../stats/http2-stats.ts';
import { countHandshake } from '../stats/listener-stats.ts';
import { type Stat, type Stats, statusNames } from '../stats/stats.ts';
import type { Host } from './host.ts';
import { hideHost, showHost } from './host-figures.ts';
import type { ConnectionEnd } from './watched-socket.ts';

/** A cluster's counters, resolved once, so that a request increments without building names. */
export class ClusterStats {
  readonly prefix: string;
  readonly rqTotal: Stat;
  readonly rqRetry: Stat;
  readonly rqRetrySuccess: Stat;
  readonly rqRetryLimitExceeded: Stat;
  readonly rqRetryOverflow: Stat;
  readonly rqRetryBackoff: Stat;
  readonly rqTimeout: Stat;
  readonly rqPerTryTimeout: Stat;
  readonly rqRxReset: Stat;
  readonly noHealthy: Stat;
  readonly panic: Stat;
  readonly abandoned: Stat;
  readonly #stats: Stats;
  readonly #bytes: BytesOfSockets;
  /** Made with the first whole answer. */
  #times: readonly Histogram[] | undefined;
  readonly #byCode = {
    external: new Map<number, readonly Stat[]>(),
    internal: new Map<number, readonly Stat[]>(),
  };

  constructor(stats: Stats, clusterName: string) {
    this.prefix = `cluster.${clusterName}.`;
    this.#stats = stats;
    const stat = (name: string): Stat => stats.stat(this.prefix + name);
    stats.declare(this.prefix, CLUSTER_NAMES, CLUSTER_HISTOGRAMS);
    this.rqTotal = stat('upstream_rq_total');
    this.rqRetry = stat('upstream_rq_retry');
    this.rqRetrySuccess = stat('upstream_rq_retry_success');
    this.rqRetryLimitExceeded = stat('upstream_rq_retry_limit_exceeded');
    this.rqRetryOverflow = stat('upstream_rq_retry_overflow');
    this.rqRetryBackoff = stat('upstream_rq_retry_backoff_exponential');
    this.rqTimeout = stat('upstream_rq_timeout');
    this.rqPerTryTimeout = stat('upstream_rq_per_try_timeout');
    this.rqRxReset = stat('upstream_rq_rx_reset');
    this.noHealthy = stat('upstream_cx_none_healthy');
    this.panic = stat('lb_healthy_panic');
    this.abandoned = stat('retry_or_shadow_abandoned');
    // A cluster whose configuration changed counts on where the former stopped.
    this.#bytes = stats.shared(
      `${this.prefix}upstream_cx`,
      () => new BytesOfSockets(stats, `${this.prefix}upstream_cx`),
    );
  }

  /** A host came, or went, whose figures are shown. */
  shows(host: Host, here: boolean): void {
    if (here) showHost(this.#stats, this.prefix, host);
    else hideHost(this.#stats, this.prefix, host);
  }

  /** A counter by its own name, for what happens often where it is configured. */
  counter(name: string): Stat {
    return this.#stats.stat(this.prefix + name);
  }

  /** A figure by its own name, for what happens seldom. */
  count(name: string): void {
    this.#stats.stat(this.prefix + name).value++;
  }

  add(name: string, amount: number): void {
    if (amount > 0) this.#stats.stat(this.prefix + name).value += amount;
  }

  /** Of its connections of HTTP/2; made when the first is. */
  get http2(): Http2Stats {
    return Http2Stats.of(this.#stats, this.prefix);
  }

  level(name: string): Stat {
    return this.#stats.level(this.prefix + name);
  }

  /**
   * Counts an answer of a host, or one in its place: `upstream_rq_503` and `upstream_rq_5xx`. Envoy tells the requests of its own network
   * from others, and since 1.33 takes none for its own: all count as external too. Only what the proxy asks or answers by itself is internal.
   */
  code(status: number, origin: 'external' | 'internal' = 'external'): void {
    const known = this.#byCode[origin];
    let stats = known.get(status);
    if (stats === undefined) {
      stats = statusNames(status).flatMap((name) => [
        this.#stats.stat(this.prefix + name),
        this.#stats.stat(`${this.prefix}${origin}.${name}`),
      ]);
      known.set(status, stats);
    }
    for (const stat of stats) stat.value++;
  }

  /** The same, but the cluster's own figures of statuses leave it out. */
  completed(status: number, origin: 'external' | 'internal' = 'external'): void {
    this.#stats.stat(`${this.prefix}upstream_rq_completed`).value++;
    for (const name of statusNames(status)) this.#stats.stat(`${this.prefix}${origin}.${name}`).value++;
  }

  /** The answer to a client's request is complete, so long after the request was. */
  answered(ms: number): void {
    this.#times ??= this.#timesOf('external');
    for (const times of this.#times) times.record(ms);
  }

  /** The same of a request of the proxy's own. */
  answeredInternally(ms: number): void {
    for (const times of this.#timesOf('internal')) times.record(ms);
  }

  #timesOf(origin: string): Histogram[] {
    return ['', `${origin}.`].map((scope) => this.#stats.histogram(`${this.prefix}${scope}upstream_rq_time`));
  }

  /** Counts an answer that is tried again: `retry.upstream_rq_503`. */
  retriedCode(status: number): void {
    for (const name of statusNames(status)) this.count(`retry.${name}`);
  }

  /** A connection to a host stands. */
  connected(socket: Socket, tls: TlsFacts | undefined): void {
    this.#bytes.watch(socket);
    this.handshake(tls);
  }

  /** Also of the connections of health checks, which count nowhere else. */
  handshake(tls: TlsFacts | undefined): void {
    if (tls !== undefined) countHandshake(tls, (name) => this.count(name));
  }

  speaks(protocol: 'http1' | 'http2' | 'tcp'): void {
    if (protocol === 'tcp') return;
    this.count(`upstream_cx_${protocol}_total`);
    if (protocol === 'http1') this.#stats.declare(`${this.prefix}http1.`, HTTP1_NAMES);
  }

  connectTime(ms: number): void {
    this.#stats.histogram(`${this.prefix}upstream_cx_connect_ms`).record(ms);
  }

  /** `upstream_cx_destroy` itself is counted by the pool. */
  connectionEnded({
    by,
    busy,
    lengthMs,
    requests,
  }: ConnectionEnd & { readonly lengthMs: number; readonly requests?: number }): void {
    this.count(`upstream_cx_destroy_${by}`);
    if (busy) {
      this.count('upstream_cx_destroy_with_active_rq');
      this.count(`upstream_cx_destroy_${by}_with_active_rq`);
    }
    this.#stats.histogram(`${this.prefix}upstream_cx_length_ms`).record(lengthMs);
    if (requests !== undefined) this.#stats.histogram(`${this.prefix}upstream_rq_per_cx`).record(requests);
  }
}
