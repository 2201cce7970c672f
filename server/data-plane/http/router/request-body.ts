import type { RequestHead, UpstreamStream } from '../codec.ts';
import type { Headers } from '../headers.ts';

/** What a retry may replay at most: Envoy's default per_connection_buffer_limit, and of clients of HTTP/2 its default window of a stream. */
const REPLAY_BYTES = 1024 * 1024;
const HTTP2_REPLAY_BYTES = 16 * 1024 * 1024;

/** Bytes of a request that are kept for another try where its route does not say so. */
export const replayBytesOf = ({ protocol }: RequestHead): number =>
  protocol === 'HTTP/2' ? HTTP2_REPLAY_BYTES : REPLAY_BYTES;
/** Bytes that wait for a connection before the client is told to wait. */
const WAITING_BYTES = 64 * 1024;

interface BodyOptions {
  /** Bytes that are kept for replay. */
  readonly limit?: number | undefined;
  readonly held?: boolean;
}

/** A request's body on its way to the hosts that are tried: kept for replay as long as another try is possible and it fits. */
export class RequestBody {
  #chunks: Buffer[] | undefined = undefined;
  #bytes = 0;
  #replay: boolean;
  #ended: boolean;
  #trailers: Headers | undefined;
  #stream: UpstreamStream | undefined;
  /** A tunnel whose bytes wait until the host has agreed to it. */
  #held: boolean;
  #heldBack: UpstreamStream | undefined;
  readonly #limit: number;

  constructor(replay: boolean, ended: boolean, { limit = REPLAY_BYTES, held = false }: BodyOptions = {}) {
    this.#held = held;
    this.#replay = replay;
    this.#ended = ended;
    this.#limit = limit;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** False once the body outgrew what is kept: the request cannot be tried again. */
  get replayable(): boolean {
    return this.#replay;
  }

  /** All of it, where it was kept; undefined: it was not, or more is to come. */
  get whole(): readonly Buffer[] | undefined {
    return this.#replay && this.#ended ? (this.#chunks ?? []) : undefined;
  }

  /** `full`: stop reading the client until `drain` or the next stream. */
  data(chunk: Buffer): 'more' | 'full' {
    this.#bytes += chunk.length;
    if (this.#replay && this.#bytes > this.#limit) this.stopReplay();
    if (this.#replay || this.#stream === undefined) {
      this.#chunks ??= [];
      this.#chunks.push(chunk);
    }
    // As in Envoy, what is kept for another try is read to its limit, whether a host takes it or not.
    if (this.#stream === undefined) return !this.#replay && this.#bytes >= WAITING_BYTES ? 'full' : 'more';
    return this.#stream.sendData(chunk) ? 'more' : 'full';
  }

  end(trailers: Headers | undefined): void {
    this.#ended = true;
    this.#trailers = trailers;
    this.#stream?.sendEnd(trailers);
  }

  /** Sends what has arrived to a new stream, whose head is out, and from now on what follows. */
  attach(stream: UpstreamStream): 'more' | 'full' {
    if (this.#held) {
      this.#heldBack = stream;
      return 'full';
    }
    this.#stream = stream;
    let room = true;
    if (this.#chunks !== undefined) for (const chunk of this.#chunks) room = stream.sendData(chunk);
    if (!this.#replay) this.#chunks = undefined;
    if (this.#ended) stream.sendEnd(this.#trailers);
    return room ? 'more' : 'full';
  }

  /** The host has agreed to the tunnel: what has arrived of it is sent. */
  letGo(): 'more' | 'full' {
    this.#held = false;
    return this.#heldBack === undefined ? 'full' : this.attach(this.#heldBack);
  }

  detach(): void {
    this.#stream = undefined;
    this.#heldBack = undefined;
  }

  /** No further try will be made. */
  stopReplay(): void {
    this.#replay = false;
    if (this.#stream !== undefined) this.#chunks = undefined;
  }
}
