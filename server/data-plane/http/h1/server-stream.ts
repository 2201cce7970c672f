import type { ByteMeter } from '../byte-meter.ts';
import type { BodySink, DownstreamStream, RequestHead, ResetReason, ResponseHead } from '../codec.ts';
import type { Headers } from '../headers.ts';
import type { ResponseTarget } from './head-writer.ts';

/** The part of a server connection that its streams use. Calls for a stream that is no longer current do nothing. */
export interface StreamHost {
  pauseBody(stream: ServerStream): void;
  resumeBody(stream: ServerStream): void;
  informational(stream: ServerStream, head: ResponseHead): void;
  responseHead(stream: ServerStream, head: ResponseHead, endStream: boolean): void;
  responseData(stream: ServerStream, chunk: Buffer): boolean;
  responseEnd(stream: ServerStream, trailers: Headers | undefined): void;
  resetStream(stream: ServerStream): void;
}

export type RequestSink = BodySink & { drain(): void };

/** One request on a server connection and its response. */
export class ServerStream implements DownstreamStream, ResponseTarget {
  readonly head: RequestHead;
  readonly hasBody: boolean;
  /** The bytes behind the head are no HTTP body. */
  readonly tunnel: boolean;
  /** The client may send another request on this connection. */
  persistent: boolean;
  sink: RequestSink | undefined = undefined;
  meter: ByteMeter | undefined = undefined;
  /** Bytes that the connection had written before this response. */
  writtenBefore = 0;
  requestDone = false;
  responseStarted = false;
  responseDone = false;
  /** The connection ends with this response. */
  close = false;
  /** The request was handed over, so that an answer is none at first sight. */
  handedOver = false;
  /** As in Envoy, a client that was refused at first sight is left to close first. */
  patient = false;

  readonly #host: StreamHost;

  constructor(host: StreamHost, head: RequestHead, hasBody: boolean, tunnel: boolean, persistent: boolean) {
    this.#host = host;
    this.head = head;
    this.hasBody = hasBody;
    this.tunnel = tunnel;
    this.persistent = persistent;
  }

  receive(sink: RequestSink): void {
    this.sink = sink;
  }

  pause(): void {
    this.#host.pauseBody(this);
  }

  resume(): void {
    this.#host.resumeBody(this);
  }

  sendInformational(head: ResponseHead): void {
    this.#host.informational(this, head);
  }

  sendHead(head: ResponseHead, endStream: boolean): void {
    this.#host.responseHead(this, head, endStream);
  }

  sendData(chunk: Buffer): boolean {
    return this.#host.responseData(this, chunk);
  }

  sendEnd(trailers?: Headers): void {
    this.#host.responseEnd(this, trailers);
  }

  closeAfter(): void {
    this.persistent = false;
    this.patient = !this.handedOver;
  }

  reset(_reason: ResetReason): void {
    this.#host.resetStream(this);
  }
}
