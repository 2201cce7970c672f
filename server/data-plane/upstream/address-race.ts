import type { Socket } from 'node:net';
import type { Clock, Timer } from '#domain';

/** Between one address and the next, where the first says nothing. Source: HappyEyeballsConnectionProvider in Envoy. */
const NEXT_AFTER_MS = 300;

export interface AddressRaceOptions {
  /** Opens a connection to the host's own address, then to its further ones. */
  readonly dials: readonly (() => Socket)[];
  readonly clock: Clock;
  /** A further address is tried. */
  readonly onNext: () => void;
  readonly won: (socket: Socket) => void;
  /** None of them connects; what the last one met. */
  readonly lost: (error: Error) => void;
}

/** Dials the addresses of one host, each once the one before has failed or stays silent; the first that connects is taken. */
export class AddressRace {
  readonly #options: AddressRaceOptions;
  readonly #running = new Set<Socket>();
  #next = 0;
  #timer: Timer | undefined;
  #over = false;

  constructor(options: AddressRaceOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, dials, onNext } = this.#options;
    this.#timer?.cancel();
    const dial = dials[this.#next];
    if (this.#over || dial === undefined) return;
    if (this.#next++ > 0) onNext();
    if (this.#next < dials.length) this.#timer = clock.after(NEXT_AFTER_MS, () => this.start());
    let socket: Socket;
    try {
      socket = dial();
    } catch (error) {
      process.nextTick(() => this.#failed(undefined, error as Error));
      return;
    }
    this.#running.add(socket);
    const onError = (error: Error): void => this.#failed(socket, error);
    socket.on('error', onError);
    const onConnect = (): void => {
      socket.removeListener('error', onError);
      this.#won(socket);
    };
    if (socket.connecting) socket.once('connect', onConnect);
    else process.nextTick(onConnect);
  }

  abandon(): void {
    this.#over = true;
    this.#timer?.cancel();
    for (const socket of this.#running) {
      socket.on('error', () => undefined);
      socket.destroy();
    }
    this.#running.clear();
  }

  #won(socket: Socket): void {
    if (this.#over) return;
    this.#running.delete(socket);
    this.abandon();
    this.#options.won(socket);
  }

  #failed(socket: Socket | undefined, error: Error): void {
    if (this.#over) return;
    if (socket !== undefined) this.#running.delete(socket);
    if (this.#next < this.#options.dials.length) this.start();
    else if (this.#running.size === 0) {
      this.abandon();
      this.#options.lost(error);
    }
  }
}
