import { Socket, type SocketConstructorOpts, type TcpNetConnectOpts } from 'node:net';
import { Duplex } from 'node:stream';

const READ_BYTES = 64 * 1024;
/** How a stream names the encoding of bytes. */
const DIRECT = 'buffer' as BufferEncoding;

/** What arrives on any of these sockets is read into this one buffer, and copied out before anything else is read. */
const arrivals = Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * Node reads a plain socket into 64 KB of its own, and what TLS has decrypted into what is left of them. Where the two take turns, as in a
 * proxy, each turn leaves 64 KB outside of the heap to be collected: 50 KB a request. Copies of what arrived lie in Buffer's pool.
 */
class DirectSocket extends Socket {
  /** Bytes of each write that the kernel has not taken at once, oldest first. */
  readonly #inFlight: number[] = [];
  #unsent = 0;
  #sentAtOnce = false;
  readonly #onSent = (error?: Error | null): void => this.#sent(error);
  #take: ((chunk: Buffer) => void) | undefined = undefined;

  constructor(options: SocketConstructorOpts) {
    super({ ...options, onread: { buffer: arrivals, callback: (bytes) => this.#arrived(bytes) } });
  }

  /**
   * Node would stop reading at once. As any other socket this one goes on until its buffer is full: bytes that nobody has read when the
   * connection is closed become a reset for the peer.
   */
  override pause(): this {
    Duplex.prototype.pause.call(this);
    return this;
  }

  /** `take` gets what arrives at once, and what waited in the stream as before. */
  takeBytes(take: (chunk: Buffer) => void): void {
    this.on('data', take);
    this.#take = take;
  }

  /**
   * Gives bytes (text is latin1) to the kernel without the stream's bookkeeping, which costs more than to make a head. Returns how many wait
   * for the peer; 'drain' tells when none does any more.
   */
  send(data: string | Buffer): number {
    if (this.connecting || this.writableLength > 0) {
      this.write(data, 'latin1');
      return this.writableLength;
    }
    this.#sentAtOnce = false;
    this._write(data, typeof data === 'string' ? 'latin1' : DIRECT, this.#onSent);
    if (this.#sentAtOnce) return 0;
    this.#inFlight.push(data.length);
    this.#unsent += data.length;
    return this.#unsent;
  }

  #sent(error?: Error | null): void {
    if (error) {
      this.destroy(error);
      return;
    }
    const bytes = this.#inFlight.shift();
    if (bytes === undefined) {
      this.#sentAtOnce = true;
      return;
    }
    this.#unsent -= bytes;
    if (this.#unsent === 0) this.emit('drain');
  }

  #arrived(bytes: number): boolean {
    const chunk = Buffer.allocUnsafe(bytes);
    arrivals.copy(chunk, 0, 0, bytes);
    if (this.#take === undefined || this.readableFlowing !== true || this.readableLength > 0) return this.push(chunk);
    this.#take(chunk);
    return true;
  }
}

/**
 * Hands on what arrives, as a listener for 'data' does; `take` stays for the life of the socket. While nobody has paused the socket the bytes
 * do not pass through its stream, which would cost more than to parse a request.
 */
export function onBytes(socket: Socket, take: (chunk: Buffer) => void): void {
  if (socket instanceof DirectSocket) socket.takeBytes(take);
  else socket.on('data', take);
}

/**
 * Sends bytes (text is latin1) and returns how many wait for the peer; 'drain' tells when none does any more. Whoever sends this way writes in
 * no other.
 */
export function sendBytes(socket: Socket, data: string | Buffer): number {
  if (socket instanceof DirectSocket) return socket.send(data);
  return socket.write(data, 'latin1') ? 0 : socket.writableLength;
}

/** Dials, as `connect` of node:net does. */
export const connectTcp = (options: TcpNetConnectOpts): Socket => new DirectSocket(options).connect(options);

/**
 * The connection of a socket that a server accepted, `pauseOnConnect`. Node lets only those that dial choose how they read, so the connection
 * changes hands.
 */
export function takeOver(accepted: Socket): Socket {
  const options = { handle: Reflect.get(accepted, '_handle'), allowHalfOpen: accepted.allowHalfOpen };
  Reflect.set(accepted, '_handle', null);
  accepted.destroy();
  return new DirectSocket(options);
}
