import type { Socket } from 'node:net';
import type { Clock } from '#domain';
import type { HttpStats } from '../stats/http-stats.ts';
import { WatchedSocket } from '../upstream/watched-socket.ts';
import type { Exchange } from './exchange.ts';
import type { StreamInfo } from './stream-info.ts';

/** Keeps the figures of one client connection. */
export class ConnectionTrack {
  readonly #stats: HttpStats;
  readonly #clock: Clock;
  readonly #secured: boolean;
  readonly #beganAt: number;
  #protocol: 'http1' | 'http2' | undefined;
  readonly #socket: WatchedSocket;
  #busy = false;
  #broken = false;

  constructor(
    stats: HttpStats,
    { socket, secured, clock }: { readonly socket: Socket; readonly secured: boolean; readonly clock: Clock },
  ) {
    this.#stats = stats;
    this.#clock = clock;
    this.#secured = secured;
    this.#beganAt = clock.monotonic();
    this.#socket = new WatchedSocket(socket);
    stats.watch(socket);
    stats.connectionBegan(this.#secured);
  }

  request(protocol: string): void {
    if (this.#protocol !== undefined) return;
    this.#protocol = protocol === 'HTTP/2' ? 'http2' : 'http1';
    this.#stats.speaks(this.#protocol);
  }

  requestEnded({ endedWithConnection }: Exchange): void {
    if (endedWithConnection) this.#busy = true;
  }

  /** Its TLS handshake failed: as in Envoy, whoever gave up, it counts as ended by the client. */
  brokenOff(): void {
    this.#broken = true;
  }

  /** It ended in the middle of a request's head. */
  leftBusy(): void {
    this.#busy = true;
  }

  /** Notes for the listener's log how the connection has ended; `drained`: this proxy has closed it once nothing was under way. */
  tellEnding(info: StreamInfo, drained: boolean): void {
    const { endedByPeer, resetByPeer } = this.#socket;
    info.closes(endedByPeer || !drained ? '' : 'deferred_close_on_drained_connection');
    if (resetByPeer && info.ending !== undefined) info.ending.downstream = 'RemoteReset';
  }

  ended(): void {
    this.#stats.connectionEnded(
      { by: this.#broken || this.#socket.endedByPeer ? 'remote' : 'local', busy: this.#busy },
      {
        protocol: this.#protocol,
        secured: this.#secured,
        lengthMs: this.#clock.monotonic() - this.#beganAt,
      },
    );
  }
}
