import type { Socket } from 'node:net';
import type { TcpFilterConfig } from '../config/network-filter.ts';
import type { ChainHandler } from '../listener/chain-handler.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { ProxyRuntime } from '../runtime.ts';
import { TcpStats } from '../stats/tcp-stats.ts';
import { TcpSession } from './tcp-session.ts';

/** Envoy's tcp_proxy: joins a client's connection to one of a cluster, bytes both ways. */
export class TcpProxy implements ChainHandler {
  readonly #runtime: ProxyRuntime;
  readonly #config: TcpFilterConfig;
  readonly #stats: TcpStats;
  readonly #open = new Set<TcpSession>();

  constructor(runtime: ProxyRuntime, config: TcpFilterConfig) {
    this.#runtime = runtime;
    this.#config = config;
    this.#stats = TcpStats.of(runtime.stats, config.statPrefix);
  }

  get busy(): number {
    return this.#open.size;
  }

  get connections(): number {
    return this.#open.size;
  }

  serve(socket: Socket, context: ConnectionContext): void {
    this.#stats.connectionBegan(socket);
    const session = new TcpSession({
      runtime: this.#runtime,
      config: this.#config,
      socket,
      context,
      stats: this.#stats,
      onEnd: (ended) => this.#open.delete(ended),
    });
    this.#open.add(session);
    session.start();
  }

  turnedAway(socket: Socket): void {
    this.#stats.connectionBegan(socket);
  }

  /** Connections of a TCP proxy have no end of request to wait for: they go on until `close`. */
  drain(): void {
    // Nothing to announce at this level.
  }

  close(): void {
    for (const session of [...this.#open]) session.close();
  }
}
