import type { Socket } from 'node:net';
import type { ByteMeter } from '../http/byte-meter.ts';
import type {
  RequestHead,
  ResetReason,
  ResponseSink,
  TlsFacts,
  UpstreamConnection,
  UpstreamStream,
} from '../http/codec.ts';
import type { LazyDeadline } from '../http/h1/lazy-deadline.ts';
import { formatEndpoint } from '../http/h1/socket-address.ts';
import { Headers } from '../http/headers.ts';
import type { PooledConnection, PooledConnectionOwner } from './pool-connection.ts';

/**
 * A connection that carries the bytes of one tunnel: the CONNECT ends at this proxy, and the host sees nothing of HTTP
 * (Envoy: source/extensions/upstreams/http/tcp/upstream_request.cc).
 */
export class TunnelConnection implements PooledConnection, UpstreamStream {
  readonly speaks = 'tcp';
  readonly protocol = '';
  readonly reused = false;
  readonly localAddress: string;
  readonly tls: TlsFacts | undefined;
  idleness: LazyDeadline | undefined = undefined;
  facts: UpstreamConnection | undefined = undefined;
  ready = false;
  brokeOff = false;
  endedBy: 'local' | 'remote' | undefined;
  responseBytes = 0;
  requestStarted = false;
  meter: ByteMeter | undefined = undefined;
  readonly #socket: Socket;
  readonly #owner: PooledConnectionOwner;
  #sink: ResponseSink | undefined;
  #taken = false;
  #clientDone = false;
  #lastError: Error | undefined;

  constructor(socket: Socket, tls: TlsFacts | undefined, owner: PooledConnectionOwner) {
    this.#socket = socket;
    this.tls = tls;
    this.#owner = owner;
    this.localAddress = formatEndpoint(socket.localAddress, socket.localPort);
    socket.setNoDelay(true);
    socket.on('error', (error) => {
      this.#lastError = error;
    });
    socket.on('close', () => this.#closed());
  }

  get requestCount(): number {
    return this.#taken ? 1 : 0;
  }

  get activeStreams(): number {
    return this.#sink === undefined ? 0 : 1;
  }

  get available(): boolean {
    return !this.#taken && !this.#socket.destroyed;
  }

  open(sink: ResponseSink): UpstreamStream {
    this.#taken = true;
    this.#sink = sink;
    return this;
  }

  drain(): void {
    if (this.#sink === undefined) this.close();
  }

  close(): void {
    this.#socket.destroy();
  }

  /** The host stands behind the connection by being there: the client is told so at once. */
  sendHead(_head: RequestHead, endStream: boolean): void {
    this.requestStarted = true;
    this.#sink?.head({ status: 200, headers: new Headers() }, false);
    if (this.#sink === undefined) return;
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => {
      this.responseBytes += chunk.length;
      if (this.meter !== undefined) this.meter.wireReceived += chunk.length;
      this.#sink?.data(chunk);
    });
    socket.on('drain', () => this.#sink?.drain());
    socket.once('end', () => this.#hostEnded());
    socket.resume();
    if (endStream) this.sendEnd();
  }

  sendData(chunk: Buffer): boolean {
    if (this.meter !== undefined && this.#sink !== undefined) this.meter.wireSent += chunk.length;
    return this.#sink === undefined || this.#socket.write(chunk);
  }

  sendEnd(): void {
    if (this.#sink === undefined || this.#clientDone) return;
    this.#clientDone = true;
    this.#socket.end();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  reset(_reason: ResetReason): void {
    if (this.#sink === undefined) return;
    this.endedBy = 'local';
    this.#leave(true);
    this.#socket.destroy();
  }

  /** As in Envoy, a host that has said all it had to say ends the tunnel. */
  #hostEnded(): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    this.endedBy = this.#clientDone ? 'remote' : 'local';
    this.#leave(!this.#clientDone);
    sink.end(undefined);
    // What the client said last is still to be written.
    this.#socket.destroySoon();
  }

  #closed(): void {
    const sink = this.#sink;
    if (sink !== undefined) {
      this.#leave(true);
      sink.reset('connection_termination', this.#lastError === undefined ? '' : this.#owner.describe(this.#lastError));
    }
    this.#owner.onGone(this);
  }

  #leave(brokeOff: boolean): void {
    this.#sink = undefined;
    this.brokeOff = brokeOff;
    this.#owner.onStreamEnd(this, false);
  }
}
