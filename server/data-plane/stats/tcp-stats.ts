import type { Socket } from 'node:net';
import { BytesOfSockets } from './bytes-of-sockets.ts';
import { TCP_NAMES } from './declared-names.ts';
import type { Stats } from './stats.ts';

/** The figures `tcp.<prefix>.*` of all TCP proxies with that prefix. */
export class TcpStats {
  readonly #stats: Stats;
  readonly #prefix: string;
  readonly #bytes: BytesOfSockets;

  static of(stats: Stats, statPrefix: string): TcpStats {
    const prefix = `tcp.${statPrefix}.`;
    return stats.shared(prefix, () => new TcpStats(stats, prefix));
  }

  private constructor(stats: Stats, prefix: string) {
    this.#stats = stats;
    this.#prefix = prefix;
    stats.declare(prefix, TCP_NAMES);
    this.#bytes = new BytesOfSockets(stats, `${prefix}downstream_cx`);
  }

  connectionBegan(socket: Socket): void {
    this.count('downstream_cx_total');
    this.#bytes.watch(socket);
  }

  count(name: string): void {
    this.#stats.stat(this.#prefix + name).value++;
  }
}
