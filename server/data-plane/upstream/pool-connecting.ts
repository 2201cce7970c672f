import type { Socket } from 'node:net';
import type { Clock, HandshakeRecord, Timer } from '#domain';
import type { ResetReason } from '../http/codec.ts';
import type { SecuredSocket, TransportSocket } from '../tls/transport.ts';
import { AddressRace } from './address-race.ts';
import { connectFailure } from './pool-failures.ts';

export interface ConnectOptions {
  readonly connect: () => Socket;
  /** The same at further addresses of the host, which are tried where the first does not connect. */
  readonly further?: readonly (() => Socket)[] | undefined;
  /** One of those is tried. */
  readonly onFurther?: (() => void) | undefined;
  readonly transport: TransportSocket | undefined;
  /** What the connection begins with, before the handshake; absent: nothing. */
  readonly firstBytes?: ((socket: Socket) => Buffer) | undefined;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Learns how an attempt ended; exactly one of the two is called, never before the constructor of the attempt has returned. */
export interface ConnectWaiter {
  connected(attempt: ConnectAttempt, result: SecuredSocket): void;
  failed(attempt: ConnectAttempt, reason: ResetReason, detail: string, handshake?: HandshakeRecord): void;
}

/** One attempt to connect: TCP, then the transport socket's handshake, both within one time limit. */
export class ConnectAttempt {
  /** Monotonic time at which it began. */
  readonly startedAt: number;
  /** The same of its connection, before the handshake. */
  connectedAt = 0;
  readonly #options: ConnectOptions;
  readonly #waiter: ConnectWaiter;
  #socket: Socket | undefined = undefined;
  #timer: Timer | undefined = undefined;
  #race: AddressRace | undefined = undefined;
  #over = false;

  constructor(options: ConnectOptions, waiter: ConnectWaiter) {
    this.#options = options;
    this.startedAt = options.clock.monotonic();
    this.#waiter = waiter;
  }

  start(): void {
    if (this.#options.further?.length) {
      this.#startRace(this.#options.further);
      return;
    }
    let socket: Socket;
    try {
      socket = this.#options.connect();
    } catch (error) {
      const detail = connectFailure(error, 'immediate');
      process.nextTick(() => this.#fail('remote_connection_failure', detail));
      return;
    }
    this.#socket = socket;
    this.#watch();
    socket.on('error', this.#onError);
    if (socket.connecting) socket.once('connect', this.#onConnect);
    else process.nextTick(this.#onConnect);
  }

  #watch(): void {
    this.#timer = this.#options.clock.after(this.#options.timeoutMs, () => this.#fail('connection_timeout', ''));
  }

  #startRace(further: readonly (() => Socket)[]): void {
    const { clock, connect, onFurther } = this.#options;
    this.#watch();
    this.#race = new AddressRace({
      dials: [connect, ...further],
      clock,
      onNext: () => onFurther?.(),
      won: (socket) => {
        this.#socket = socket;
        socket.on('error', this.#onError);
        this.#onConnect();
      },
      lost: this.#onError,
    });
    this.#race.start();
  }

  /** Gives up; nobody is called. */
  abandon(): void {
    this.#settle();
    this.#socket?.destroy();
  }

  readonly #onConnect = (): void => {
    if (this.#over || this.#socket === undefined) return;
    const { clock, firstBytes, transport } = this.#options;
    this.connectedAt = clock.monotonic();
    if (firstBytes !== undefined) this.#socket.write(firstBytes(this.#socket));
    if (transport === undefined) this.#succeed({ socket: this.#socket, tls: undefined });
    else transport.handshake(this.#socket, { secured: this.#onSecured, failed: this.#onHandshakeFailed });
  };

  readonly #onSecured = (result: SecuredSocket): void => {
    if (this.#over) result.socket.destroy();
    else this.#succeed(result);
  };

  readonly #onHandshakeFailed = (reason: string, handshake?: HandshakeRecord): void => {
    this.#fail('remote_connection_failure', reason, handshake);
  };

  readonly #onError = (error: Error): void => {
    this.#fail('remote_connection_failure', connectFailure(error, 'delayed'));
  };

  #succeed(result: SecuredSocket): void {
    this.#settle();
    result.socket.removeListener('error', this.#onError);
    this.#waiter.connected(this, result);
  }

  #fail(reason: ResetReason, detail: string, handshake?: HandshakeRecord): void {
    if (this.#over) return;
    this.#settle();
    this.#socket?.destroy();
    this.#waiter.failed(this, reason, detail, handshake);
  }

  #settle(): void {
    this.#over = true;
    this.#race?.abandon();
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
