import type { ByteMeter } from '../byte-meter.ts';
import type { RequestHead, ResetReason, ResponseSink, TlsFacts, UpstreamStream } from '../codec.ts';
import type { Headers } from '../headers.ts';

/** The part of a client connection that its stream uses. Calls for a stream that is no longer current do nothing. */
export interface ClientHost {
  readonly localAddress: string;
  readonly tls: TlsFacts | undefined;
  requestHead(stream: ClientStream, head: RequestHead, endStream: boolean): void;
  requestData(stream: ClientStream, chunk: Buffer): boolean;
  requestEnd(stream: ClientStream, trailers: Headers | undefined): void;
  pauseBody(stream: ClientStream): void;
  resumeBody(stream: ClientStream): void;
  resetStream(stream: ClientStream): void;
}

/** One request on a client connection and its response. */
export class ClientStream implements UpstreamStream {
  readonly protocol = 'HTTP/1.1';
  readonly sink: ResponseSink;
  readonly reused: boolean;
  responseBytes = 0;
  requestStarted = false;
  requestDone = false;
  meter: ByteMeter | undefined = undefined;
  /** Of the request, once its head was sent. */
  method = '';
  upgrade = false;

  readonly #host: ClientHost;

  constructor(host: ClientHost, sink: ResponseSink, reused: boolean) {
    this.#host = host;
    this.sink = sink;
    this.reused = reused;
  }

  get localAddress(): string {
    return this.#host.localAddress;
  }

  get tls(): TlsFacts | undefined {
    return this.#host.tls;
  }

  sendHead(head: RequestHead, endStream: boolean): void {
    this.#host.requestHead(this, head, endStream);
  }

  sendData(chunk: Buffer): boolean {
    return this.#host.requestData(this, chunk);
  }

  sendEnd(trailers?: Headers): void {
    this.#host.requestEnd(this, trailers);
  }

  pause(): void {
    this.#host.pauseBody(this);
  }

  resume(): void {
    this.#host.resumeBody(this);
  }

  reset(_reason: ResetReason): void {
    this.#host.resetStream(this);
  }
}
