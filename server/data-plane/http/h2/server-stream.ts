import type { BodySink, DownstreamStream, RequestHead, ResetReason, ResponseHead } from '../codec.ts';
import { Headers } from '../headers.ts';
import { ErrorCode, malformed, type Violation } from './errors.ts';
import type { ReadRequest } from './request-head.ts';
import { Http2Stream, type StreamHost } from './stream.ts';

export type RequestSink = BodySink & { drain(): void };

const STATUS: readonly string[] = Array.from({ length: 600 }, (_, status) => String(status));
const EMPTY = new Headers();

/** What RST_STREAM says when this side breaks an answer off; a host that breaks the protocol is no fault of the client. */
const RESET_CODES: Partial<Record<ResetReason, ErrorCode>> = { overflow: ErrorCode.REFUSED_STREAM };

/** What the log tells of a client's reset, by its code. */
const RESET = ['remote_reset', 'http2.remote_reset'] as const;
const RESET_FACTS: Readonly<Record<number, readonly [ResetReason, string]>> = {
  [ErrorCode.PROTOCOL_ERROR]: ['protocol_error', 'http2.remote_reset'],
  [ErrorCode.REFUSED_STREAM]: ['remote_reset', 'http2.remote_refuse'],
};

/** One request and its response. */
export class ServerStream extends Http2Stream implements DownstreamStream {
  readonly head: RequestHead;
  readonly hasBody: boolean;
  readonly tunnel: boolean;
  #sink: RequestSink | undefined = undefined;
  #answered = false;

  constructor(host: StreamHost, request: ReadRequest, endStream: boolean) {
    super(host);
    this.head = request.head;
    this.hasBody = !endStream;
    this.tunnel = request.tunnel;
    this.remoteDone = endStream;
    if (!request.tunnel) this.expectedBytes = request.contentLength;
  }

  receive(sink: RequestSink): void {
    // Answered already: what still comes is of no use.
    if (!this.localDone) this.#sink = sink;
  }

  /** For a request without body, once it was handed over. */
  bodyless(): void {
    if (!this.closed) this.#sink?.end(undefined);
  }

  closeAfter(): void {
    // Other streams go on.
  }

  sendInformational(head: ResponseHead): void {
    if (this.#answered || this.closed || head.status === 101) return;
    this.host.sendHeaders(this, [':status', String(head.status)], head.headers.flat, false);
  }

  sendHead(head: ResponseHead, endStream: boolean): void {
    if (this.#answered) return;
    this.#answered = true;
    // Over HTTP/2 a switch of protocols is the success of an extended CONNECT (RFC 8441 §5).
    const status = head.status === 101 && this.tunnel ? 200 : head.status;
    this.writeHeaders([':status', STATUS[status] ?? String(status)], head.headers, endStream);
  }

  sendData(chunk: Buffer): boolean {
    return this.writeData(chunk);
  }

  sendEnd(trailers?: Headers): void {
    if (!this.#answered) this.sendHead({ status: 500, headers: EMPTY.clone() }, true);
    else this.writeEnd(trailers);
  }

  reset(reason: ResetReason): void {
    const broken = this.tunnel && reason === 'connection_termination';
    this.resetWith(broken ? ErrorCode.CONNECT_ERROR : (RESET_CODES[reason] ?? ErrorCode.INTERNAL_ERROR));
  }

  get expectsTrailers(): boolean {
    return true;
  }

  protected deliverHead(): Violation {
    return malformed('A request has one head.');
  }

  protected deliverData(chunk: Buffer): void {
    this.#sink?.data(chunk);
  }

  protected deliverEnd(trailers: Headers | undefined): void {
    this.#sink?.end(trailers);
  }

  protected deliverDrain(): void {
    this.#sink?.drain();
  }

  /** As in Envoy, counted from the end of the answer, whatever leaves meanwhile. */
  protected override endWaits(): void {
    const timeoutMs = this.#sink?.flushTimeoutMs ?? 0;
    if (timeoutMs > 0 && this.head.protocol === 'HTTP/2') this.host.flushWithin(this, timeoutMs);
  }

  /** The answer is complete, the rest of the request is of no use (RFC 9113 §8.1). As in Envoy, a host that has said all ends a tunnel. */
  protected override onlyLocalEnded(): void {
    this.#sink = undefined;
    this.host.stopReading(this);
  }

  /** A request that has its answer is over, as much of it as the host did not take. */
  protected override get endsWithLocal(): boolean {
    return true;
  }

  /** As in Envoy, trailers that are too large read as if the client had reset the stream. */
  deliverViolation({ code, details }: Violation): void {
    this.#sink?.reset(code === ErrorCode.INTERNAL_ERROR ? 'remote_reset' : 'protocol_error', details);
  }

  /** On a carriage the stream stood for a connection of HTTP/1.1. */
  deliverReset(code: number): void {
    if (this.head.protocol === 'HTTP/2') this.#sink?.reset(...this.#resetFacts(code));
    else this.#sink?.reset('connection_termination', 'downstream_remote_disconnect');
  }

  /** As in Envoy, a client that has said all and resets without an error leaves the log as it was. */
  #resetFacts(code: number): readonly [ResetReason, string] {
    if (code === ErrorCode.NO_ERROR && this.remoteDone) return ['remote_reset', ''];
    return RESET_FACTS[code] ?? RESET;
  }

  deliverGone(violation: Violation | undefined, failure: string): void {
    if (violation !== undefined) this.deliverViolation(violation);
    else this.#sink?.reset('connection_termination', failure || 'downstream_remote_disconnect');
  }
}
