import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { formatAddress, type SocketAddress } from '#domain';

/**
 * One end of a connection that exists in memory only: a stream with the parts of a TCP socket that proxies use. It is no net.Socket,
 * because TLS over one of those waits for a handle that this has not.
 */
export class MemorySocket extends Duplex {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Until the other end is there, it counts as a connection that is being made. */
  connecting = true;
  bytesRead = 0;
  bytesWritten = 0;
  readonly #ends: { readonly local: SocketAddress; readonly remote: SocketAddress };
  #peer: MemorySocket | undefined;
  /** Takes the next chunk of the other end; called when this end wants more. */
  #wanted: (() => void) | undefined;

  constructor(local: SocketAddress, remote: SocketAddress) {
    super({ allowHalfOpen: true });
    this.#ends = { local, remote };
    this.localAddress = local.ip;
    this.localPort = local.port;
    this.remoteAddress = remote.ip;
    this.remotePort = remote.port;
  }

  /** As the proxies hold it: they call nothing of a socket that is not here. */
  get socket(): Socket {
    return this as unknown as Socket;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  /** Time-outs are set by clocks, never by sockets. */
  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  destroySoon(): void {
    this.end(() => this.destroy());
  }

  /** The connection is made: both ends may send. The accepting end is returned. */
  accept(): MemorySocket {
    const { local, remote } = this.#ends;
    const other = new MemorySocket(remote, local);
    this.#peer = other;
    other.#peer = this;
    other.connecting = false;
    this.connecting = false;
    this.emit('connect');
    return other;
  }

  /** The connection is refused, as by a host that does not listen there. */
  refuse(): void {
    const message = `connect ECONNREFUSED ${formatAddress(this.#ends.remote)}`;
    this.destroy(Object.assign(new Error(message), { code: 'ECONNREFUSED' }));
  }

  resetAndDestroy(): this {
    this.#peer?.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
    return this.destroy();
  }

  override _read(): void {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    wanted?.();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.connecting) {
      this.once('connect', () => this._write(chunk, encoding, done));
      return;
    }
    const peer = this.#peer;
    if (peer === undefined || peer.destroyed) {
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      return;
    }
    // The next turn of the loop delivers, so that no side ever runs inside the other.
    this.bytesWritten += chunk.length;
    setImmediate(() => {
      peer.bytesRead += chunk.length;
      if (peer.destroyed || peer.push(chunk)) done();
      else peer.#wanted = done;
    });
  }

  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], done: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.connecting) {
      this.once('connect', () => this._final(done));
      return;
    }
    setImmediate(() => {
      if (this.#peer?.destroyed === false) this.#peer.push(null);
      done();
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const peer = this.#peer;
    this.#peer = undefined;
    setImmediate(() => {
      if (peer !== undefined && !peer.destroyed && !peer.readableEnded) peer.push(null);
    });
    super._destroy(error, done);
  }
}
