import type {
  HostPool,
  RequestHead,
  ResetReason,
  ResponseHead,
  ResponseSink,
  StreamWaiter,
  UpstreamStream,
} from '../../http/codec.ts';
import type { Headers } from '../../http/headers.ts';

export interface CheckAnswer {
  readonly head: ResponseHead;
  readonly body: Buffer;
  readonly trailers: Headers | undefined;
}

/** One request of a check and its answer, read up to `limit` bytes of its body. `done` gets undefined where there is no answer. */
export class CheckExchange implements ResponseSink, StreamWaiter {
  readonly #request: RequestHead;
  readonly #payload: Buffer | undefined;
  readonly #limit: number;
  readonly #done: (answer: CheckAnswer | undefined) => void;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #head: ResponseHead | undefined;
  #over = false;
  /** The host itself has ended it, well or not, and the connection stands. */
  ended = false;

  constructor(options: {
    readonly request: RequestHead;
    readonly payload: Buffer | undefined;
    readonly limit: number;
    readonly done: (answer: CheckAnswer | undefined) => void;
  }) {
    this.#request = options.request;
    this.#payload = options.payload;
    this.#limit = options.limit;
    this.#done = options.done;
  }

  start(pool: HostPool): void {
    pool.newStream(this, this);
  }

  /** Says nothing any more. */
  forget(): void {
    this.#over = true;
  }

  ready(stream: UpstreamStream): void {
    stream.sendHead(this.#request, this.#payload === undefined);
    if (this.#payload === undefined) return;
    stream.sendData(this.#payload);
    stream.sendEnd();
  }

  failed(): void {
    this.#finish(undefined);
  }

  informational(): void {
    // What comes before the answer says nothing of the host's health.
  }

  head(head: ResponseHead, endStream: boolean): void {
    this.#head = head;
    if (endStream) this.end(undefined);
  }

  data(chunk: Buffer): void {
    if (this.#bytes >= this.#limit) return;
    const part = chunk.subarray(0, this.#limit - this.#bytes);
    this.#chunks.push(part);
    this.#bytes += part.length;
  }

  end(trailers: Headers | undefined): void {
    this.ended = true;
    this.#finish(this.#head && { head: this.#head, body: Buffer.concat(this.#chunks), trailers });
  }

  reset(reason: ResetReason): void {
    this.ended = reason !== 'connection_termination';
    this.#finish(undefined);
  }

  drain(): void {
    // The payload was handed over at once.
  }

  #finish(answer: CheckAnswer | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#done(answer);
  }
}
