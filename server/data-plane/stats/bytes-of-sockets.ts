import type { Socket } from 'node:net';
import type { Stats } from './stats.ts';

/** Bytes that went through sockets, those of open ones included; read only when somebody looks. */
export class BytesOfSockets {
  readonly #open = new Set<Socket>();
  #received = 0;
  #sent = 0;

  constructor(stats: Stats, prefix: string) {
    stats.sum(`${prefix}_rx_bytes_total`, () => this.#sum('received'));
    stats.sum(`${prefix}_tx_bytes_total`, () => this.#sum('sent'));
  }

  watch(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#received += socket.bytesRead;
      this.#sent += socket.bytesWritten;
    });
  }

  #sum(which: 'received' | 'sent'): number {
    let sum = which === 'received' ? this.#received : this.#sent;
    for (const socket of this.#open) sum += which === 'received' ? socket.bytesRead : socket.bytesWritten;
    return sum;
  }
}
