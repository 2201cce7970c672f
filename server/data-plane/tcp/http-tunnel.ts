import { Duplex } from 'node:stream';
import type {
  HostPool,
  PooledRequest,
  RequestHead,
  ResetReason,
  ResponseHead,
  ResponseSink,
  StreamWaiter,
  UpstreamStream,
} from '../http/codec.ts';

/** Learns how a request for a tunnel ended: `opened` or `failed`. */
export interface TunnelOwner {
  /** The request for it is on its way. */
  asked(): void;
  opened(bytes: Duplex, stream: UpstreamStream): void;
  failed(reason: ResetReason, detail: string): void;
}

/** Asks a host for a tunnel, and gives the bytes in it as a stream (Envoy: source/common/tcp_proxy/upstream.cc). */
export class HttpTunnel implements ResponseSink, StreamWaiter {
  readonly #head: RequestHead;
  readonly #owner: TunnelOwner;
  #cancel: (() => void) | undefined;
  #stream: UpstreamStream | undefined;
  #bytes: TunnelBytes | undefined;
  #over = false;

  constructor(head: RequestHead, owner: TunnelOwner) {
    this.#head = head;
    this.#owner = owner;
  }

  /** `request`: what decides which connection is taken. */
  start(pool: HostPool, request: PooledRequest = this.#head): void {
    const cancel = pool.newStream(this, this, request);
    if (this.#stream === undefined && !this.#over) this.#cancel = cancel;
  }

  /** Gives up; nobody is called. */
  abandon(): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancel?.();
    this.#stream?.reset('local_reset');
  }

  ready(stream: UpstreamStream): void {
    this.#stream = stream;
    this.#cancel = undefined;
    if (this.#over) {
      stream.reset('local_reset');
      return;
    }
    if (stream.tls !== undefined) this.#head.scheme = 'https';
    this.#owner.asked();
    stream.sendHead(this.#head, false);
  }

  informational(): void {
    // Nothing that a connection of bytes could tell its client.
  }

  head({ status }: ResponseHead, endStream: boolean): void {
    const stream = this.#stream;
    if (this.#over || stream === undefined) return;
    if (status < 200 || status >= 300) {
      this.#fail('remote_connection_failure', `tunnel response:${status}`);
      stream.reset('local_reset');
      return;
    }
    this.#bytes = new TunnelBytes(stream);
    this.#owner.opened(this.#bytes, stream);
    if (endStream) this.#bytes.hostSaidAll();
  }

  data(chunk: Buffer): void {
    this.#bytes?.arrived(chunk);
  }

  end(): void {
    if (this.#bytes === undefined) this.#fail('remote_connection_failure', '');
    else this.#bytes.hostSaidAll();
  }

  /** Once it is open, a tunnel that breaks has ended. */
  reset(_reason: ResetReason, detail: string): void {
    if (this.#bytes === undefined) this.#fail('remote_connection_failure', detail);
    else this.#bytes.hostLeft();
  }

  failed(reason: ResetReason, detail: string): void {
    this.#fail(reason, detail);
  }

  drain(): void {
    this.#bytes?.drained();
  }

  #fail(reason: ResetReason, detail: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#owner.failed(reason, detail);
  }
}

/** The bytes of an open tunnel: what is written goes to the host, what it says is read. */
class TunnelBytes extends Duplex {
  readonly #stream: UpstreamStream;
  #saidAll = false;
  #left = false;
  #written: (() => void) | undefined;

  constructor(stream: UpstreamStream) {
    super({ allowHalfOpen: true });
    this.#stream = stream;
  }

  arrived(chunk: Buffer): void {
    if (!this.push(chunk)) this.#stream.pause();
  }

  hostSaidAll(): void {
    if (this.#saidAll) return;
    this.#saidAll = true;
    this.push(null);
  }

  /** The host says no more, and hears no more either. */
  hostLeft(): void {
    this.#left = true;
    this.once('end', () => this.destroy());
    this.drained();
    this.hostSaidAll();
  }

  drained(): void {
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }

  override _read(): void {
    if (!this.#left) this.#stream.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.#left || this.#stream.sendData(chunk)) done();
    else this.#written = done;
  }

  override _final(done: () => void): void {
    if (!this.#left) this.#stream.sendEnd();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#left && !(this.#saidAll && this.writableFinished)) this.#stream.reset('local_reset');
    done(error);
  }
}
