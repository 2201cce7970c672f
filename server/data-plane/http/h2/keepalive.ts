import type { Clock, Timer } from '#domain';

export interface KeepaliveOptions {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

const PAYLOAD = Buffer.from('keepaliv', 'latin1');

/** PINGs on a connection, one after another; a peer that does not answer one in time is gone. */
export class Keepalive {
  readonly #clock: Clock;
  readonly #options: KeepaliveOptions;
  readonly #ping: (payload: Buffer) => void;
  readonly #lost: () => void;
  #timer: Timer | undefined = undefined;

  constructor(
    clock: Clock,
    options: KeepaliveOptions,
    { ping, lost }: { readonly ping: (payload: Buffer) => void; readonly lost: () => void },
  ) {
    this.#clock = clock;
    this.#options = options;
    this.#ping = ping;
    this.#lost = lost;
    this.#schedule();
  }

  /** The peer has answered a PING. */
  answered(payload: Buffer): void {
    if (!payload.equals(PAYLOAD)) return;
    this.stop();
    this.#schedule();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #schedule(): void {
    this.#timer = this.#clock.after(this.#options.intervalMs, () => {
      this.#ping(PAYLOAD);
      this.#timer = this.#clock.after(this.#options.timeoutMs, this.#lost);
    });
  }
}
