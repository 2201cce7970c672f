import type { Socket } from 'node:net';
import type { ResponseSink, TlsFacts, UpstreamConnection, UpstreamStream } from '../http/codec.ts';
import type { LazyDeadline } from '../http/h1/lazy-deadline.ts';
import { Http2ClientConnection, type Http2ClientOptions, type Http2ClientOwner } from '../http/h2/client-connection.ts';
import type { StreamKeeper } from '../http/h2/client-stream.ts';
import type { PooledConnection, PooledConnectionOwner } from './pool-connection.ts';

/** An HTTP/2 connection as a pool keeps it: many streams at a time. */
export class PooledHttp2Connection implements PooledConnection, Http2ClientOwner, StreamKeeper {
  readonly speaks = 'http2';
  idleness: LazyDeadline | undefined = undefined;
  facts: UpstreamConnection | undefined = undefined;
  ready = false;
  readonly #owner: PooledConnectionOwner;
  readonly #connection: Http2ClientConnection;

  constructor(socket: Socket, tls: TlsFacts | undefined, owner: PooledConnectionOwner, options: Http2ClientOptions) {
    this.#owner = owner;
    this.#connection = new Http2ClientConnection(socket, tls, this, options);
  }

  get requestCount(): number {
    return this.#connection.requestCount;
  }

  get activeStreams(): number {
    return this.#connection.activeStreams;
  }

  get brokeOff(): boolean {
    return this.#connection.brokeOff;
  }

  get violated(): boolean {
    return this.#connection.violated;
  }

  get available(): boolean {
    return this.#connection.available;
  }

  open(sink: ResponseSink): UpstreamStream {
    return this.#connection.open(sink, this);
  }

  drain(): void {
    this.#connection.drain();
  }

  close(): void {
    this.#connection.close();
  }

  onStreamEnd(): void {
    this.#owner.onStreamEnd(this, this.#connection.available);
  }

  onCloseNotice(): void {
    this.#owner.onCloseNotice();
  }

  onAvailability(): void {
    this.#owner.onAvailability(this);
  }

  onGone(): void {
    this.#owner.onGone(this);
  }

  describe(error: Error): string {
    return this.#owner.describe(error);
  }
}
