import type { DownstreamStream, RequestHead, ResetReason, ResponseHead } from './codec.ts';
import type { Headers } from './headers.ts';

/** The client's stream for a request that a host has redirected: the request is complete, and its body is known. */
export class RedirectedStream implements DownstreamStream {
  readonly hasBody: boolean;
  readonly tunnel = false;
  readonly #stream: DownstreamStream;

  constructor(stream: DownstreamStream, hasBody: boolean) {
    this.#stream = stream;
    this.hasBody = hasBody;
  }

  get head(): RequestHead {
    return this.#stream.head;
  }

  get meter(): DownstreamStream['meter'] {
    return this.#stream.meter;
  }

  receive(sink: Parameters<DownstreamStream['receive']>[0]): void {
    this.#stream.receive({
      get flushTimeoutMs() {
        return sink.flushTimeoutMs ?? 0;
      },
      data: () => undefined,
      end: () => undefined,
      reset: (reason, detail) => sink.reset(reason, detail),
      drain: () => sink.drain(),
    });
  }

  pause(): void {
    // Nothing more comes from the client.
  }

  resume(): void {
    this.#stream.resume();
  }

  sendInformational(head: ResponseHead): void {
    this.#stream.sendInformational(head);
  }

  sendHead(head: ResponseHead, endStream: boolean): void {
    this.#stream.sendHead(head, endStream);
  }

  sendData(chunk: Buffer): boolean {
    return this.#stream.sendData(chunk);
  }

  sendEnd(trailers?: Headers): void {
    this.#stream.sendEnd(trailers);
  }

  closeAfter(): void {
    this.#stream.closeAfter();
  }

  reset(reason: ResetReason): void {
    this.#stream.reset(reason);
  }
}
