import { lengthOf } from '../byte-meter.ts';
import type { ConnectionWindow } from './connection-window.ts';
import {
  ErrorCode,
  emptyFlood,
  endedStream,
  flood,
  neverOpened,
  noIncrement,
  overrun,
  streamNotGrown,
  takenTwice,
  type Violation,
  violation,
} from './errors.ts';
import { FLOODED, FloodGuard, type FloodKind, floodFacts, SMALL_UPDATE } from './flood-guard.ts';
import { Flag, FRAME_HEADER, FrameType, MAX_FRAME, MAX_WINDOW } from './frame.ts';
import { type FrameHandler, type FrameHead, FrameReader } from './frame-reader.ts';
import { frameProblem } from './frame-rules.ts';
import type { FrameWriter } from './frame-writer.ts';
import { interrupted, type WholeBlock } from './header-block.ts';
import { HeaderReader, type ReadFields } from './header-reader.ts';
import type { Http2Counter } from './http2-counter.ts';
import type { PeerSettings } from './peer-settings.ts';
import { PrematureResets } from './premature-resets.ts';
import type { SendScheduler } from './send-scheduler.ts';
import type { Offence, SessionRole } from './session-role.ts';
import { shiftWindows } from './shift-windows.ts';
import type { Http2Stream } from './stream.ts';
import type { StreamTable } from './stream-table.ts';

/** The session whose frames are read. */
export interface InputTarget {
  readonly isServer: boolean;
  readonly role: SessionRole;
  readonly streams: StreamTable;
  readonly peer: PeerSettings;
  readonly writer: FrameWriter;
  readonly window: ConnectionWindow;
  readonly scheduler: SendScheduler;
  readonly counter: Http2Counter | undefined;
  lastPeerStream: number;
  /** Streams that are over. */
  readonly endedStreams: number;
  /** The peer broke the protocol, on this stream if on any: the connection ends. */
  fail(problem: Violation, where?: Offence, offender?: Http2Stream): void;
  /** Resets a stream for what the peer did wrong on it. */
  resetBy(stream: Http2Stream, problem: Violation): void;
  /** Resets a stream that was never registered. */
  refuse(streamId: number, code: ErrorCode): void;
  streamEnded(stream: Http2Stream): void;
  /** This side's reset of the stream is not written yet. */
  owesReset(streamId: number): boolean;
  consumed(stream: Http2Stream, bytes: number): void;
}

/** What the frames of a peer mean: each is checked against the state of the session and changes it. */
export class FrameInput implements FrameHandler {
  readonly #target: InputTarget;
  readonly #reader = new FrameReader(this);
  readonly #headers: HeaderReader;
  readonly #guard: FloodGuard;
  readonly #earlyResets: PrematureResets;
  /** Frames without a byte that end nothing, one after the other. */
  #emptyInRow = 0;
  /** Of the bytes that are being read. */
  #fedBytes = 0;
  #settingsSeen = false;
  /** This side has sent SETTINGS once, when the connection began. */
  #settingsTaken = false;
  /** The head of a new stream has begun. */
  #headAwaited = false;
  /** The stream of the DATA frame under way, and the bytes of it that no stream has taken yet. */
  #dataStream: Http2Stream | undefined = undefined;
  #dataLeft = 0;

  constructor(
    target: InputTarget,
    options: { readonly now: () => number; readonly maxHeadBytes: number; readonly maxHeaders: number },
  ) {
    this.#target = target;
    this.#headers = new HeaderReader(options);
    this.#guard = new FloodGuard(options.now);
    this.#earlyResets = new PrematureResets(options.now);
  }

  feed(bytes: Buffer): void {
    this.#fedBytes = bytes.length;
    this.#reader.feed(bytes);
  }

  /** Nothing more is read. */
  stop(): void {
    this.#reader.stop();
  }

  onFrameError(error: Violation): void {
    this.#target.fail(error);
  }

  onFrameAwaited({ type, streamId }: FrameHead): void {
    if (type === FrameType.HEADERS && this.#settingsSeen && !this.#headers.open) this.#awaitHead(streamId);
  }

  #awaitHead(streamId: number): void {
    const { role, streams } = this.#target;
    if (streams.get(streamId) !== undefined || role.mayOpen(streamId, this.#settingsTaken) !== 'open') return;
    this.#headAwaited = true;
    role.onHeadAwaited(streamId);
  }

  onDataBegin(head: FrameHead): void {
    const { streamId, length, flags } = head;
    this.#dataStream = undefined;
    this.#dataLeft = length;
    const problem = this.#dataProblem(head);
    if (problem !== undefined) {
      this.#target.fail(problem);
      return;
    }
    const stream = this.#target.streams.get(streamId);
    if (this.#isEmptyFlood(length, flags, stream) || stream === undefined || stream.broken) return;
    stream.receiveWindow -= length;
    if (stream.meter !== undefined) stream.meter.wireReceived += FRAME_HEADER + length;
    if (stream.receiveWindow < 0) this.#target.resetBy(stream, overrun());
    else this.#dataStream = stream;
  }

  #dataProblem({ streamId, length }: FrameHead): Violation | undefined {
    if (this.#headers.open) return interrupted();
    if (streamId === 0 || !this.#settingsSeen) {
      return violation(ErrorCode.PROTOCOL_ERROR, 'DATA names no stream, or comes before SETTINGS.');
    }
    if (!this.#target.window.take(length)) return overrun();
    const stream = this.#target.streams.get(streamId);
    // As in Envoy, what comes for a stream that is over is dropped.
    if (stream === undefined) return this.#target.role.wasOpen(streamId) ? undefined : neverOpened('DATA');
    if (!stream.remoteDone) return undefined;
    return violation(ErrorCode.STREAM_CLOSED, 'DATA for a stream that has ended.', 'http2.stream_closed');
  }

  dropsData(streamId: number): boolean {
    const stream = this.#target.streams.get(streamId);
    return stream === undefined ? this.#target.role.wasOpen(streamId) : stream.broken;
  }

  onDataPart(head: FrameHead, bytes: Buffer, last: boolean): void {
    const stream = this.#dataStream;
    if (stream === undefined || stream.closed || stream.broken) {
      this.#target.window.credit(last ? this.#dataLeft : bytes.length);
      this.#dataLeft -= bytes.length;
      return;
    }
    this.#dataLeft -= bytes.length;
    const endStream = last && (head.flags & Flag.END_STREAM) !== 0;
    const problem = stream.receiveData(bytes, endStream);
    // A body of another length than announced: only the stream is lost, as in Envoy.
    if (problem && this.#target.isServer) this.#target.resetBy(stream, { ...problem, details: 'http2.remote_reset' });
    else if (problem) this.#bodyProblem(stream, problem);
    if (problem) this.#target.window.credit(bytes.length);
    // What is left of a frame that is complete was padding.
    if (last && this.#dataLeft > 0) this.#target.consumed(stream, this.#dataLeft);
  }

  onFrame(head: FrameHead, bytes: Buffer, start: number, end: number): void {
    const problem = frameProblem(head) ?? this.#orderProblem(head);
    if (problem) this.#target.fail(problem);
    else if (head.type === FrameType.HEADERS || head.type === FrameType.CONTINUATION) {
      if (this.#isEmptyFlood(head.length, head.flags, this.#target.streams.get(head.streamId))) return;
      const read = this.#headers.take(head, bytes, start, end);
      if (read === undefined) {
        if (head.type === FrameType.HEADERS) this.#awaitHead(head.streamId);
        return;
      }
      if ('code' in read) {
        this.#countTooLarge(read);
        // As in Envoy, a frame that is broken itself has no request in it.
        const isFrame = read.code === ErrorCode.PROTOCOL_ERROR || this.#target.streams.get(head.streamId) !== undefined;
        this.#target.fail(read, isFrame ? 'connection' : 'head');
      } else this.#onFields(read);
    } else this.#onControl(head, bytes, start, end);
  }

  #onControl(head: FrameHead, bytes: Buffer, start: number, end: number): void {
    switch (head.type) {
      case FrameType.PRIORITY:
        // As in Envoy, whatever it says.
        this.#allows('priority frames');
        break;
      case FrameType.RST_STREAM:
        this.#onReset(head.streamId, bytes.readUInt32BE(start));
        break;
      case FrameType.SETTINGS:
        this.#onSettings(head, bytes, start, end);
        break;
      case FrameType.PING:
        this.#onPing(head, bytes, start, end);
        break;
      case FrameType.GOAWAY:
        this.#onGoAway(bytes.readUInt32BE(start) & MAX_WINDOW);
        break;
      case FrameType.WINDOW_UPDATE:
        this.#onWindowUpdate(head.streamId, bytes.readUInt32BE(start) & MAX_WINDOW);
        break;
      // As in Envoy, frames of unknown types cost nothing but their bytes.
    }
  }

  #orderProblem({ type, flags }: FrameHead): Violation | undefined {
    if (this.#headers.open && type !== FrameType.CONTINUATION) return interrupted();
    if (this.#settingsSeen || (type === FrameType.SETTINGS && (flags & Flag.ACK) === 0)) return undefined;
    return violation(ErrorCode.PROTOCOL_ERROR, 'The first frame is not SETTINGS.');
  }

  #onFields({ block, fields, problem }: ReadFields): void {
    if (this.#headAwaited) {
      this.#headAwaited = false;
      this.#target.role.onHeadWhole();
    }
    const stream = this.#target.streams.get(block.streamId);
    if (stream === undefined) {
      this.#onNewStream(block, fields, problem);
      return;
    }
    if (stream.broken) return;
    if (stream.remoteDone) {
      this.#target.fail(endedStream(), 'connection', stream);
      return;
    }
    stream.meter?.receivedBlock(block.wireBytes, lengthOf(fields));
    const wrong = problem ?? stream.receiveHeaders(fields, block.endStream);
    if (wrong) this.#headProblem(stream, wrong);
  }

  #onNewStream(block: WholeBlock, fields: string[], problem: Violation | undefined): void {
    const { streamId } = block;
    const may = this.#target.role.mayOpen(streamId, this.#settingsTaken);
    if (may === 'ignore') return;
    if (may !== 'open') {
      this.#target.fail(may);
      return;
    }
    this.#target.lastPeerStream = streamId;
    // As Envoy does, only the stream is lost.
    if (problem?.code === ErrorCode.INTERNAL_ERROR) {
      if (!this.#allows('malformed messages')) return;
      this.#countTooLarge(problem);
      this.#target.role.onViolation(problem, 'refused head');
      this.#target.refuse(streamId, problem.code);
      return;
    }
    const wrong = problem ?? this.#target.role.onOpen(block, fields);
    if (wrong === undefined) return;
    this.#target.counter?.count('rx_messaging_error');
    this.#target.fail(wrong, 'head');
  }

  #countTooLarge({ details }: Violation): void {
    if (details === 'http2.too_many_headers') this.#target.counter?.count('header_overflow');
    else if (details === 'http2.header_list_size_too_large') this.#target.counter?.count('header_list_size_too_large');
  }

  #onReset(streamId: number, code: number): void {
    const stream = this.#target.streams.get(streamId);
    if (stream === undefined && !this.#target.role.wasOpen(streamId)) this.#target.fail(neverOpened('RST_STREAM'));
    else if (stream !== undefined) {
      this.#target.counter?.count('rx_reset');
      this.#target.streamEnded(stream);
      const answered = stream.headSent;
      stream.deliverReset(code);
      if (!answered && this.#target.isServer) this.#noteEarlyReset(streamId);
    } else if (this.#target.owesReset(streamId)) this.#target.counter?.count('rx_reset');
  }

  #noteEarlyReset(streamId: number): void {
    const { lastPeerStream: newest, endedStreams: ended } = this.#target;
    if (!this.#earlyResets.allows(streamId, { newest, ended }))
      this.#target.fail(flood('resets', 'too_many_resets'), 'resets');
  }

  /** Whether one more frame without a byte that ends nothing is one too many, as for Envoy the second in a row is (CVE-2019-9518). */
  #isEmptyFlood(length: number, flags: number, stream: Http2Stream | undefined): boolean {
    if (length > 0 || (flags & Flag.END_STREAM) !== 0) {
      this.#emptyInRow = 0;
      return false;
    }
    if (++this.#emptyInRow < 2) return false;
    this.#target.counter?.count('inbound_empty_frames_flood');
    this.#target.fail(emptyFlood(), stream === undefined ? 'flooded head' : 'flood', stream);
    return true;
  }

  /** Answers a frame of the peer; false where more answers wait than the peer may let wait. */
  #answer(type: number, payload: Uint8Array): boolean {
    const { writer } = this.#target;
    if (writer.answers < MAX_ANSWERS) {
      writer.answer(type, payload);
      return true;
    }
    // Envoy reads all that has come; after ten times as many its library has given up before the answers are counted.
    const isMany = this.#fedBytes >= FULL_READ;
    if (!isMany) this.#target.counter?.count('outbound_control_flood');
    this.#target.fail(flood('frames that ask for an answer', isMany ? FLOODED : UNREAD), 'flood');
    return false;
  }

  #onSettings(head: FrameHead, bytes: Buffer, start: number, end: number): void {
    if ((head.flags & Flag.ACK) !== 0) {
      if (this.#settingsTaken) this.#target.fail(takenTwice());
      this.#settingsTaken = true;
      return;
    }
    this.#settingsSeen = true;
    const { peer, streams, scheduler } = this.#target;
    const before = peer.initialWindow;
    const problem = peer.read(bytes, start, end) ?? shiftWindows(streams, scheduler, peer.initialWindow - before);
    if (problem !== undefined) {
      this.#target.fail(problem);
      return;
    }
    this.#target.writer.encoder.setPeerLimit(this.#target.peer.headerTableBytes);
    this.#target.writer.maxFrame = Math.min(this.#target.peer.maxFrame, MAX_FRAME);
    if (!this.#answer(FrameType.SETTINGS, NO_PAYLOAD)) return;
    this.#target.scheduler.pump();
    this.#target.role.onSettings();
  }

  #onPing(head: FrameHead, bytes: Buffer, start: number, end: number): void {
    const payload = bytes.subarray(start, end);
    if ((head.flags & Flag.ACK) !== 0) this.#target.role.onPingAck(payload);
    else this.#answer(FrameType.PING, payload);
  }

  #onGoAway(lastStreamId: number): void {
    const problem = this.#target.role.onGoAway(lastStreamId);
    if (problem !== undefined) this.#target.fail(problem);
  }

  #onWindowUpdate(streamId: number, increment: number): void {
    if (increment < SMALL_UPDATE && !this.#allows('small window updates')) return;
    if (streamId === 0) {
      if (increment === 0) this.#target.fail(noIncrement());
      else if (!this.#target.scheduler.grant(increment)) this.#target.fail(overrun());
      return;
    }
    const stream = this.#target.streams.get(streamId);
    if (stream === undefined) {
      if (!this.#target.role.wasOpen(streamId)) this.#target.fail(neverOpened('WINDOW_UPDATE'));
      return;
    }
    stream.sendWindow += increment;
    // As in Envoy, whoever miscounts one window loses them all.
    if (increment === 0) this.#target.fail(streamNotGrown(), 'connection', stream);
    else if (stream.sendWindow > MAX_WINDOW) this.#target.fail(overrun(), 'connection', stream);
    else if (stream.hasQueued) {
      this.#target.scheduler.wait(stream);
      this.#target.scheduler.pump();
    }
  }

  /** False when there was one too many: the connection has failed. */
  #allows(kind: FloodKind, where: Offence = 'flood'): boolean {
    if (this.#guard.allows(kind)) return true;
    const { figure, details } = floodFacts(kind);
    if (figure !== undefined) this.#target.counter?.count(figure);
    this.#target.fail(flood(kind, details), where);
    return false;
  }

  /** Bytes that no answer may have there: only the answer is lost, unless it has not begun. */
  #bodyProblem(stream: Http2Stream, problem: Violation): void {
    if (stream.expectsTrailers) this.#target.resetBy(stream, problem);
    else this.#target.fail(problem, 'connection', stream);
  }

  /** A head or trailers that are not valid HTTP. As Envoy does by default, the whole connection is given up, but for a head that is too large. */
  #headProblem(stream: Http2Stream, problem: Violation): void {
    const tooLarge = problem.code === ErrorCode.INTERNAL_ERROR;
    if (tooLarge) this.#countTooLarge(problem);
    else this.#target.counter?.count('rx_messaging_error');
    if (tooLarge) this.#target.resetBy(stream, problem);
    else this.#target.fail(problem, 'connection', stream);
  }
}

const NO_PAYLOAD = Buffer.alloc(0);
/** Answers that may wait for a peer that does not read. Source: max_outbound_control_frames. */
const MAX_ANSWERS = 1000;
/** What one read brings at most. */
const FULL_READ = 64 * 1024;
const UNREAD = 'codec_error:Too_many_control_frames_in_the_outbound_queue.';
