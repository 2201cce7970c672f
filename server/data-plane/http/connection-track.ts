import type { Socket } from 'node:net';
import type { Clock } from '#domain';
import type { HttpStats } from '../stats/http-stats.ts';
import { WatchedSocket } from '../upstream/watched-socket.ts';
import type { TlsFacts } from './codec.ts';
import type { Exchange } from './exchange.ts';

/** Keeps the figures of one client connection. */
export class ConnectionTrack {
  readonly #stats: HttpStats;
  readonly #clock: Clock;
  readonly #secured: boolean;
  readonly #beganAt: number;
  #protocol: 'http1' | 'http2' | undefined;
  readonly #socket: WatchedSocket;
  #busy = false;

  constructor(
    stats: HttpStats,
    { socket, tls, clock }: { readonly socket: Socket; readonly tls: TlsFacts | undefined; readonly clock: Clock },
  ) {
    this.#stats = stats;
    this.#clock = clock;
    this.#secured = tls !== undefined;
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

  ended(): void {
    this.#stats.connectionEnded(
      { by: this.#socket.endedByPeer ? 'remote' : 'local', busy: this.#busy },
      {
        protocol: this.#protocol,
        secured: this.#secured,
        lengthMs: this.#clock.monotonic() - this.#beganAt,
      },
    );
  }
}
