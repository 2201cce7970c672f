import type { Socket } from 'node:net';
import type { Clock } from '#domain';
import { onBytes } from '../../listener/direct-socket.ts';
import { CONNECTION_WINDOW, ConnectionWindow } from './connection-window.ts';
import { ErrorCode, type Violation, violation } from './errors.ts';
import { DEFAULT_WINDOW, FRAME_HEADER, FrameType, PREFACE } from './frame.ts';
import { FrameInput, type InputTarget } from './frame-input.ts';
import { type Fields, FrameWriter } from './frame-writer.ts';
import type { Http2Counter } from './http2-counter.ts';
import { PeerSettings, settingsPayload } from './peer-settings.ts';
import { SendScheduler } from './send-scheduler.ts';
import type { Offence, SessionRole } from './session-role.ts';
import type { Http2Stream, StreamHost } from './stream.ts';
import { StreamTable } from './stream-table.ts';

/** What this side takes of one stream before whoever reads it took it: what a stalled reader costs. */
export const STREAM_WINDOW = 256 * 1024;
/** How long a connection that ends still reads, so that the peer sees GOAWAY and not a reset. */
const LINGER_MS = 1000;

export interface SessionOptions {
  readonly clock: Clock;
  readonly isServer: boolean;
  readonly settings: readonly (readonly [identifier: number, value: number])[];
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
  /** Says in Envoy's words what a socket error was. */
  readonly describe: (error: Error) => string;
  readonly counter?: Http2Counter | undefined;
  /** How long a connection that ends waits for the peer to close; default 1000. */
  readonly lingerMs?: number | undefined;
  /** The peer has not closed by then. */
  readonly onLingered?: (() => void) | undefined;
}

/** `problem`: what the peer did wrong on the stream, which has not heard of it yet. */
interface OwedReset {
  readonly stream: Http2Stream;
  readonly problem?: Violation;
}

/** One HTTP/2 connection (RFC 9113): frames, windows and streams, for both sides. It owns the socket. */
export class Http2Session implements InputTarget, StreamHost {
  readonly streams = new StreamTable();
  readonly peer: PeerSettings;
  readonly writer: FrameWriter;
  readonly role: SessionRole;
  readonly isServer: boolean;
  readonly window: ConnectionWindow;
  readonly scheduler: SendScheduler;
  /** The highest stream that the peer opened. */
  lastPeerStream = 0;
  /** Streams that are over. */
  endedStreams = 0;
  /** Streams were open when the connection ended. */
  lostStreams = false;

  readonly counter: Http2Counter | undefined;
  readonly #socket: Socket;
  readonly #options: SessionOptions;
  readonly #input: FrameInput;
  #prefaceLeft: number;
  #ending = false;
  /** What the peer was told of its last stream; −1: nothing. */
  #toldLast = -1;
  #over = false;
  #lastError: Error | undefined = undefined;
  #because = '';
  /** Bytes of the peer are being read. */
  reading = false;
  /** Each is written once the bytes that are read now are read. */
  readonly #owedResets: OwedReset[] = [];
  /** A stream is reset for what the peer did wrong on it. */
  breaking = false;
  /** Streams that were answered while the bytes of their head were read. */
  readonly #unread: Http2Stream[] = [];
  /** The stream on which the peer broke the protocol. */
  #offender: Http2Stream | undefined = undefined;

  constructor(socket: Socket, role: SessionRole, options: SessionOptions) {
    this.#socket = socket;
    this.role = role;
    this.isServer = options.isServer;
    this.#options = options;
    this.counter = options.counter;
    this.peer = new PeerSettings(options.isServer);
    this.writer = new FrameWriter(socket, { onOverflow: () => this.close() });
    this.window = new ConnectionWindow(this.writer);
    this.scheduler = new SendScheduler(this.writer);
    const { clock, maxHeadBytes, maxHeaders } = options;
    this.#input = new FrameInput(this, { now: () => clock.monotonic(), maxHeadBytes, maxHeaders });
    this.#prefaceLeft = options.isServer ? PREFACE.length : 0;
    this.#attach();
    if (!options.isServer) this.writer.raw(PREFACE);
    this.writer.control(FrameType.SETTINGS, 0, 0, settingsPayload(options.settings));
    this.writer.number(FrameType.WINDOW_UPDATE, 0, CONNECTION_WINDOW - DEFAULT_WINDOW);
  }

  /** Neither closed nor about to be. */
  get alive(): boolean {
    return !this.#ending && !this.#over;
  }

  #attach(): void {
    const socket = this.#socket;
    socket.setNoDelay(true);
    onBytes(socket, (chunk) => this.read(chunk));
    socket.on('drain', () => {
      if (this.writer.drained()) this.scheduler.pump();
    });
    socket.on('end', () => this.close());
    socket.on('error', (error) => {
      this.#lastError = error;
    });
    socket.on('close', () => this.#finish());
    socket.resume();
  }

  /** Bytes of the peer. */
  read(chunk: Buffer): void {
    if (this.#ending || this.#over) return;
    let bytes = chunk;
    if (this.#prefaceLeft > 0) {
      const from = PREFACE.length - this.#prefaceLeft;
      const length = Math.min(this.#prefaceLeft, bytes.length);
      if (!bytes.subarray(0, length).equals(PREFACE.subarray(from, from + length))) {
        this.fail(violation(ErrorCode.PROTOCOL_ERROR, 'The connection does not begin with the preface of HTTP/2.'));
        return;
      }
      this.#prefaceLeft -= length;
      bytes = bytes.subarray(length);
    }
    if (bytes.length === 0) return;
    this.reading = true;
    this.#input.feed(bytes);
    this.reading = false;
    if (this.#owedResets.length > 0) this.#writeOwedResets();
    if (this.#unread.length > 0) this.#resetUnread();
  }

  /** A connection that has ended meanwhile owes nothing any more. */
  #writeOwedResets(): void {
    for (const { stream, problem } of this.#owedResets.splice(0)) {
      if (!this.alive) return;
      this.#writeReset(stream.id, problem?.code ?? ErrorCode.INTERNAL_ERROR);
      // The peer may have reset it meanwhile.
      if (problem !== undefined && !stream.closed) this.#break(stream, problem);
    }
  }

  /** What the peer had not ended when these bytes were read is of no use. */
  #resetUnread(): void {
    for (const stream of this.#unread.splice(0)) {
      if (stream.remoteDone) this.streamEnded(stream);
      else this.resetStream(stream, ErrorCode.NO_ERROR);
    }
  }

  register(stream: Http2Stream, id: number): void {
    stream.id = id;
    stream.sendWindow = this.peer.initialWindow;
    stream.receiveWindow = STREAM_WINDOW;
    this.streams.add(stream);
    this.counter?.streams(1);
  }

  ping(payload: Uint8Array): void {
    this.writer.control(FrameType.PING, 0, 0, payload);
  }

  goAway(lastStreamId: number, code: ErrorCode): void {
    const payload = Buffer.allocUnsafe(8);
    payload.writeUInt32BE(lastStreamId, 0);
    payload.writeUInt32BE(code, 4);
    this.writer.control(FrameType.GOAWAY, 0, 0, payload);
    this.#toldLast = lastStreamId;
    this.counter?.count('goaway_sent');
  }

  /** Says goodbye and closes once the peer has read it; streams are gone at once. */
  end(code: ErrorCode, reason?: Violation): void {
    if (this.#ending || this.#over) return;
    this.#ending = true;
    if (code !== ErrorCode.NO_ERROR || this.#toldLast !== this.lastPeerStream) this.goAway(this.lastPeerStream, code);
    this.#input.stop();
    this.writer.flush();
    this.#loseStreams(reason);
    this.writer.close();
    const { clock, lingerMs, onLingered } = this.#options;
    const timer = clock.after(lingerMs || LINGER_MS, () => {
      if (lingerMs !== 0) onLingered?.();
      this.#socket.destroy();
    });
    this.#socket.once('close', () => timer.cancel());
    // As in Envoy, a client has done with a connection that it ends, whenever the peer lets go of it.
    if (!this.isServer) this.#finish();
  }

  /** `because`: why this side closes, in words of Envoy's. */
  close(because = ''): void {
    this.#because = because;
    this.#socket.destroy();
    this.#finish();
  }

  /** The peer broke the protocol. */
  fail(problem: Violation, where: Offence = 'connection', offender?: Http2Stream): void {
    if (this.#ending || this.#over) return;
    this.role.onViolation(problem, where);
    this.#offender = offender;
    this.end(problem.code, problem);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#input.stop();
    this.#loseStreams(undefined);
    this.role.onGone();
  }

  #loseStreams(reason: Violation | undefined): void {
    const failure = this.#lastError === undefined ? this.#because : this.#options.describe(this.#lastError);
    for (const stream of this.streams.newestFirst()) {
      if (stream.closed) continue;
      // As in Envoy, a client resets what a broken connection carries, and then closes it.
      if (this.isServer || reason === undefined) this.lostStreams = true;
      this.#forget(stream);
      stream.deliverGone(this.#toldTo(stream, reason), failure);
    }
  }

  /** A stream on which nothing was wrong hears of the connection. */
  #toldTo(stream: Http2Stream, reason: Violation | undefined): Violation | undefined {
    return reason === undefined || !this.isServer || stream === this.#offender
      ? reason
      : { ...reason, details: reason.others };
  }

  // What streams ask for.

  trailersRead(): void {
    if (this.isServer) this.counter?.count('trailers');
  }

  sendHeaders(stream: Http2Stream, pseudo: Fields, fields: Fields, endStream: boolean): void {
    if (stream.closed) return;
    const before = this.writer.total;
    this.writer.headers(stream.id, pseudo, fields, endStream);
    stream.meter?.sentBlock(this.writer.total - before, pseudo, fields);
  }

  sendData(stream: Http2Stream, chunk: Buffer): number {
    const { meter } = stream;
    if (meter === undefined) return this.scheduler.send(stream, chunk);
    const before = this.writer.total;
    const sent = this.scheduler.send(stream, chunk);
    meter.wireSent += this.writer.total - before;
    return sent;
  }

  sendFrame(stream: Http2Stream, chunk: Buffer, start: number, end: number): void {
    if (stream.meter !== undefined) stream.meter.wireSent += FRAME_HEADER + end - start;
    this.scheduler.sendFrame(stream, chunk, start, end);
  }

  sendEnd(stream: Http2Stream): void {
    const before = this.writer.total;
    this.writer.end(stream.id);
    if (stream.meter !== undefined) stream.meter.wireSent += this.writer.total - before;
  }

  flushWithin(stream: Http2Stream, timeoutMs: number): void {
    stream.flushTimer = this.#options.clock.after(timeoutMs, () => {
      // What waits for a socket that the peer does not read would lie in Envoy's buffer.
      if (stream.closed || this.writer.blocked) return;
      this.counter?.count('tx_flush_timeout');
      this.resetStream(stream, ErrorCode.INTERNAL_ERROR);
    });
  }

  wait(stream: Http2Stream): void {
    this.scheduler.wait(stream);
  }

  resetStream(stream: Http2Stream, code: ErrorCode): void {
    if (stream.closed) return;
    this.#forget(stream);
    // As in Envoy, a client that ends the connection with its last stream resets nothing.
    if (stream.id !== 0 && (this.isServer || this.alive)) this.#writeReset(stream.id, code);
  }

  resetOnceRead(stream: Http2Stream): void {
    if (!this.reading || stream.closed) {
      this.resetStream(stream, ErrorCode.INTERNAL_ERROR);
      return;
    }
    this.#owedResets.push({ stream });
    this.#forget(stream);
  }

  /** Of this stream, or of any. */
  owesReset(streamId?: number): boolean {
    return this.#owedResets.some(({ stream }) => streamId === undefined || stream.id === streamId);
  }

  stopReading(stream: Http2Stream): void {
    if (this.reading) this.#unread.push(stream);
    else this.resetStream(stream, ErrorCode.NO_ERROR);
  }

  streamEnded(stream: Http2Stream): void {
    if (!stream.closed) this.#forget(stream);
  }

  /** Resets a stream that was never registered. */
  refuse(streamId: number, code: ErrorCode): void {
    this.#writeReset(streamId, code);
  }

  /** Resets a stream for what the peer did wrong on it; as in Envoy, once the bytes that are read now are read. */
  resetBy(stream: Http2Stream, problem: Violation): void {
    stream.broken = true;
    this.#owedResets.push({ stream, problem });
    if (!this.reading) this.#writeOwedResets();
  }

  #break(stream: Http2Stream, problem: Violation): void {
    this.breaking = true;
    this.streamEnded(stream);
    this.breaking = false;
    stream.deliverViolation(problem);
  }

  consumed(stream: Http2Stream, bytes: number): void {
    this.window.credit(bytes);
    stream.uncredited += bytes;
    this.grantCredit(stream);
  }

  grantCredit(stream: Http2Stream): void {
    if (stream.paused || stream.closed || stream.remoteDone || stream.uncredited < STREAM_WINDOW / 2) return;
    this.writer.number(FrameType.WINDOW_UPDATE, stream.id, stream.uncredited);
    stream.receiveWindow += stream.uncredited;
    stream.uncredited = 0;
  }

  #forget(stream: Http2Stream): void {
    stream.closed = true;
    this.endedStreams++;
    stream.flushTimer?.cancel();
    if (stream.id !== 0) this.counter?.streams(-1);
    this.scheduler.forget(stream);
    this.streams.remove(stream.id);
    this.window.credit(stream.dropHeld());
    this.role.onStreamGone(stream);
  }

  #writeReset(streamId: number, code: ErrorCode): void {
    this.writer.number(FrameType.RST_STREAM, streamId, code);
    this.counter?.count('tx_reset');
  }
}
