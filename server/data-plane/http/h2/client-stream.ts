import type { RequestHead, ResetReason, ResponseSink, TlsFacts, UpstreamStream } from '../codec.ts';
import { type Headers, wireSafe } from '../headers.ts';
import { safeTarget } from '../target.ts';
import { ErrorCode, malformed, type Violation } from './errors.ts';
import { readResponse } from './response-head.ts';
import { Http2Stream, type StreamHost } from './stream.ts';

/** The part of a client connection that its streams use, beyond frames. */
export interface ClientStreamHost {
  readonly localAddress: string;
  readonly tls: TlsFacts | undefined;
  /** Streams stand for connections of HTTP/1.1: a reset reads as the end of one. */
  readonly carriage: boolean;
  /** Gives the stream its number. False: the connection takes no more. */
  admit(stream: ClientStream): boolean;
  /** The stream is over before it had a number. */
  abandon(stream: ClientStream): void;
}

/** Told when a stream is over. `clean`: its messages were complete both ways. */
export interface StreamKeeper {
  onStreamEnd(clean: boolean): void;
}

export interface ClientStreamOptions {
  readonly sink: ResponseSink;
  readonly keeper: StreamKeeper;
  /** The connection has carried an earlier stream. */
  readonly reused: boolean;
}

/** One request and its response. */
export class ClientStream extends Http2Stream implements UpstreamStream {
  readonly reused: boolean;
  readonly keeper: StreamKeeper;
  responseBytes = 0;
  requestStarted = false;
  readonly #sink: ResponseSink;
  readonly #connection: ClientStreamHost;
  #method = '';
  /** What an Upgrade asked for; its answer reads as 101 again. */
  #upgrade = '';
  #headSeen = false;

  constructor(host: StreamHost, connection: ClientStreamHost, options: ClientStreamOptions) {
    super(host);
    this.#connection = connection;
    this.#sink = options.sink;
    this.reused = options.reused;
    this.keeper = options.keeper;
  }

  get localAddress(): string {
    return this.#connection.localAddress;
  }

  get protocol(): UpstreamStream['protocol'] {
    return this.#connection.carriage ? 'HTTP/1.1' : 'HTTP/2';
  }

  get tls(): TlsFacts | undefined {
    return this.#connection.tls;
  }

  sendHead(head: RequestHead, endStream: boolean): void {
    if (this.requestStarted || this.closed) return;
    if (!this.#connection.admit(this)) {
      this.#gone('connection_termination', '');
      return;
    }
    this.requestStarted = true;
    this.#method = head.method;
    this.#upgrade = head.headers.get('upgrade') ?? '';
    const tunnel = this.#upgrade !== '' || head.method === 'CONNECT';
    this.writeHeaders(pseudoOf(head, this.#upgrade), head.headers, endStream && !tunnel);
  }

  sendData(chunk: Buffer): boolean {
    return this.writeData(chunk);
  }

  sendEnd(trailers?: Headers): void {
    this.writeEnd(trailers);
  }

  reset(reason: ResetReason): void {
    if (this.closed) return;
    if (this.id === 0) {
      this.closed = true;
      this.#connection.abandon(this);
    } else if (reason === 'protocol_error') this.resetWith(ErrorCode.PROTOCOL_ERROR);
    else this.host.resetOnceRead(this);
  }

  get expectsTrailers(): boolean {
    return this.#headSeen;
  }

  protected deliverHead(fields: string[], endStream: boolean): Violation | undefined {
    const response = readResponse(fields, this.#method);
    if ('code' in response) return response;
    const { head, contentLength } = response;
    for (const text of fields) this.responseBytes += text.length;
    if (head.status < 200) {
      if (endStream) return malformed('A 1xx response ends its stream.');
      this.#sink.informational(head);
      return undefined;
    }
    this.#headSeen = true;
    if (this.#upgrade !== '' && head.status === 200) {
      head.status = 101;
      head.headers.flat.push('upgrade', this.#upgrade);
    } else this.expectedBytes = contentLength;
    if (endStream && contentLength > 0) return malformed('The response announces a body and has none.');
    if (endStream && this.localDone) this.host.streamEnded(this);
    else if (endStream) this.onlyRemoteEnded();
    this.#sink.head(head, endStream);
    return undefined;
  }

  protected deliverData(chunk: Buffer): void {
    this.responseBytes += chunk.length;
    this.#sink.data(chunk);
  }

  protected deliverEnd(trailers: Headers | undefined): void {
    this.#sink.end(trailers);
  }

  /** The answer is complete before the request is: nobody needs the rest. Whose tunnel it is decides whether it closes one way at a time. */
  protected override onlyRemoteEnded(): void {
    if (this.#upgrade === '' && this.#method !== 'CONNECT') this.host.resetOnceRead(this);
  }

  protected deliverDrain(): void {
    this.#sink.drain();
  }

  /** As in Envoy, an answer whose head is too large reads as one that the host has reset. */
  deliverViolation({ code, details }: Violation): void {
    this.#sink.reset(code === ErrorCode.INTERNAL_ERROR ? 'remote_reset' : 'protocol_error', details);
  }

  deliverReset(code: number): void {
    if (code === ErrorCode.REFUSED_STREAM) this.refused();
    else if (code === ErrorCode.PROTOCOL_ERROR) this.#sink.reset('protocol_error', 'http2.remote_reset');
    else if (this.#connection.carriage) this.#sink.reset('connection_termination', '');
    else if (code === ErrorCode.CONNECT_ERROR) this.#sink.reset('remote_connect_error', '');
    else this.#sink.reset('remote_reset', 'http2.remote_reset');
  }

  /** The peer has not looked at the request: GOAWAY or REFUSED_STREAM. */
  refused(): void {
    this.#sink.reset('remote_refused_stream_reset', 'http2.remote_refuse');
  }

  deliverGone(violation: Violation | undefined, failure: string): void {
    if (violation !== undefined) this.deliverViolation(violation);
    else this.#sink.reset('connection_termination', failure);
  }

  #gone(reason: ResetReason, detail: string): void {
    this.closed = true;
    this.#connection.abandon(this);
    this.#sink.reset(reason, detail);
  }
}

function pseudoOf(head: RequestHead, upgrade: string): string[] {
  if (head.method === 'CONNECT') return [':method', 'CONNECT', ':authority', safeTarget(head.authority)];
  // As in Envoy, what a route writes there is the host's to judge, as in the Host header of HTTP/1.1.
  const authority = wireSafe(head.authority);
  const path = safeTarget(head.path);
  if (upgrade === '') {
    return [':method', head.method, ':scheme', head.scheme, ':path', path, ':authority', authority];
  }
  const extended = [':method', 'CONNECT', ':protocol', upgrade];
  return [...extended, ':scheme', head.scheme, ':path', path, ':authority', authority];
}
