import type { Clock, Timer } from '#domain';
import type { HopLog } from './hop-log/hop-log.ts';
import { BIT, COUNT, NUMBER } from './hop-log/hop-rows.ts';

export interface CallerWaitOptions {
  readonly clock: Clock;
  readonly hops: HopLog;
  readonly waitMs: number;
  readonly onGivenUp: (number: number) => void;
}

/** Hops that wait for that of their caller, all equally long, so in the order of their numbers: one timer for all of them. */
export class CallerWait {
  readonly #options: CallerWaitOptions;
  /** No hop before this one waits. */
  #first = 0;
  /** Hops that wait; some of them may be overwritten. */
  #waiting = 0;
  #timer: Timer | undefined;

  constructor(options: CallerWaitOptions) {
    this.#options = options;
  }

  /** The hop that came last waits. */
  add(number: number): void {
    const { clock, hops, waitMs } = this.#options;
    hops.rows.counts[this.#bitsOf(number)]! |= BIT.waiting;
    hops.rows.numbers[hops.rows.row(number) * NUMBER.places + NUMBER.waitsSince] = clock.monotonic();
    this.#waiting++;
    this.#timer ??= clock.after(waitMs, () => this.#look());
  }

  /** Harmless for a hop that does not wait. */
  remove(number: number): void {
    const { counts } = this.#options.hops.rows;
    const at = this.#bitsOf(number);
    if ((counts[at]! & BIT.waiting) === 0) return;
    counts[at]! &= ~BIT.waiting;
    this.#waiting--;
  }

  clear(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#first = 0;
    this.#waiting = 0;
  }

  #bitsOf(number: number): number {
    return this.#options.hops.rows.row(number) * COUNT.places + COUNT.bits;
  }

  #look(): void {
    this.#timer = undefined;
    const { clock, hops, onGivenUp, waitMs } = this.#options;
    const { counts, numbers } = hops.rows;
    // A timer may fire a fraction of a millisecond early.
    const since = clock.monotonic() + 1 - waitMs;
    this.#first = Math.max(this.#first, hops.oldest);
    for (; this.#first < hops.count; this.#first++) {
      if ((counts[this.#bitsOf(this.#first)]! & BIT.waiting) === 0) continue;
      const waitsSince = numbers[hops.rows.row(this.#first) * NUMBER.places + NUMBER.waitsSince]!;
      if (waitsSince > since) {
        this.#timer = clock.after(Math.max(0, waitsSince - since + 1), () => this.#look());
        return;
      }
      this.remove(this.#first);
      onGivenUp(this.#first);
    }
  }
}
