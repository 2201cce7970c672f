import type { Socket } from 'node:net';
import { onBytes } from '../../listener/direct-socket.ts';
import { endSide } from '../../listener/end-side.ts';
import { ByteMeter } from '../byte-meter.ts';
import type { CodecError, DownstreamConnection, ResponseHead, ServerConnectionOptions, TlsFacts } from '../codec.ts';
import type { Headers } from '../headers.ts';
import { BodyDecoder } from './body-decoder.ts';
import { CR, LF } from './bytes.ts';
import { FAILURES, type Failure } from './failures.ts';
import { FieldParser } from './field-parser.ts';
import { endOfHead, HeadBuffer } from './head-buffer.ts';
import { HeadWriter } from './head-writer.ts';
import { LazyDeadline } from './lazy-deadline.ts';
import { localAnswer, localHead } from './local-answer.ts';
import { beginsMethod, type ParsedRequest, parseRequest, type RequestRules } from './request-parser.ts';
import { ServerStream, type StreamHost } from './server-stream.ts';
import { formatEndpoint } from './socket-address.ts';
import { WireWriter } from './wire-writer.ts';

const [DEFAULT_HEAD_BYTES, DEFAULT_HEADERS] = [60 * 1024, 100];
const [DEFAULT_IDLE_TIMEOUT_MS, DEFAULT_DRAIN_MS] = [3_600_000, 5000];
/** How long a closing connection still reads, so that the peer sees the answer and not a reset (Envoy: delayed_close_timeout). */
const DEFAULT_DELAYED_CLOSE_MS = 1000;

/**
 * Serves HTTP/1.1 on a connected, unread socket (plain or TLS), which it owns from now on. Requests are handed over one at a time, as
 * in Envoy; what a client pipelines behind one waits, at most one read of it, with the socket paused.
 */
export function createServerConnection(socket: Socket, options: ServerConnectionOptions): DownstreamConnection {
  return new ServerConnection(socket, options);
}

/** head: between requests or inside a head · body: inside a body · answer: request read, response not sent · lingering: closing. */
type State = 'head' | 'body' | 'answer' | 'lingering' | 'closed';

/** The answer lets what follows the request's head go through as it is. */
const leavesHttp = ({ head: { method }, tunnel }: ServerStream, { status }: ResponseHead): boolean =>
  tunnel && (status === 101 || (method === 'CONNECT' && status >= 200 && status < 300));

/** The client went away in the middle of a head. */
const LEFT_IN_HEAD: CodecError = {
  status: 0,
  details: 'downstream_remote_disconnect',
  explanation: 'The client left before its request head was complete.',
  answered: false,
  bodyBytes: 0,
  begun: true,
  flag: 'DC',
  figure: 'none',
};

class ServerConnection implements DownstreamConnection, StreamHost {
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly tls: TlsFacts | undefined;
  readonly protocol = 'HTTP/1.1';
  requestCount = 0;

  readonly #socket: Socket;
  readonly #options: ServerConnectionOptions;
  readonly #maxHeadBytes: number;
  readonly #rules: RequestRules;
  readonly #fields: FieldParser;
  readonly #body: BodyDecoder;
  readonly #held = new HeadBuffer();
  readonly #heads = new HeadWriter();
  readonly #writer: WireWriter;
  readonly #deadline: LazyDeadline;
  #state: State = 'head';
  #stream: ServerStream | undefined = undefined;
  #reading = false;
  #draining = false;
  /** Nothing was asked for too long. */
  #idleOver = false;
  /** More has come than is taken: as from Envoy, which leaves it to the kernel, the client then sees a reset. */
  #unread = false;
  #bodyPaused = false;
  #parked = false;

  constructor(socket: Socket, options: ServerConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.tls = options.tls;
    this.remoteAddress = formatEndpoint(socket.remoteAddress, socket.remotePort);
    this.localAddress = formatEndpoint(socket.localAddress, socket.localPort);
    this.#maxHeadBytes = options.maxHeadBytes ?? DEFAULT_HEAD_BYTES;
    const { acceptHttp10 = false, defaultHost, refusesUrls = false } = options;
    this.#rules = { scheme: options.tls ? 'https' : 'http', acceptHttp10, defaultHost, refusesUrls };
    const maxHeaders = options.maxHeaders ?? DEFAULT_HEADERS;
    this.#fields = new FieldParser(maxHeaders, options.keepsSpelling);
    this.#body = new BodyDecoder(this.#maxHeadBytes, maxHeaders);
    this.#writer = new WireWriter(socket, this);
    this.#deadline = new LazyDeadline(options.clock, () => this.#onDeadline());
    this.#attach();
  }

  get idle(): boolean {
    return this.#state === 'head' && this.#held.length === 0;
  }

  drain(): void {
    this.#draining = true;
  }

  close(): void {
    this.#writer.flush();
    endSide(this.#socket, this.#unread);
    this.#finish();
  }

  #attach(): void {
    const socket = this.#socket;
    socket.setNoDelay(true);
    onBytes(socket, (chunk) => this.#onData(chunk));
    socket.on('drain', () => this.#writer.drained());
    socket.on('end', () => this.close());
    // 'close' follows every error and does the work.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#finish());
    this.#deadline.set(this.#options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS);
    socket.resume();
    if (this.#options.firstBytes !== undefined) this.#onData(this.#options.firstBytes);
  }

  #onData(chunk: Buffer): void {
    if (this.#state === 'lingering') this.#unread = true;
    if (this.#held.length === 0) {
      this.#read(chunk);
      return;
    }
    const begun = this.#held.length === 1;
    this.#held.append(chunk);
    if (this.#state !== 'head') return;
    if (begun) {
      // A lone CR says nothing yet of what begins here.
      this.#read(this.#held.take());
      return;
    }
    const end = this.#held.findEnd(this.#maxHeadBytes);
    if (typeof end !== 'number') this.#refuse(end);
    else if (end >= 0) this.#read(this.#held.take());
  }

  #read(bytes: Buffer): void {
    this.#reading = true;
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === 'head') at = this.#readHead(bytes, at);
      else if (this.#state === 'body') at = this.#readBody(bytes, at);
      else {
        if (this.#state === 'answer') this.#park(bytes.subarray(at));
        break;
      }
    }
    this.#reading = false;
  }

  #readHead(bytes: Buffer, from: number): number {
    let at = from;
    while (bytes[at] === CR && bytes[at + 1] === LF) at += 2;
    if (at === bytes.length) return at;
    const end = endOfHead(bytes, at);
    if (end < 0) {
      this.#hold(at === 0 ? bytes : bytes.subarray(at));
      return bytes.length;
    }
    if (end - at > this.#maxHeadBytes) {
      this.#refuse(FAILURES.headersTooLarge);
      return end;
    }
    const request = parseRequest(bytes, at, end, this.#fields, this.#rules);
    if ('status' in request) this.#refuse(request);
    else this.#begin(request, this.#options.metered === true ? bytes.subarray(at, end) : undefined);
    return end;
  }

  /** Keeps the beginning of a head, and the time. */
  #hold(bytes: Buffer): void {
    if (!(beginsMethod(bytes) || (bytes.length === 1 && bytes[0] === CR))) {
      this.#refuse(FAILURES.method);
      return;
    }
    this.#held.append(bytes);
    this.#options.onSpoken?.(this.protocol);
    this.#deadline.set(this.#options.headLimit?.ms ?? 0);
    const end = this.#held.findEnd(this.#maxHeadBytes);
    if (typeof end !== 'number') this.#refuse(end);
  }

  /** `head`: its bytes, where they are counted. */
  #begin(request: ParsedRequest, head: Buffer | undefined): void {
    this.#deadline.clear();
    this.requestCount++;
    const framing = request.tunnel
      ? 'tunnel'
      : request.chunked
        ? 'chunked'
        : request.contentLength > 0
          ? 'length'
          : 'none';
    const hasBody = framing !== 'none';
    const stream = new ServerStream(this, request.head, hasBody, request.tunnel, request.persistent);
    if (head !== undefined) {
      stream.meter = new ByteMeter();
      stream.meter.receivedHead(head, 0, head.length);
      stream.meter.wireReceived = head.length;
      stream.writtenBefore = this.#writer.total;
    }
    this.#stream = stream;
    this.#state = hasBody ? 'body' : 'answer';
    if (hasBody) this.#body.begin(framing, request.contentLength);
    else stream.requestDone = true;
    this.#options.onRequest(stream, this);
    stream.handedOver = true;
    if (!hasBody && this.#stream === stream) stream.sink?.end(undefined);
  }

  #readBody(bytes: Buffer, at: number): number {
    const stream = this.#stream;
    const next = this.#body.feed(bytes, at, this);
    if (stream?.meter !== undefined) stream.meter.wireReceived += next - at;
    if (this.#stream !== stream || stream === undefined) return next;
    if (this.#body.failure) this.#refuse(this.#body.failure);
    else if (this.#body.done) this.#requestComplete(stream);
    return next;
  }

  /** A part of the request body, from the decoder. */
  onBody(chunk: Buffer): void {
    this.#stream?.sink?.data(chunk);
  }

  #requestComplete(stream: ServerStream): void {
    stream.requestDone = true;
    this.#state = 'answer';
    // Nobody needs a pause any more: a client that leaves must be seen, and its next request read.
    this.resumeBody(stream);
    stream.sink?.end(this.#body.trailers);
  }

  /** Keeps what a client sent before it had its answer, and reads no more. */
  #park(bytes: Buffer): void {
    this.#held.append(bytes);
    this.#parked = true;
    this.#socket.pause();
  }

  pauseBody(stream: ServerStream): void {
    if (this.#stream !== stream || stream.requestDone) return;
    this.#bodyPaused = true;
    this.#socket.pause();
  }

  resumeBody(stream: ServerStream): void {
    if (this.#stream !== stream || !this.#bodyPaused) return;
    this.#bodyPaused = false;
    if (!this.#parked) this.#socket.resume();
  }

  informational(stream: ServerStream, head: ResponseHead): void {
    if (this.#stream !== stream || stream.responseStarted || stream.head.protocol === 'HTTP/1.0') return;
    this.#writer.now(this.#heads.informational(head));
  }

  responseHead(stream: ServerStream, head: ResponseHead, endStream: boolean): void {
    if (this.#stream !== stream || stream.responseStarted) return;
    stream.responseStarted = true;
    // As in Envoy: nobody waits for the rest of a request that has its answer.
    stream.close = this.#draining || !stream.persistent || (!stream.requestDone && !leavesHttp(stream, head));
    const text = this.#heads.response(head, endStream, stream);
    const { framing, contentLength } = this.#heads;
    if (framing === 'close' || (stream.tunnel && framing !== 'tunnel')) stream.close = true;
    this.#writer.head(text, framing, contentLength);
    if (stream.meter !== undefined) {
      stream.meter.sentHead(text);
      this.#measure(stream, stream.meter);
    }
    if (endStream && framing !== 'tunnel') this.#responseComplete(stream);
  }

  responseData(stream: ServerStream, chunk: Buffer): boolean {
    if (this.#stream !== stream || !stream.responseStarted) return true;
    const more = this.#writer.data(chunk);
    if (stream.meter !== undefined) this.#measure(stream, stream.meter);
    return more;
  }

  responseEnd(stream: ServerStream, trailers: Headers | undefined): void {
    if (this.#stream !== stream || !stream.responseStarted) return;
    if (!this.#writer.end(trailers)) stream.close = true;
    if (stream.meter !== undefined) this.#measure(stream, stream.meter);
    this.#responseComplete(stream);
  }

  #measure({ writtenBefore }: ServerStream, meter: ByteMeter): void {
    meter.wireSent = this.#writer.total - writtenBefore;
  }

  resetStream(stream: ServerStream): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#writer.flush();
    // As in Envoy, what was said of an answer still goes to the client, which is left to close first.
    if (stream.responseStarted) this.#linger(false);
    else {
      this.#socket.destroy();
      this.#finish();
    }
  }

  onWritable(): void {
    this.#stream?.sink?.drain();
  }

  #responseComplete(stream: ServerStream): void {
    stream.responseDone = true;
    this.#stream = undefined;
    if (stream.close || !stream.requestDone) {
      this.#linger((stream.requestDone && !stream.patient) || this.#heads.framing === 'close');
      return;
    }
    this.#state = 'head';
    this.#bodyPaused = false;
    this.#deadline.set(this.#options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS);
    if (this.#held.length > 0 && !this.#reading) this.#readParked();
  }

  #readParked(): void {
    this.#parked = false;
    this.#socket.resume();
    this.#read(this.#held.take());
  }

  /** Answers a message that breaks the protocol, and closes. */
  #refuse(failure: Failure): void {
    const stream = this.#stream;
    const answered = stream === undefined || !stream.responseStarted;
    this.#stream = undefined;
    const answer = answered ? localHead(failure, this.#options) : undefined;
    answer?.headers.set('connection', 'close');
    if (answer !== undefined) this.#writer.now(localAnswer(answer, failure.body));
    const { status, details, explanation, body, flag } = failure;
    const bodyBytes = answered ? body.length : 0;
    const begun = stream === undefined;
    const error = { status, details, explanation, answered, answer, bodyBytes, begun, ...(flag && { flag }) };
    this.#options.onProtocolError?.(error, this);
    stream?.sink?.reset('protocol_error', details, answer && { head: answer, bodyBytes });
    if (answered) this.#linger(false);
    else this.close();
  }

  /**
   * Sends what is queued, then reads and drops what still comes for a moment. A client that is still sending is left to close first, as in
   * Envoy: `fin` false.
   */
  #linger(fin = true): void {
    const { delayedCloseMs = DEFAULT_DELAYED_CLOSE_MS } = this.#options;
    this.#state = 'lingering';
    this.#held.take();
    if (fin || delayedCloseMs === 0) this.#writer.close();
    else this.#writer.flush();
    this.#socket.resume();
    this.#deadline.set(delayedCloseMs || DEFAULT_DELAYED_CLOSE_MS);
  }

  #onDeadline(): void {
    const { headLimit } = this.#options;
    if (this.#state === 'head' && this.#held.length > 0 && headLimit !== undefined) this.#refuse(headLimit.failure);
    else if (this.#state === 'head' && !this.#idleOver) this.#endIdle();
    else if (this.#state === 'head' || this.#state === 'lingering') {
      if (this.#state === 'lingering' && this.#options.delayedCloseMs !== 0) this.#options.onDelayedClose?.();
      this.close();
    }
  }

  /** As in Envoy, a client that has asked before may ask once more while the connection is drained. */
  #endIdle(): void {
    this.#options.onIdleTimeout?.();
    this.#idleOver = true;
    if (this.requestCount === 0 || this.#draining) {
      this.close();
      return;
    }
    this.#draining = true;
    this.#deadline.set(this.#options.drainTimeoutMs ?? DEFAULT_DRAIN_MS);
  }

  #finish(): void {
    if (this.#state === 'closed') return;
    // A lone CR begins nothing.
    const leftInHead = this.#state === 'head' && this.#held.length > 1;
    this.#state = 'closed';
    this.#deadline.stop();
    const stream = this.#stream;
    this.#stream = undefined;
    if (leftInHead) this.#options.onProtocolError?.(LEFT_IN_HEAD, this);
    stream?.sink?.reset('connection_termination', 'downstream_remote_disconnect');
    this.#options.onClose?.(this);
  }
}
