import type { Socket } from 'node:net';

/**
 * How many connections of clients may be open at once, over all listeners of a proxy: the resource monitor of downstream connections in
 * Envoy's overload manager, which Istio's bootstrap configures.
 */
export class ConnectionRoom {
  readonly #max: number;
  #open = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Whether there is room for one more; if so it is counted until it is closed. */
  takes(socket: Socket): boolean {
    if (this.#open >= this.#max) return false;
    this.#open++;
    socket.once('close', () => {
      this.#open--;
    });
    return true;
  }
}
