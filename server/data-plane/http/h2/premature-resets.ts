/** Of so many streams, more than half may not be reset early. Source: overload.premature_reset_total_stream_count. */
const STREAMS = 500;
/** A stream that is older than this when it is reset was no waste. Source: overload.premature_reset_min_stream_lifetime_seconds. */
const YOUNG_MS = 2000;
const MARK_MS = 1000;

/** The newest stream at a time. */
interface Mark {
  readonly at: number;
  readonly streamId: number;
}

/**
 * Counts the streams that a client resets before they have an answer (CVE-2023-44487). How old a stream is is told by marks that are set
 * while resets come, so that a stream costs no look at the clock.
 */
export class PrematureResets {
  readonly #now: () => number;
  #marks: readonly [Mark, Mark];
  #count = 0;

  /** `now` is monotonic, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    const start = { at: now(), streamId: 0 };
    this.#marks = [start, start];
  }

  /** A stream without an answer is reset, `newest` being the last one that was opened and `ended` how many are over. False: one too many. */
  allows(streamId: number, { newest, ended }: { readonly newest: number; readonly ended: number }): boolean {
    const now = this.#now();
    if (this.#marks.some((mark) => now - mark.at < YOUNG_MS && streamId > mark.streamId)) this.#count++;
    const [, last] = this.#marks;
    if (now - last.at >= MARK_MS) this.#marks = [last, { at: now, streamId: newest }];
    return this.#count * 2 < Math.max(STREAMS, ended);
  }
}
