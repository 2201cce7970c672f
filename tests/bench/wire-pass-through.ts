import type { Socket } from 'node:net';
import { createServer } from 'node:net';
import type {
  BodySink,
  DownstreamStream,
  HostPool,
  ResetReason,
  ResponseHead,
  ResponseSink,
  StreamWaiter,
  TlsFacts,
  UpstreamStream,
} from '../../server/data-plane/http/codec.ts';
import type { Headers } from '../../server/data-plane/http/headers.ts';
import { serveHttp } from '../../server/data-plane/http/server-codec.ts';
import { systemClock } from '../../server/system.ts';

/** The smallest proxy: every request goes to one pool, nothing is changed. What it costs is what the wire costs. */
export class PassThrough implements BodySink, ResponseSink, StreamWaiter {
  readonly #downstream: DownstreamStream;
  #upstream: UpstreamStream | undefined = undefined;
  #early: Buffer[] = [];
  #requestEnded = false;
  #trailers: Headers | undefined = undefined;
  #started = false;

  constructor(downstream: DownstreamStream, pool: HostPool) {
    this.#downstream = downstream;
    downstream.receive(new RequestSide(this));
    pool.newStream(this, this);
  }

  ready(stream: UpstreamStream): void {
    this.#upstream = stream;
    stream.sendHead(this.#downstream.head, !this.#downstream.hasBody);
    let open = true;
    for (const chunk of this.#early.splice(0)) open = stream.sendData(chunk);
    if (open) this.#downstream.resume();
    if (this.#requestEnded && this.#downstream.hasBody) stream.sendEnd(this.#trailers);
  }

  failed(reason: ResetReason): void {
    this.#downstream.reset(reason);
  }

  informational(head: ResponseHead): void {
    this.#downstream.sendInformational(head);
  }

  head(head: ResponseHead, endStream: boolean): void {
    this.#started = true;
    this.#downstream.sendHead(head, endStream);
  }

  data(chunk: Buffer): void {
    if (!this.#downstream.sendData(chunk)) this.#upstream?.pause();
  }

  end(trailers: Headers | undefined): void {
    this.#downstream.sendEnd(trailers);
  }

  reset(reason: ResetReason): void {
    if (this.#started) this.#downstream.reset(reason);
    else this.#downstream.sendHead({ status: 503, headers: this.#downstream.head.headers }, true);
  }

  drain(): void {
    this.#downstream.resume();
  }

  requestData(chunk: Buffer): void {
    if (this.#upstream === undefined) {
      this.#early.push(chunk);
      this.#downstream.pause();
    } else if (!this.#upstream.sendData(chunk)) {
      this.#downstream.pause();
    }
  }

  requestEnd(trailers: Headers | undefined): void {
    this.#requestEnded = true;
    this.#trailers = trailers;
    if (this.#downstream.hasBody) this.#upstream?.sendEnd(trailers);
  }

  requestReset(): void {
    this.#upstream?.reset('local_reset');
  }

  responseWritable(): void {
    this.#upstream?.resume();
  }
}

class RequestSide implements BodySink {
  readonly #proxy: PassThrough;

  constructor(proxy: PassThrough) {
    this.#proxy = proxy;
  }

  data(chunk: Buffer): void {
    this.#proxy.requestData(chunk);
  }

  end(trailers: Headers | undefined): void {
    this.#proxy.requestEnd(trailers);
  }

  reset(): void {
    this.#proxy.requestReset();
  }

  drain(): void {
    this.#proxy.responseWritable();
  }
}

export interface HopOptions {
  readonly port: number;
  readonly pool: HostPool;
  /** Turns an accepted socket into one that HTTP is spoken on; absent: the socket itself. */
  readonly secure?: (socket: Socket, then: (socket: Socket, tls: TlsFacts | undefined) => void) => void;
}

/** Listens on 127.0.0.1 and passes every request through. Resolves when it listens. */
export function startHop(options: HopOptions): Promise<void> {
  const serve = (socket: Socket, tls: TlsFacts | undefined): void => {
    serveHttp(socket, 'AUTO', {
      clock: systemClock(),
      tls,
      onRequest: (stream) => {
        new PassThrough(stream, options.pool);
      },
    });
  };
  const server = createServer((socket) => {
    if (options.secure) options.secure(socket, serve);
    else serve(socket, undefined);
  });
  return new Promise((resolve) => server.listen(options.port, '127.0.0.1', resolve));
}
