import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TcpFilterConfig } from '../config/network-filter.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { ProxyRuntime } from '../runtime.ts';
import { awaitIntroduction, type Introduced, introductionFrame, PEER_EXCHANGE } from './peer-exchange.ts';
import type { Overhead } from './session-metrics.ts';

export interface IntroductionsOptions {
  readonly runtime: ProxyRuntime;
  readonly config: TcpFilterConfig;
  readonly context: ConnectionContext;
  /** The client's connection. */
  readonly socket: Socket;
  /** Told how many bytes of it belong to the proxies. */
  readonly overhead: Overhead;
}

/** On the other side is no proxy that would introduce itself. */
const NOBODY: Introduced = { peer: undefined, bytes: 0, ended: undefined };

/** How a proxy and those at the other ends of a connection tell each other who they are. */
export class Introductions {
  readonly #options: IntroductionsOptions;
  /** Set once the client's proxy has introduced itself, or will not. */
  #client: Introduced | undefined;
  /** What waits for that. */
  #onClient: ((client: Introduced) => void) | undefined;
  /** Tells the client's proxy who serves; set where it agreed to listen. */
  #introduce: (() => void) | undefined;

  constructor(options: IntroductionsOptions) {
    this.#options = options;
  }

  /** Introduces itself to a client's proxy that agreed to it, before the first byte either way, and hears the other. */
  meetClient(): void {
    const { config, context, overhead, runtime, socket } = this.#options;
    if (!config.exchangesPeers || context.tls?.alpn !== PEER_EXCHANGE) {
      this.#met(NOBODY);
      return;
    }
    const introduce = (): void => {
      if (overhead.written > 0) return;
      const frame = introductionFrame(runtime.peerMetadata.introduction);
      overhead.written = frame.length;
      socket.write(frame);
    };
    this.#introduce = introduce;
    socket.once('data', introduce);
    awaitIntroduction(socket, (client) => {
      overhead.read = client.bytes;
      this.#met(client);
    });
  }

  whenClientMet(met: (client: Introduced) => void): void {
    if (this.#client === undefined) this.#onClient = met;
    else met(this.#client);
  }

  /** The same to the server's proxy; what comes from there may be the server's own bytes. */
  meetServer(upstream: Duplex, exchanges: boolean, met: (server: Introduced) => void): void {
    if (!exchanges) {
      met(NOBODY);
      return;
    }
    const { runtime, socket } = this.#options;
    const introduce = (): void => void upstream.write(introductionFrame(runtime.peerMetadata.introduction));
    // Before the listener that passes the first bytes on.
    socket.prependOnceListener('data', introduce);
    awaitIntroduction(upstream, met);
  }

  /** A server that speaks first is introduced first; to be called before its bytes are passed on. */
  beforeFirstOf(upstream: Duplex): void {
    if (this.#introduce !== undefined) upstream.prependOnceListener('data', this.#introduce);
  }

  #met(client: Introduced): void {
    this.#client = client;
    this.#onClient?.(client);
  }
}
