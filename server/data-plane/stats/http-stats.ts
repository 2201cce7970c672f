import type { Socket } from 'node:net';
import type { TraceReason } from '../http/request-id.ts';
import type { ConnectionEnd } from '../upstream/watched-socket.ts';
import { BytesOfSockets } from './bytes-of-sockets.ts';
import { HTTP_HISTOGRAMS, HTTP_NAMES, LISTENER_HTTP_NAMES } from './declared-names.ts';
import type { Histogram } from './histogram.ts';
import type { Stat, Stats } from './stats.ts';

const MAX_CLASS = 5;

/** `1xx` to `5xx`, each made when it is first counted. */
class StatusClasses {
  readonly #stats: Stats;
  readonly #prefix: string;
  readonly #made: (Stat | undefined)[] = [];

  constructor(stats: Stats, prefix: string) {
    this.#stats = stats;
    this.#prefix = prefix;
  }

  /** As in Envoy, a status beyond 599 is of no class. */
  count(status: number): void {
    const digit = Math.floor(status / 100);
    if (digit > MAX_CLASS) return;
    let stat = this.#made[digit];
    if (stat === undefined) {
      stat = this.#stats.stat(`${this.#prefix}downstream_rq_${digit}xx`);
      this.#made[digit] = stat;
    }
    stat.value++;
  }
}

/** The figures `http.<prefix>.*` of all connection managers with that prefix. */
export class HttpStats {
  readonly rqTotal: Stat;
  readonly rqActive: Stat;
  readonly rqHttp1: Stat;
  readonly rqHttp2: Stat;
  readonly rqTime: Histogram;
  /** Requests that reached the router. */
  readonly routed: Stat;
  readonly #sampled: Stat;
  readonly #notSampled: Stat;
  readonly bytes: BytesOfSockets;
  readonly #prefix: string;
  readonly #stats: Stats;
  readonly #completed: Stat;
  readonly #classes: StatusClasses;

  static of(stats: Stats, statPrefix: string): HttpStats {
    const prefix = `http.${statPrefix}.`;
    return stats.shared(prefix, () => new HttpStats(stats, prefix));
  }

  private constructor(stats: Stats, prefix: string) {
    this.#stats = stats;
    this.#prefix = prefix;
    stats.declare(prefix, HTTP_NAMES, HTTP_HISTOGRAMS);
    this.rqTotal = stats.stat(`${prefix}downstream_rq_total`);
    this.rqActive = stats.level(`${prefix}downstream_rq_active`);
    this.rqHttp1 = stats.stat(`${prefix}downstream_rq_http1_total`);
    this.rqHttp2 = stats.stat(`${prefix}downstream_rq_http2_total`);
    this.rqTime = stats.histogram(`${prefix}downstream_rq_time`);
    this.#sampled = stats.stat(`${prefix}tracing.random_sampling`);
    this.#notSampled = stats.stat(`${prefix}tracing.not_traceable`);
    this.routed = stats.stat(`${prefix}rq_total`);
    this.#completed = stats.stat(`${prefix}downstream_rq_completed`);
    this.#classes = new StatusClasses(stats, prefix);
    this.bytes = new BytesOfSockets(stats, `${prefix}downstream_cx`);
  }

  /** Counts one by its name behind the prefix: `downstream_rq_rx_reset`. */
  count(name: string): void {
    this.#stats.stat(this.#prefix + name).value++;
  }

  /** Why a request is traced; undefined: it is not. */
  traced(reason: TraceReason | undefined): void {
    if (reason === undefined) this.#notSampled.value++;
    else if (reason === 'sampled') this.#sampled.value++;
    else this.count(reason === 'client' ? 'tracing.client_enabled' : 'tracing.service_forced');
  }

  requestEnded(status: number, durationMs: number): void {
    this.rqActive.value--;
    this.rqTime.record(durationMs);
    if (status === 0) return;
    this.#completed.value++;
    this.#classes.count(status);
  }

  /** An answer before the answer. */
  informational(status: number): void {
    this.#completed.value++;
    this.#classes.count(status);
  }

  connectionBegan(secured: boolean): void {
    this.count('downstream_cx_total');
    this.#level('downstream_cx_active').value++;
    if (!secured) return;
    this.count('downstream_cx_ssl_total');
    this.#level('downstream_cx_ssl_active').value++;
  }

  /** The codec of a connection is known. */
  speaks(protocol: 'http1' | 'http2'): void {
    this.count(`downstream_cx_${protocol}_total`);
    this.#level(`downstream_cx_${protocol}_active`).value++;
  }

  connectionEnded(
    { by, busy }: ConnectionEnd,
    connection: {
      readonly protocol: 'http1' | 'http2' | undefined;
      readonly secured: boolean;
      readonly lengthMs: number;
    },
  ): void {
    this.#level('downstream_cx_active').value--;
    if (connection.secured) this.#level('downstream_cx_ssl_active').value--;
    if (connection.protocol !== undefined) this.#level(`downstream_cx_${connection.protocol}_active`).value--;
    for (const name of ['', `_${by}`]) {
      this.count(`downstream_cx_destroy${name}`);
      if (busy) this.count(`downstream_cx_destroy${name}_active_rq`);
    }
    this.#stats.histogram(`${this.#prefix}downstream_cx_length_ms`).record(connection.lengthMs);
  }

  upgraded(): Stat {
    this.count('downstream_cx_upgrades_total');
    return this.#level('downstream_cx_upgrades_active');
  }

  watch(socket: Socket): void {
    this.bytes.watch(socket);
  }

  #level(name: string): Stat {
    return this.#stats.level(this.#prefix + name);
  }
}

/** The same classes once more, for each listener: `listener.<address>.http.<prefix>.*`. */
export class ListenerHttpStats {
  readonly #completed: Stat;
  readonly #classes: StatusClasses;

  constructor(stats: Stats, listenerPrefix: string, statPrefix: string) {
    const prefix = `${listenerPrefix}http.${statPrefix}.`;
    stats.declare(prefix, LISTENER_HTTP_NAMES);
    this.#completed = stats.stat(`${prefix}downstream_rq_completed`);
    this.#classes = new StatusClasses(stats, prefix);
  }

  requestEnded(status: number): void {
    if (status === 0) return;
    this.#completed.value++;
    this.#classes.count(status);
  }
}
