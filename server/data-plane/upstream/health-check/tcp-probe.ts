import type { Socket } from 'node:net';
import type { TcpCheck } from '../../config/health-check-config.ts';
import type { TlsFacts } from '../../http/codec.ts';
import { ownHeader } from '../client-header.ts';
import { ConnectAttempt, type ConnectOptions } from '../pool-connecting.ts';
import { type HealthProbe, holdsInOrder, type ProbeResult } from './probe.ts';

const PASSED: ProbeResult = { healthy: true, degraded: false };
const UNREACHABLE: ProbeResult = { healthy: false, type: 'NETWORK', retriable: false };

/**
 * Connects, and where the policy says so sends bytes and waits for others. Wrong bytes are no answer: the check runs into its timeout.
 * Source: Envoy's extensions/health_checkers/tcp.
 */
export class TcpProbe implements HealthProbe {
  readonly #check: TcpCheck;
  readonly #reuse: boolean;
  readonly #connect: ConnectOptions;
  readonly #onSecured: (tls: TlsFacts | undefined) => void;
  #attempt: ConnectAttempt | undefined;
  #socket: Socket | undefined;
  #received = Buffer.alloc(0);
  #done: ((result: ProbeResult) => void) | undefined;

  constructor(
    check: TcpCheck,
    options: {
      readonly reuse: boolean;
      readonly connect: ConnectOptions;
      readonly onSecured: (tls: TlsFacts | undefined) => void;
    },
  ) {
    this.#onSecured = options.onSecured;
    this.#check = check;
    this.#reuse = options.reuse;
    this.#connect = options.connect;
  }

  run(done: (result: ProbeResult) => void): void {
    this.#done = done;
    if (this.#socket !== undefined) {
      this.#ask(this.#socket);
      return;
    }
    this.#attempt = new ConnectAttempt(this.#connect, {
      connected: (_attempt, { socket, tls }) => {
        this.#onSecured(tls);
        this.#connected(socket);
      },
      failed: () => this.#finish(UNREACHABLE),
    });
    this.#attempt.start();
  }

  abandon(): void {
    this.#done = undefined;
    this.close();
  }

  close(): void {
    this.#attempt?.abandon();
    this.#attempt = undefined;
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #connected(socket: Socket): void {
    this.#attempt = undefined;
    socket.on('error', () => undefined);
    if (this.#check.receive.length === 0) {
      socket.destroy();
      this.#finish(PASSED);
      return;
    }
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#finish(UNREACHABLE);
    });
    this.#ask(socket);
  }

  #ask(socket: Socket): void {
    this.#received = Buffer.alloc(0);
    const { headerVersion, send } = this.#check;
    // As in Envoy, each check says it again, also on a connection that is kept.
    const header = headerVersion === undefined ? [] : [ownHeader(headerVersion, socket)];
    const bytes = Buffer.concat([...header, ...(send === undefined ? [] : [send])]);
    if (bytes.length > 0) socket.write(bytes);
  }

  #onData(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    if (!holdsInOrder(this.#check.receive, this.#received)) return;
    this.#received = Buffer.alloc(0);
    if (!this.#reuse) this.close();
    this.#finish(PASSED);
  }

  #finish(result: ProbeResult): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(result);
  }
}
