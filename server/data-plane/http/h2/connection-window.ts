import { FrameType } from './frame.ts';
import type { FrameWriter } from './frame-writer.ts';

/** What all streams of a connection together may send before somebody took it. */
export const CONNECTION_WINDOW = 32 * 1024 * 1024;

/** The receiving window of a connection (RFC 9113 §5.2.1). */
export class ConnectionWindow {
  readonly #writer: FrameWriter;
  #left = CONNECTION_WINDOW;
  #uncredited = 0;

  constructor(writer: FrameWriter) {
    this.#writer = writer;
  }

  /** Readers that are not ready hold half of it: what is opened here now may have to wait for them. */
  get congested(): boolean {
    return this.#left < CONNECTION_WINDOW / 2;
  }

  /** The payload of a DATA frame. False: the peer sent more than it may. */
  take(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }

  /** Somebody took bytes, or they were thrown away; the peer hears of it a quarter of the window at a time. */
  credit(bytes: number): void {
    this.#uncredited += bytes;
    if (this.#uncredited < CONNECTION_WINDOW / 4) return;
    this.#writer.number(FrameType.WINDOW_UPDATE, 0, this.#uncredited);
    this.#left += this.#uncredited;
    this.#uncredited = 0;
  }
}
