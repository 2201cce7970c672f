import type { Socket } from 'node:net';
import type { Timer } from '#domain';
import { ByteMeter, lengthOf } from '../byte-meter.ts';
import type { CodecError, DownstreamConnection, ServerConnectionOptions, TlsFacts } from '../codec.ts';
import type { Failure } from '../h1/failures.ts';
import { LazyDeadline } from '../h1/lazy-deadline.ts';
import { localHead } from '../h1/local-answer.ts';
import { formatEndpoint } from '../h1/socket-address.ts';
import { Headers } from '../headers.ts';
import { ErrorCode, takenUpAgain, tooManyStreams, type Violation, violation } from './errors.ts';
import { MAX_STREAM_ID, Setting } from './frame.ts';
import type { WholeBlock } from './header-block.ts';
import { Keepalive, type KeepaliveOptions } from './keepalive.ts';
import { type ReadRequest, readRequest } from './request-head.ts';
import { ServerStream } from './server-stream.ts';
import { Http2Session, STREAM_WINDOW } from './session.ts';
import type { Offence, SessionRole } from './session-role.ts';

const DEFAULT_HEAD_BYTES = 60 * 1024;
const DEFAULT_HEADERS = 100;
const DEFAULT_IDLE_TIMEOUT_MS = 3_600_000;
/** Requests that a client may have under way on one connection, unless told. */
const MAX_STREAMS = 1024;
const NO_PONG = 'downstream_local_disconnect(http2_ping_timeout)';
/** How long a client may still open streams after it was told to stop, unless told. */
const DEFAULT_DRAIN_MS = 5000;

/** Serves HTTP/2 on a connected socket (plain or TLS), which it owns from now on. */
export function createHttp2ServerConnection(socket: Socket, options: ServerConnectionOptions): DownstreamConnection {
  return new ServerConnection(socket, options);
}

/** What Envoy logs and counts of each. */
const CONSEQUENCES: Readonly<Record<Offence, Pick<CodecError, 'begun' | 'flag' | 'figure'>>> = {
  connection: { begun: false },
  head: { begun: true },
  'refused head': { begun: true, flag: 'DR', figure: 'none' },
  flood: { begun: false, figure: 'none' },
  'flooded head': { begun: true, figure: 'none' },
  resets: { begun: false, figure: 'downstream_rq_too_many_premature_resets' },
};

/** A request of which nothing could be read. */
const NO_REQUEST: ReadRequest = {
  head: { method: '', path: '', authority: '', scheme: 'http', protocol: 'HTTP/2', headers: new Headers() },
  contentLength: -1,
  tunnel: false,
};

class ServerConnection implements DownstreamConnection, SessionRole {
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly tls: TlsFacts | undefined;
  readonly protocol: DownstreamConnection['protocol'];
  requestCount = 0;

  readonly #options: ServerConnectionOptions;
  readonly #session: Http2Session;
  readonly #idle: LazyDeadline;
  readonly #head: LazyDeadline;
  /** The stream whose head has begun. */
  #headOf = 0;
  #spoken = false;
  /** Of the last GOAWAY. */
  #lastTaken = MAX_STREAM_ID;
  readonly #maxStreams: number;
  readonly #keepalive: Keepalive | undefined;
  readonly #rules: Parameters<typeof readRequest>[1];
  /** no · announced: GOAWAY went out, streams are still taken · final: no more are taken. */
  #drain: Timer | undefined = undefined;
  #draining: 'no' | 'announced' | 'final' = 'no';

  constructor(socket: Socket, options: ServerConnectionOptions) {
    this.#options = options;
    this.#maxStreams = options.maxConcurrentStreams ?? MAX_STREAMS;
    this.tls = options.tls;
    this.remoteAddress = formatEndpoint(socket.remoteAddress, socket.remotePort);
    this.localAddress = formatEndpoint(socket.localAddress, socket.localPort);
    const extendedConnect = options.extendedConnect ?? false;
    this.protocol = options.carriage === true ? 'HTTP/1.1' : 'HTTP/2';
    this.#rules = { extendedConnect, carried: options.carriage === true };
    this.#idle = new LazyDeadline(options.clock, () => {
      options.onIdleTimeout?.();
      if (this.requestCount === 0) this.#session.end(ErrorCode.NO_ERROR);
      else this.drain();
    });
    this.#head = new LazyDeadline(options.clock, () => this.#onLateHead());
    const maxHeadBytes = options.maxHeadBytes ?? DEFAULT_HEAD_BYTES;
    this.#session = new Http2Session(socket, this, {
      clock: options.clock,
      isServer: true,
      settings: [
        [Setting.MAX_CONCURRENT_STREAMS, this.#maxStreams],
        [Setting.INITIAL_WINDOW_SIZE, STREAM_WINDOW],
        [Setting.MAX_HEADER_LIST_SIZE, maxHeadBytes],
        ...(extendedConnect ? [[Setting.ENABLE_CONNECT_PROTOCOL, 1] as const] : []),
      ],
      maxHeadBytes,
      maxHeaders: options.maxHeaders ?? DEFAULT_HEADERS,
      describe: () => '',
      counter: options.http2Counter,
      lingerMs: options.delayedCloseMs,
      onLingered: options.onDelayedClose,
    });
    this.#keepalive = options.keepalive && this.#keepAlive(options.keepalive);
    this.#waitForRequest();
    if (options.firstBytes !== undefined) this.#session.read(options.firstBytes);
  }

  get idle(): boolean {
    return this.#session.streams.size === 0;
  }

  /** Announces the end; what the client sends until it has heard of it is still served (RFC 9113 §6.8). */
  drain(): void {
    if (this.#draining !== 'no' || !this.#session.alive) return;
    this.#draining = 'announced';
    this.#session.goAway(MAX_STREAM_ID, ErrorCode.NO_ERROR);
    this.#drain = this.#options.clock.after(this.#options.drainTimeoutMs ?? DEFAULT_DRAIN_MS, () => this.#stopTaking());
  }

  close(): void {
    this.#session.close();
  }

  #stopTaking(): void {
    if (this.#draining !== 'announced' || !this.#session.alive) return;
    this.#draining = 'final';
    if (this.idle) this.#session.end(ErrorCode.NO_ERROR);
    else this.#session.goAway(this.#session.lastPeerStream, ErrorCode.NO_ERROR);
  }

  mayOpen(streamId: number, settled: boolean): Violation | 'open' | 'ignore' {
    if (streamId % 2 === 0) return violation(ErrorCode.PROTOCOL_ERROR, 'A client opens streams of odd numbers.');
    // As in Envoy, a head for a stream that is over is dropped: it may have been on its way.
    if (this.#draining === 'final' || streamId <= this.#session.lastPeerStream) return 'ignore';
    // As in Envoy, a client that knows better loses the connection.
    return settled && this.#session.streams.size >= this.#maxStreams ? tooManyStreams() : 'open';
  }

  wasOpen(streamId: number): boolean {
    return streamId % 2 === 1 && streamId <= this.#session.lastPeerStream;
  }

  onOpen({ streamId, endStream, wireBytes }: WholeBlock, fields: string[]): Violation | undefined {
    const session = this.#session;
    if (session.streams.size >= this.#maxStreams) {
      session.refuse(streamId, ErrorCode.REFUSED_STREAM);
      return undefined;
    }
    const plainBytes = this.#options.metered === true ? lengthOf(fields) : 0;
    const request = readRequest(fields, this.#rules);
    if ('code' in request) return request;
    if (request.refused !== undefined) {
      this.#answerFailure(streamId, endStream, request.refused);
      return undefined;
    }
    if (endStream && request.contentLength > 0) {
      return violation(ErrorCode.PROTOCOL_ERROR, 'The request announces a body and has none.');
    }
    this.requestCount++;
    this.#idle.clear();
    const stream = new ServerStream(session, request, endStream);
    session.register(stream, streamId);
    if (this.#options.metered === true) {
      stream.meter = new ByteMeter();
      stream.meter.receivedBlock(wireBytes, plainBytes);
    }
    this.#options.onRequest(stream, this);
    if (endStream) stream.bodyless();
    return undefined;
  }

  onStreamGone(): void {
    if (!this.idle) return;
    if (this.#draining === 'final') this.#session.end(ErrorCode.NO_ERROR);
    else this.#waitForRequest();
  }

  #waitForRequest(): void {
    this.#idle.set(this.#options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS);
  }

  /** The client opens no more streams; those that are open go on. It names a stream of this side, which has none. */
  onGoAway(lastStreamId: number): Violation | undefined {
    if (lastStreamId % 2 === 1) return violation(ErrorCode.PROTOCOL_ERROR, 'GOAWAY names a stream of its sender.');
    if (lastStreamId > this.#lastTaken) return takenUpAgain();
    this.#lastTaken = lastStreamId;
    return undefined;
  }

  onSettings(): void {
    // Windows and frame sizes are the session's business.
    if (this.#spoken) return;
    this.#spoken = true;
    this.#options.onSpoken?.(this.protocol);
  }

  onHeadAwaited(streamId: number): void {
    const { headLimit } = this.#options;
    if (headLimit === undefined || streamId === this.#headOf) return;
    this.#headOf = streamId;
    this.#idle.clear();
    this.#head.set(headLimit.ms);
  }

  onHeadWhole(): void {
    this.#headOf = 0;
    this.#head.clear();
    if (this.idle && this.#session.alive) this.#waitForRequest();
  }

  /** The head does not end: answered like a request; what still comes of it is dropped. */
  #onLateHead(): void {
    const { headLimit } = this.#options;
    if (headLimit === undefined || !this.#session.alive) return;
    this.#session.lastPeerStream = this.#headOf;
    this.#answerFailure(this.#headOf, false, headLimit.failure);
  }

  /** Answers a stream whose request is none, as HTTP/1.1 does. */
  #answerFailure(streamId: number, endStream: boolean, failure: Failure): void {
    const { body, details, explanation, flag, status } = failure;
    const stream = new ServerStream(this.#session, NO_REQUEST, endStream);
    this.#session.register(stream, streamId);
    const answer = localHead(failure, this.#options);
    stream.sendHead(answer, false);
    stream.sendData(Buffer.from(body, 'latin1'));
    stream.sendEnd();
    const facts = { status, details, explanation, answered: true, answer, bodyBytes: body.length, begun: true };
    this.#options.onProtocolError?.({ ...facts, ...(flag && { flag }) }, this);
  }

  #keepAlive(keepalive: KeepaliveOptions): Keepalive {
    return new Keepalive(this.#options.clock, keepalive, {
      ping: (payload) => this.#session.ping(payload),
      lost: () => {
        this.#options.http2Counter?.count('keepalive_timeout');
        this.#session.close(NO_PONG);
      },
    });
  }

  onPingAck(payload: Buffer): void {
    this.#keepalive?.answered(payload);
  }

  onViolation({ details, explanation }: Violation, where: Offence): void {
    const facts = { status: 0, details, explanation, answered: false, bodyBytes: 0 };
    this.#options.onProtocolError?.({ ...facts, ...CONSEQUENCES[where] }, this);
  }

  onGone(): void {
    this.#idle.stop();
    this.#head.stop();
    this.#keepalive?.stop();
    this.#drain?.cancel();
    this.#options.onClose?.(this);
  }
}
