import type { Socket } from 'node:net';
import { CARRIAGE } from './carriage.ts';
import type { DownstreamConnection, ServerConnectionOptions, TlsFacts } from './codec.ts';
import { LazyDeadline } from './h1/lazy-deadline.ts';
import { createServerConnection as createHttp1 } from './h1/server-connection.ts';
import { formatEndpoint } from './h1/socket-address.ts';
import { createHttp2ServerConnection as createHttp2 } from './h2/server-connection.ts';

/** What tells HTTP/2 from HTTP/1.1 where no handshake did. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n', 'latin1');
const NOTHING = Buffer.alloc(0);

/**
 * Serves HTTP on a connected, unread socket, which it owns from now on. The codec follows from ALPN, or else from the first bytes, as with
 * Envoy's AUTO; `codec` decides beforehand where it names one.
 */
export function serveHttp(
  socket: Socket,
  codec: 'AUTO' | 'HTTP1' | 'HTTP2',
  options: ServerConnectionOptions,
): DownstreamConnection {
  const alpn = options.tls?.alpn ?? '';
  if (alpn === CARRIAGE) return createHttp2(socket, { ...options, carriage: true, extendedConnect: true });
  if (codec === 'HTTP2' || (codec === 'AUTO' && alpn === 'h2')) return createHttp2(socket, options);
  if (codec === 'HTTP1' || alpn !== '') return createHttp1(socket, options);
  return new UndecidedConnection(socket, options);
}

/** A connection whose first bytes have not come; afterwards it passes everything on to the codec that they asked for. */
class UndecidedConnection implements DownstreamConnection {
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly tls: TlsFacts | undefined;
  readonly #socket: Socket;
  readonly #options: ServerConnectionOptions;
  readonly #idle: LazyDeadline;
  readonly #onChunk = (chunk: Buffer): void => this.#read(chunk);
  readonly #onEnd = (): void => this.close();
  readonly #onClose = (): void => this.#finish();
  #seen: Buffer = NOTHING;
  #chosen: DownstreamConnection | undefined = undefined;
  #draining = false;
  #over = false;

  constructor(socket: Socket, options: ServerConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.tls = options.tls;
    this.remoteAddress = formatEndpoint(socket.remoteAddress, socket.remotePort);
    this.localAddress = formatEndpoint(socket.localAddress, socket.localPort);
    this.#idle = new LazyDeadline(options.clock, () => {
      options.onIdleTimeout?.();
      this.close();
    });
    this.#idle.set(options.idleTimeoutMs ?? 0);
    // 'close' follows every error and does the work.
    socket.on('error', () => undefined);
    socket.on('data', this.#onChunk).on('end', this.#onEnd).on('close', this.#onClose);
    socket.resume();
  }

  get protocol(): DownstreamConnection['protocol'] {
    return this.#chosen?.protocol ?? 'HTTP/1.1';
  }

  get requestCount(): number {
    return this.#chosen?.requestCount ?? 0;
  }

  get idle(): boolean {
    return this.#chosen?.idle ?? true;
  }

  drain(): void {
    this.#draining = true;
    this.#chosen?.drain();
  }

  close(): void {
    if (this.#chosen !== undefined) this.#chosen.close();
    else {
      this.#socket.destroy();
      this.#finish();
    }
  }

  #read(chunk: Buffer): void {
    this.#seen = this.#seen.length === 0 ? chunk : Buffer.concat([this.#seen, chunk]);
    const length = Math.min(this.#seen.length, PREFACE.length);
    const fits = this.#seen.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (fits && length < PREFACE.length) return;
    this.#choose(fits ? createHttp2 : createHttp1);
  }

  #choose(create: typeof createHttp1): void {
    this.#socket.off('data', this.#onChunk).off('end', this.#onEnd).off('close', this.#onClose);
    this.#idle.stop();
    const options: ServerConnectionOptions & { firstBytes?: Buffer | undefined } = {
      ...this.#options,
      firstBytes: this.#seen,
      onClose: this.#onClose,
    };
    this.#seen = NOTHING;
    this.#chosen = create(this.#socket, options);
    // They have been read. The codec keeps its options, and with these bytes the pool that they lie in.
    options.firstBytes = undefined;
    if (this.#draining) this.#chosen.drain();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#idle.stop();
    this.#options.onClose?.(this);
  }
}
