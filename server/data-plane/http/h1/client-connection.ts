import type { Socket } from 'node:net';
import type { AnswerLimits } from '../../config/upstream-protocol.ts';
import { onBytes } from '../../listener/direct-socket.ts';
import type { PooledConnection, PooledConnectionOwner } from '../../upstream/pool-connection.ts';
import type { RequestHead, ResetReason, ResponseSink, TlsFacts, UpstreamConnection, UpstreamStream } from '../codec.ts';
import type { Headers } from '../headers.ts';
import { BodyDecoder } from './body-decoder.ts';
import type { ClientHost } from './client-stream.ts';
import { ClientStream } from './client-stream.ts';
import type { Failure } from './failures.ts';
import { FAILURES } from './failures.ts';
import { FieldParser } from './field-parser.ts';
import { endOfHead, HeadBuffer } from './head-buffer.ts';
import { HeadWriter } from './head-writer.ts';
import type { LazyDeadline } from './lazy-deadline.ts';
import type { ParsedResponse } from './response-parser.ts';
import { beginsAnswer, parseResponse } from './response-parser.ts';
import { formatEndpoint } from './socket-address.ts';
import { WireWriter } from './wire-writer.ts';

/** Source: MAX_RESPONSE_HEADERS_KB of Envoy's codec. */
const MAX_HEAD_BYTES = 80 * 1024;
const MAX_HEADERS = 100;
const TIMED_OUT = /^HTTP\/1\.[01] 408$/;

/** How a connection reads answers. */
interface AnswerOptions {
  /** Names keep their capitals. */
  readonly keepsSpelling?: boolean | undefined;
  readonly answers?: AnswerLimits | undefined;
}

/** Speaks HTTP/1.1 to a server on a connected socket (plain or TLS), which it owns: one request after another. */
export class ClientConnection implements ClientHost, PooledConnection {
  readonly localAddress: string;
  readonly tls: TlsFacts | undefined;
  readonly speaks = 'http1';
  idleness: LazyDeadline | undefined = undefined;
  facts: UpstreamConnection | undefined = undefined;
  ready = false;
  brokeOff = false;
  /** The server broke the rules of HTTP: bad bytes, or more of them than were asked for. */
  violated = false;
  endedBy: 'local' | undefined;
  requestCount = 0;

  readonly #socket: Socket;
  readonly #owner: PooledConnectionOwner;
  readonly #fields: FieldParser;
  readonly #maxHeadBytes: number;
  readonly #body: BodyDecoder;
  readonly #held = new HeadBuffer();
  readonly #heads = new HeadWriter();
  readonly #writer: WireWriter;
  #stream: ClientStream | undefined = undefined;
  #inBody = false;
  #persistent = true;
  /** No further stream, whatever the answer says. */
  #draining = false;
  #paused = false;
  #closed = false;
  #lastError: Error | undefined = undefined;

  constructor(socket: Socket, tls: TlsFacts | undefined, owner: PooledConnectionOwner, options: AnswerOptions = {}) {
    this.#socket = socket;
    const { maxHeadBytes = MAX_HEAD_BYTES, maxHeaders = MAX_HEADERS } = options.answers ?? {};
    this.#maxHeadBytes = maxHeadBytes;
    this.#fields = new FieldParser(maxHeaders, options.keepsSpelling);
    this.#body = new BodyDecoder(maxHeadBytes, maxHeaders);
    this.tls = tls;
    this.#owner = owner;
    this.localAddress = formatEndpoint(socket.localAddress, socket.localPort);
    this.#writer = new WireWriter(socket, this);
    socket.setNoDelay(true);
    onBytes(socket, (chunk) => this.#onData(chunk));
    socket.on('drain', () => this.#writer.drained());
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error) => {
      this.#lastError = error;
    });
    socket.on('close', () => this.#onClose());
    socket.resume();
  }

  get activeStreams(): number {
    return this.#stream === undefined ? 0 : 1;
  }

  get available(): boolean {
    return this.#stream === undefined && !this.#closed;
  }

  drain(): void {
    this.#draining = true;
    if (this.#stream === undefined) this.close();
  }

  /** Starts a stream; the connection must be idle. */
  open(sink: ResponseSink): UpstreamStream {
    const stream = new ClientStream(this, sink, this.requestCount > 0);
    this.requestCount++;
    this.#stream = stream;
    this.#inBody = false;
    this.#persistent = true;
    return stream;
  }

  close(): void {
    this.#writer.flush();
    this.#socket.destroy();
    this.#finish();
  }

  requestHead(stream: ClientStream, head: RequestHead, endStream: boolean): void {
    if (this.#stream !== stream || stream.requestStarted) return;
    stream.requestStarted = true;
    stream.method = head.method;
    stream.upgrade = head.headers.has('upgrade');
    stream.requestDone = endStream;
    const text = this.#heads.request(head, endStream);
    this.#writer.head(text, this.#heads.framing, this.#heads.contentLength);
    if (stream.meter !== undefined) {
      stream.meter.sentHead(text);
      stream.meter.wireSent += text.length;
    }
  }

  requestData(stream: ClientStream, chunk: Buffer): boolean {
    if (this.#stream !== stream || !stream.requestStarted) return true;
    const { meter } = stream;
    if (meter === undefined) return this.#writer.data(chunk);
    const before = this.#writer.total;
    const more = this.#writer.data(chunk);
    meter.wireSent += this.#writer.total - before;
    return more;
  }

  requestEnd(stream: ClientStream, trailers: Headers | undefined): void {
    if (this.#stream !== stream || !stream.requestStarted || stream.requestDone) return;
    stream.requestDone = true;
    const before = this.#writer.total;
    const whole = this.#writer.end(trailers);
    if (stream.meter !== undefined) stream.meter.wireSent += this.#writer.total - before;
    // A body shorter than announced leaves the server waiting: this connection can carry nothing else.
    if (!whole) this.#fail('local_reset', 'request body is shorter than its content-length');
    else if (stream.upgrade || stream.method === 'CONNECT') this.#writer.close();
  }

  pauseBody(stream: ClientStream): void {
    if (this.#stream !== stream || this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resumeBody(stream: ClientStream): void {
    if (this.#stream !== stream) return;
    this.#unpause();
  }

  resetStream(stream: ClientStream): void {
    if (this.#stream !== stream) return;
    this.brokeOff = true;
    this.#endStream(false);
    this.close();
  }

  onWritable(): void {
    this.#stream?.sink.drain();
  }

  /** A part of the response body, from the decoder. */
  onBody(chunk: Buffer): void {
    this.#stream?.sink.data(chunk);
  }

  #onData(chunk: Buffer): void {
    const stream = this.#stream;
    if (stream === undefined) {
      // Nobody asked: a server that says something on an idle connection (a 408, as a rule) is about to close it.
      this.violated = !TIMED_OUT.test(chunk.toString('latin1', 0, 12));
      this.close();
      return;
    }
    stream.responseBytes += chunk.length;
    if (stream.meter !== undefined) stream.meter.wireReceived += chunk.length;
    if (this.#held.length === 0) {
      this.#read(chunk);
      return;
    }
    this.#held.append(chunk);
    const end = this.#endOfHeld();
    if (end >= 0) this.#read(this.#held.take());
  }

  /** Where the head that is held ends; −1: not yet, or it was refused. */
  #endOfHeld(): number {
    const end = this.#held.begins(beginsAnswer) ? this.#held.findEnd(this.#maxHeadBytes) : FAILURES.statusLine;
    if (typeof end === 'number') return end;
    this.#refuse(end);
    return -1;
  }

  #read(bytes: Buffer): void {
    const stream = this.#stream;
    let at = 0;
    while (at < bytes.length && this.#stream === stream && stream !== undefined) {
      at = this.#inBody ? this.#readBody(bytes, at, stream) : this.#readHead(bytes, at, stream);
    }
  }

  #readHead(bytes: Buffer, at: number, stream: ClientStream): number {
    const end = endOfHead(bytes, at);
    if (end < 0) {
      this.#held.append(at === 0 ? bytes : bytes.subarray(at));
      this.#endOfHeld();
      return bytes.length;
    }
    if (end - at > this.#maxHeadBytes) {
      this.#refuse(FAILURES.headersTooLarge);
      return end;
    }
    const response = parseResponse(bytes, at, end, this.#fields, stream);
    stream.meter?.receivedHead(bytes, at, end);
    if ('status' in response) this.#refuse(response);
    else this.#onHead(response, end < bytes.length, stream);
    return end;
  }

  #onHead(response: ParsedResponse, more: boolean, stream: ClientStream): void {
    const { head, framing } = response;
    if (head.status < 200 && head.status !== 101) {
      stream.sink.informational(head);
      return;
    }
    if (!response.persistent) this.#owner.onCloseNotice();
    this.#persistent = response.persistent && framing !== 'close' && framing !== 'tunnel';
    this.#body.begin(framing, response.contentLength);
    if (framing !== 'none') {
      this.#inBody = true;
      stream.sink.head(head, false);
      return;
    }
    this.#release(stream, more);
    stream.sink.head(head, true);
  }

  #readBody(bytes: Buffer, at: number, stream: ClientStream): number {
    const next = this.#body.feed(bytes, at, this);
    if (this.#stream !== stream) return next;
    if (this.#body.failure) {
      this.#refuse(this.#body.failure);
    } else if (this.#body.done) {
      this.#release(stream, next < bytes.length);
      stream.sink.end(this.#body.trailers);
    }
    return next;
  }

  /**
   * The response is complete: gives the connection back, or closes it when it cannot go on: the server said so, sent more than one
   * response, or answered before it had the whole request.
   */
  #release(stream: ClientStream, more: boolean): void {
    const reusable = this.#persistent && !this.#draining && stream.requestDone && !more;
    if (!stream.requestDone) this.brokeOff = true;
    if (more && !this.#body.endsWithConnection) this.violated = true;
    this.#unpause();
    this.#endStream(reusable);
    if (!reusable) this.close();
  }

  #endStream(reusable: boolean): void {
    this.#stream = undefined;
    this.#owner.onStreamEnd(this, reusable && !this.#closed);
  }

  #unpause(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  #refuse(failure: Failure): void {
    this.#fail('protocol_error', failure.details);
  }

  #fail(reason: ResetReason, detail: string): void {
    const stream = this.#stream;
    this.brokeOff = stream !== undefined;
    this.violated = reason === 'protocol_error';
    if (stream !== undefined) this.#endStream(false);
    this.close();
    stream?.sink.reset(reason, detail);
  }

  #onEnd(): void {
    const stream = this.#stream;
    const tunnel = stream !== undefined && this.#inBody && this.#body.isTunnel;
    if (tunnel && !stream.requestDone) {
      // As in Envoy, a tunnel that the host ends is a connection that broke; it is this side that closes one of CONNECT.
      if (stream.method === 'CONNECT') this.endedBy = 'local';
      this.#fail('connection_termination', this.#transportFailure());
      return;
    }
    if (stream !== undefined && this.#inBody && this.#body.endsWithConnection) {
      this.#release(stream, true);
      stream.sink.end(undefined);
      return;
    }
    // As in Envoy, an answer that ends in its middle is no HTTP; a peer that left before it said anything just left.
    const begun = stream !== undefined && (this.#inBody || this.#held.length > 0);
    if (begun) this.#fail('protocol_error', '');
    else this.#fail('connection_termination', this.#transportFailure());
  }

  /** As in Envoy, a connection that the host resets in the middle of an answer reads as one that it ends there. */
  #onClose(): void {
    if (!this.#closed && this.#lastError !== undefined && !this.#body.isTunnel) this.#onEnd();
    this.#finish();
  }

  /** Why the transport failed; empty when the peer just left. */
  #transportFailure(): string {
    return this.#lastError === undefined ? '' : this.#owner.describe(this.#lastError);
  }

  #finish(): void {
    if (this.#closed) return;
    this.#closed = true;
    const stream = this.#stream;
    if (stream !== undefined) {
      this.brokeOff = true;
      this.#endStream(false);
    }
    this.#owner.onGone(this);
    stream?.sink.reset('connection_termination', this.#transportFailure());
  }
}
