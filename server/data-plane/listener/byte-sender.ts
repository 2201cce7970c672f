import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { DirectSocket } from './direct-socket.ts';

/** How a stream names the encoding of bytes. */
const BYTES = 'buffer' as BufferEncoding;
/** As many bytes as may wait before 'drain' is worth telling: what a stream's high water mark is. */
const HIGH_WATER_BYTES = 64 * 1024;

interface Outgoing {
  readonly data: string | Buffer;
  /** Nobody reads the bytes any more. */
  readonly sent: (() => void) | undefined;
}

/**
 * Gives bytes to a connection without its stream's bookkeeping, which costs more than to make a head. Whoever writes this way writes in no
 * other, and ends the connection by `end`.
 */
export class ByteSender {
  readonly #socket: Socket;
  /** Other streams than those of the network have rules of their own. */
  readonly #direct: boolean;
  /** TLS takes one write at a time, and says when it wants the next. */
  readonly #oneByOne: boolean;
  /** Writes that have not left at once, oldest first. */
  readonly #given: Outgoing[] = [];
  /** Writes behind those. */
  #queue: Outgoing[] = [];
  #unsent = 0;
  #atOnce = false;
  #full = false;
  #ending = false;
  readonly #onTaken = (error?: Error | null): void => this.#taken(error);

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#oneByOne = socket instanceof TLSSocket;
    this.#direct = this.#oneByOne || socket instanceof DirectSocket;
  }

  /**
   * Sends bytes (text is latin1) and returns how many wait for the peer; where those are more than 64 KB, 'drain' tells when none does any
   * more. `sent` is called when the bytes may be overwritten.
   */
  send(data: string | Buffer, sent?: () => void): number {
    const socket = this.#socket;
    if (!this.#direct || socket.connecting || socket.writableLength > 0) {
      socket.write(data, 'latin1', sent);
      return socket.writableLength;
    }
    if (this.#oneByOne && this.#given.length > 0) this.#queue.push({ data, sent });
    else if (this.#give(data, sent)) return 0;
    this.#unsent += data.length;
    if (this.#unsent > HIGH_WATER_BYTES) this.#full = true;
    return this.#unsent;
  }

  /** Ends the writing side behind what was sent. */
  end(): void {
    // The last words of TLS would overtake a write that is under way.
    if (this.#oneByOne && this.#given.length > 0) this.#ending = true;
    else this.#socket.end();
  }

  /** True when all of it has left. */
  #give(data: string | Buffer, sent: (() => void) | undefined): boolean {
    this.#atOnce = false;
    this.#socket._write(data, typeof data === 'string' ? 'latin1' : BYTES, this.#onTaken);
    if (this.#atOnce) sent?.();
    else this.#given.push({ data, sent });
    return this.#atOnce;
  }

  #taken(error?: Error | null): void {
    if (error) {
      this.#queue = [];
      this.#socket.destroy(error);
      return;
    }
    const outgoing = this.#given.shift();
    if (outgoing === undefined) {
      this.#atOnce = true;
      return;
    }
    outgoing.sent?.();
    this.#unsent -= outgoing.data.length;
    const next = this.#queue.shift();
    if (next !== undefined) this.#give(next.data, next.sent);
    if (this.#unsent > 0) return;
    if (this.#ending) this.#socket.end();
    if (!this.#full) return;
    this.#full = false;
    this.#socket.emit('drain');
  }
}
