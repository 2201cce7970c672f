import type { BodyCoder, BodyOut } from './answer-filters.ts';
import type { BodyTarget } from './exchange.ts';
import type { Headers } from './headers.ts';

/** Request bytes kept while no layer takes them; beyond it the client is told to wait. */
const BACKLOG_BYTES = 64 * 1024;

/** The part of a request's stream that a backlog holds back. */
interface Pausable {
  pause(): void;
  resume(): void;
}

/** A request's body on its way to the layer that takes it; until one does it is kept. */
export class RequestBacklog {
  readonly #stream: Pausable;
  #target: BodyTarget | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #ended = false;
  #trailers: Headers | undefined;
  #paused = false;

  constructor(stream: Pausable) {
    this.#stream = stream;
  }

  data(chunk: Buffer): void {
    if (this.#target !== undefined) {
      this.#target.data(chunk);
      return;
    }
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < BACKLOG_BYTES || this.#paused) return;
    this.#paused = true;
    this.#stream.pause();
  }

  end(trailers: Headers | undefined): void {
    this.#ended = true;
    this.#trailers = trailers;
    this.#target?.end(trailers);
  }

  /** Gives `target` what has arrived already, and all that comes. */
  attach(target: BodyTarget): void {
    this.#target = target;
    const chunks = this.#chunks;
    this.#chunks = [];
    for (const chunk of chunks) target.data(chunk);
    if (this.#ended) target.end(this.#trailers);
    if (!this.#paused) return;
    this.#paused = false;
    this.#stream.resume();
  }

  /** Keeps what a layer has taken of the body for the one that forwards it. */
  hold(chunks: Buffer[], bytes: number): void {
    this.#target = undefined;
    this.#chunks = chunks;
    this.#bytes = bytes;
  }
}

/** A filter that changes a request's body: what comes out of it has a backlog of its own. */
export class Recoding {
  readonly #before: RequestBacklog;
  readonly #stream: Pausable;
  readonly #after: RequestBacklog;
  readonly #earlier: Recoding | undefined;
  #coder: BodyCoder | undefined;

  constructor(before: RequestBacklog, stream: Pausable, earlier: Recoding | undefined) {
    this.#before = before;
    this.#stream = stream;
    this.#after = new RequestBacklog(stream);
    this.#earlier = earlier;
  }

  /** Where later layers find the body. */
  begin(make: (out: BodyOut) => BodyCoder): RequestBacklog {
    const after = this.#after;
    const coder = make({
      data(chunk) {
        after.data(chunk);
        return true;
      },
      end: (trailers) => after.end(trailers),
      // Who takes the body behind it says so again when there is no room.
      drain: () => this.#stream.resume(),
    });
    this.#coder = coder;
    this.#before.attach({
      data: (chunk) => {
        if (!coder.data(chunk)) this.#stream.pause();
      },
      end: (trailers) => coder.end(trailers),
      reset: () => coder.cancel(),
      drain: () => undefined,
    });
    return after;
  }

  cancel(): void {
    this.#earlier?.cancel();
    this.#coder?.cancel();
  }
}
