import type { Clock } from '#domain';
import type { AnswerLimits } from '../config/upstream-protocol.ts';
import { CARRIAGE } from '../http/carriage.ts';
import { ClientConnection } from '../http/h1/client-connection.ts';
import type { Http2Counter } from '../http/h2/http2-counter.ts';
import type { SecuredSocket } from '../tls/transport.ts';
import { Carriage } from './carriage.ts';
import { PooledHttp2Connection } from './http2-connection.ts';
import type { PooledConnection, PooledConnectionOwner } from './pool-connection.ts';
import { TunnelConnection } from './tunnel-connection.ts';

/** What a pool speaks. `alpn`: whatever the handshake of each connection agreed on; `tcp`: nothing, its connections are the ends of tunnels. */
export type PoolProtocol = 'http1' | 'http2' | 'alpn' | 'tcp';

/** What HTTP/2 to a host may do (HttpProtocolOptions.http2_protocol_options). */
export interface Http2Settings {
  readonly maxConcurrentStreams?: number | undefined;
  readonly keepalive?: { readonly intervalMs: number; readonly timeoutMs: number } | undefined;
  readonly counter?: Http2Counter | undefined;
}

export interface ConnectionFactoryOptions {
  readonly protocol: PoolProtocol;
  readonly http2: Http2Settings;
  readonly clock: Clock;
  /** The handshake offers to carry HTTP/1.1 over HTTP/2. */
  readonly offersCarriage: boolean;
  /** Names in answers of HTTP/1.1 keep their capitals. */
  readonly keepsSpelling?: boolean | undefined;
  readonly answers?: AnswerLimits | undefined;
}

/** Makes a pool's connections out of sockets; with a carriage, also without one. */
export class ConnectionFactory {
  readonly #options: ConnectionFactoryOptions;
  readonly #owner: PooledConnectionOwner;
  readonly #carriages = new Set<Carriage>();
  /** What the host's proxy answered to the offer of a carriage. */
  #peer: 'unknown' | 'carries' | 'plain';

  constructor(owner: PooledConnectionOwner, options: ConnectionFactoryOptions) {
    this.#owner = owner;
    this.#options = options;
    this.#peer = options.offersCarriage ? 'unknown' : 'plain';
  }

  /** Streams that one connection which is being made will probably take. */
  get expectedStreams(): number {
    if (this.#options.protocol === 'http2') return this.#options.http2.maxConcurrentStreams ?? Number.POSITIVE_INFINITY;
    return this.#peer === 'plain' ? 1 : Number.POSITIVE_INFINITY;
  }

  /** A connection that needs no socket of its own; undefined when one must be opened. */
  withoutSocket(): PooledConnection | undefined {
    for (const carriage of this.#carriages) if (carriage.available) return carriage.newLane();
    return undefined;
  }

  fromSocket({ socket, tls }: SecuredSocket): PooledConnection {
    const { answers, clock, http2, keepsSpelling, protocol } = this.#options;
    if (protocol === 'tcp') return new TunnelConnection(socket, tls, this.#owner);
    const alpn = tls?.alpn ?? '';
    if (protocol === 'http2' || (protocol === 'alpn' && alpn === 'h2')) {
      return new PooledHttp2Connection(socket, tls, this.#owner, { clock, answers, ...http2 });
    }
    if (alpn !== CARRIAGE) {
      this.#peer = 'plain';
      return new ClientConnection(socket, tls, this.#owner, { keepsSpelling, answers });
    }
    this.#peer = 'carries';
    const carriage = new Carriage({
      socket,
      tls,
      clock,
      owner: this.#owner,
      onGone: (gone) => this.#carriages.delete(gone),
    });
    this.#carriages.add(carriage);
    return carriage.newLane();
  }
}
