import { DEFAULT_WINDOW, MAX_WINDOW } from './frame.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { Http2Stream } from './stream.ts';

/** Bytes of bodies that are written in one go; then other work of the loop has its turn. */
const PUMP_BYTES = 256 * 1024;

/** Shares the connection's send window among its streams: one frame each, in turn (RFC 9113 §5.2). */
export class SendScheduler {
  readonly #writer: FrameWriter;
  /** Streams with bytes that wait and a window for them, in the order of their turns. */
  readonly #waiting = new Set<Http2Stream>();
  #window = DEFAULT_WINDOW;
  #scheduled = false;

  constructor(writer: FrameWriter) {
    this.#writer = writer;
  }

  /** What the windows allow of `chunk`, at once; 0 where others wait already. */
  send(stream: Http2Stream, chunk: Buffer): number {
    if (this.#waiting.size > 0 || this.#writer.blocked) return 0;
    const allowed = Math.min(chunk.length, this.#window, stream.sendWindow);
    let sent = 0;
    while (sent < allowed && !this.#writer.blocked) {
      const end = Math.min(allowed, sent + this.#writer.maxFrame);
      this.#writer.data(stream.id, chunk, sent, end, false);
      sent = end;
    }
    this.#window -= sent;
    stream.sendWindow -= sent;
    return sent;
  }

  /** One frame of a stream whose turn it is. The windows shrink before anybody hears of it, who might send more at once. */
  sendFrame(stream: Http2Stream, chunk: Buffer, start: number, end: number): void {
    this.#window -= end - start;
    stream.sendWindow -= end - start;
    this.#writer.data(stream.id, chunk, start, end, false);
  }

  wait(stream: Http2Stream): void {
    if (stream.sendWindow > 0) this.#waiting.add(stream);
  }

  forget(stream: Http2Stream): void {
    if (this.#waiting.size > 0) this.#waiting.delete(stream);
  }

  /** The peer gives the connection more credit. False: more than there can be. */
  grant(bytes: number): boolean {
    this.#window += bytes;
    if (this.#window > MAX_WINDOW) return false;
    this.pump();
    return true;
  }

  /** Writes what may be written of what waits. */
  readonly pump = (): void => {
    this.#scheduled = false;
    let budget = PUMP_BYTES;
    while (budget > 0 && this.#window > 0 && !this.#writer.blocked) {
      const stream = this.#next();
      if (stream === undefined) return;
      // The peer may have made its windows smaller since the stream stood in line.
      if (stream.sendWindow <= 0) continue;
      budget -= stream.writeQueued(Math.min(this.#writer.maxFrame, this.#window, stream.sendWindow));
      if (stream.hasQueued && stream.sendWindow > 0) this.#waiting.add(stream);
    }
    if (budget > 0 || this.#waiting.size === 0 || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.pump);
  };

  /** Takes the stream whose turn it is out of the line. */
  #next(): Http2Stream | undefined {
    for (const stream of this.#waiting) {
      this.#waiting.delete(stream);
      return stream;
    }
    return undefined;
  }
}
