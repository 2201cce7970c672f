import type { Socket } from 'node:net';
import type { Clock } from '#domain';
import type { AnswerLimits } from '../../config/upstream-protocol.ts';
import type { ResponseSink, TlsFacts, UpstreamStream } from '../codec.ts';
import { formatEndpoint } from '../h1/socket-address.ts';
import { ClientStream, type ClientStreamHost, type StreamKeeper } from './client-stream.ts';
import { ErrorCode, takenUpAgain, type Violation, violation } from './errors.ts';
import { Setting } from './frame.ts';
import type { Http2Counter } from './http2-counter.ts';
import { Keepalive, type KeepaliveOptions } from './keepalive.ts';
import { Http2Session, STREAM_WINDOW } from './session.ts';
import type { SessionRole } from './session-role.ts';
import type { Http2Stream } from './stream.ts';

const MAX_HEAD_BYTES = 60 * 1024;
const MAX_HEADERS = 100;
/** The last stream that a connection may open; the one after it would be out of range. */
const LAST_STREAM = 0x7fff_fffd;

/** Told what concerns a whole connection; each stream has a keeper of its own. */
export interface Http2ClientOwner {
  /** The server sent GOAWAY. */
  onCloseNotice(): void;
  /** The server takes more streams than before, or none any more (GOAWAY). */
  onAvailability(connection: Http2ClientConnection): void;
  /** The connection is closed and has no streams. Called once. */
  onGone(connection: Http2ClientConnection): void;
  /** Says in Envoy's words what a socket error was. */
  describe(error: Error): string;
}

export interface Http2ClientOptions {
  readonly clock: Clock;
  /** The cluster's max_concurrent_streams; what the server allows counts too. */
  readonly maxConcurrentStreams?: number | undefined;
  /** Streams stand for connections of HTTP/1.1. */
  readonly carriage?: boolean | undefined;
  /** PINGs on a connection; one that is not answered in time ends it. */
  readonly keepalive?: KeepaliveOptions | undefined;
  readonly counter?: Http2Counter | undefined;
  readonly answers?: AnswerLimits | undefined;
}

/** Speaks HTTP/2 to a server on a connected socket (plain or TLS), which it owns: many requests at a time. */
export class Http2ClientConnection implements SessionRole, ClientStreamHost {
  readonly localAddress: string;
  readonly tls: TlsFacts | undefined;
  readonly carriage: boolean;
  /** Streams that were opened so far. */
  requestCount = 0;
  /** The server broke the rules of the protocol. */
  violated = false;

  readonly #owner: Http2ClientOwner;
  readonly #options: Http2ClientOptions;
  readonly #session: Http2Session;
  #nextStream = 1;
  /** Streams that have no number yet. */
  #unnumbered = 0;
  #draining = false;
  /** The last stream that the server takes up, once it has said so. */
  #lastTaken: number | undefined = undefined;
  /** The last stream ends in a way that counts against the server. */
  #endViolates = false;
  #gone = false;
  readonly #keepalive: Keepalive | undefined;

  constructor(socket: Socket, tls: TlsFacts | undefined, owner: Http2ClientOwner, options: Http2ClientOptions) {
    this.#owner = owner;
    this.#options = options;
    this.tls = tls;
    this.carriage = options.carriage === true;
    this.localAddress = formatEndpoint(socket.localAddress, socket.localPort);
    const { maxHeadBytes = MAX_HEAD_BYTES, maxHeaders = MAX_HEADERS } = options.answers ?? {};
    this.#session = new Http2Session(socket, this, {
      clock: options.clock,
      isServer: false,
      settings: [
        [Setting.ENABLE_PUSH, 0],
        [Setting.INITIAL_WINDOW_SIZE, STREAM_WINDOW],
        [Setting.MAX_HEADER_LIST_SIZE, maxHeadBytes],
      ],
      maxHeadBytes,
      maxHeaders,
      describe: (error) => owner.describe(error),
      counter: options.counter,
    });
    this.#keepalive =
      options.keepalive &&
      new Keepalive(options.clock, options.keepalive, {
        ping: (payload) => this.#session.ping(payload),
        lost: () => {
          options.counter?.count('keepalive_timeout');
          this.close();
        },
      });
  }

  get brokeOff(): boolean {
    return this.#session.lostStreams;
  }

  get activeStreams(): number {
    return this.#session.streams.size + this.#unnumbered;
  }

  /** Streams that may be open at once. */
  get capacity(): number {
    return Math.min(
      this.#session.peer.maxConcurrentStreams,
      this.#options.maxConcurrentStreams ?? Number.POSITIVE_INFINITY,
    );
  }

  /** Neither side has said that it ends. */
  get takesStreams(): boolean {
    return !this.#draining && this.#session.alive;
  }

  /** Whether `open` may be called. */
  get available(): boolean {
    return this.takesStreams && this.activeStreams < this.capacity && !this.#session.window.congested;
  }

  /** The server takes WebSockets (RFC 8441). */
  get extendedConnect(): boolean {
    return this.#session.peer.extendedConnect;
  }

  /** Starts a stream; `available` must hold. */
  open(sink: ResponseSink, keeper: StreamKeeper, reused = this.requestCount > 0): UpstreamStream {
    const stream = new ClientStream(this.#session, this, { sink, keeper, reused });
    this.requestCount++;
    this.#unnumbered++;
    return stream;
  }

  /** Opens no more streams; closes once the last has ended. */
  drain(): void {
    this.#draining = true;
    if (this.activeStreams === 0) this.#end();
  }

  close(): void {
    this.#session.close();
  }

  admit(stream: ClientStream): boolean {
    if (!this.#session.alive || this.#nextStream > LAST_STREAM) return false;
    this.#unnumbered--;
    this.#session.register(stream, this.#nextStream);
    this.#nextStream += 2;
    return true;
  }

  abandon(stream: ClientStream): void {
    this.#unnumbered--;
    this.#streamOver(stream, false);
  }

  mayOpen(streamId: number): Violation | 'ignore' {
    if (this.wasOpen(streamId)) return 'ignore';
    return violation(ErrorCode.PROTOCOL_ERROR, 'The server opens a stream.');
  }

  wasOpen(streamId: number): boolean {
    return streamId % 2 === 1 && streamId < this.#nextStream;
  }

  onOpen(): Violation {
    return violation(ErrorCode.PROTOCOL_ERROR, 'The server opens a stream.');
  }

  onGoAway(lastStreamId: number): Violation | undefined {
    if (lastStreamId > 0 && lastStreamId % 2 === 0) {
      return violation(ErrorCode.PROTOCOL_ERROR, 'GOAWAY names a stream of its sender.');
    }
    if (lastStreamId > (this.#lastTaken ?? lastStreamId)) return takenUpAgain();
    const draining = this.#draining;
    this.#draining = true;
    if (this.#lastTaken === undefined) this.#owner.onCloseNotice();
    this.#lastTaken = lastStreamId;
    for (const stream of this.#session.streams.newestFirst()) {
      if (stream.id <= lastStreamId || stream.closed || !(stream instanceof ClientStream)) continue;
      this.#session.streamEnded(stream);
      stream.refused();
    }
    if (!draining) this.#owner.onAvailability(this);
    this.#endViolates = this.#session.owesReset();
    if (this.activeStreams === 0) this.#end();
    this.#endViolates = false;
    return undefined;
  }

  onSettings(): void {
    this.#owner.onAvailability(this);
  }

  onHeadAwaited(): void {
    // A server opens no streams.
  }

  onHeadWhole(): void {
    // Nothing was awaited.
  }

  onStreamGone(stream: Http2Stream): void {
    if (stream instanceof ClientStream) this.#streamOver(stream, stream.complete);
  }

  #streamOver(stream: ClientStream, clean: boolean): void {
    // As in Envoy, which closes a connection that takes no more while it reads of its last stream's end, and counts that as an error of the
    // protocol; but not behind GOAWAY where the stream is reset.
    const { alive, breaking, reading } = this.#session;
    const isAnswered = stream.remoteDone && stream.drained;
    this.#endViolates = alive && (breaking || (reading && (isAnswered || this.#lastTaken === undefined)));
    stream.keeper.onStreamEnd(clean);
    if (this.#draining && this.activeStreams === 0) this.#end();
    this.#endViolates = false;
  }

  #end(): void {
    if (this.#endViolates) this.violated = true;
    this.#session.end(ErrorCode.NO_ERROR);
  }

  onViolation(): void {
    // The streams carry the reason to whoever sent them.
    this.violated = true;
  }

  onGone(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#keepalive?.stop();
    this.#owner.onGone(this);
  }

  onPingAck(payload: Buffer): void {
    this.#keepalive?.answered(payload);
  }
}
