import { Socket, type SocketConstructorOpts, type TcpNetConnectOpts } from 'node:net';
import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

const READ_BYTES = 64 * 1024;
/** What arrives on any of these sockets is read into this one buffer, and copied out before anything else is read. */
const arrivals = Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * Node reads a plain socket into 64 KB of its own, and what TLS has decrypted into what is left of them. Where the two take turns, as in a
 * proxy, each turn leaves 64 KB outside of the heap to be collected: 50 KB a request. Copies of what arrived lie in Buffer's pool.
 */
export class DirectSocket extends Socket {
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
  if (socket instanceof TLSSocket) takePushed(socket, take);
}

/** What TLS has decrypted is pushed into its stream. */
function takePushed(socket: TLSSocket, take: (chunk: Buffer) => void): void {
  const push = socket.push.bind(socket);
  socket.push = (chunk: Buffer | null, encoding) => {
    if (chunk === null || socket.readableFlowing !== true || socket.readableLength > 0) return push(chunk, encoding);
    take(chunk);
    return true;
  };
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
