import type { Clock, Timer } from '#domain';
import type { KeptHop } from './kept-hop.ts';

/** Hops that wait, all equally long, in the order in which they came: one timer for all of them. */
export class CallerWait {
  readonly #clock: Clock;
  readonly #waitMs: number;
  readonly #onGivenUp: (kept: KeptHop) => void;
  #first: KeptHop | undefined;
  #last: KeptHop | undefined;
  #timer: Timer | undefined;

  constructor(options: { clock: Clock; waitMs: number; onGivenUp: (kept: KeptHop) => void }) {
    this.#clock = options.clock;
    this.#waitMs = options.waitMs;
    this.#onGivenUp = options.onGivenUp;
  }

  add(kept: KeptHop): void {
    kept.waiting = true;
    kept.waitsUntil = this.#clock.monotonic() + this.#waitMs;
    kept.before = this.#last;
    if (this.#last === undefined) this.#first = kept;
    else this.#last.after = kept;
    this.#last = kept;
    this.#timer ??= this.#clock.after(this.#waitMs, () => this.#look());
  }

  /** Harmless for a hop that does not wait. */
  remove(kept: KeptHop): void {
    if (!kept.waiting) return;
    kept.waiting = false;
    if (kept.before === undefined) this.#first = kept.after;
    else kept.before.after = kept.after;
    if (kept.after === undefined) this.#last = kept.before;
    else kept.after.before = kept.before;
    kept.before = undefined;
    kept.after = undefined;
  }

  clear(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    while (this.#first !== undefined) this.remove(this.#first);
  }

  #look(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    // A timer may fire a fraction of a millisecond early.
    while (this.#first !== undefined && this.#first.waitsUntil <= now + 1) {
      const kept = this.#first;
      this.remove(kept);
      this.#onGivenUp(kept);
    }
    if (this.#first !== undefined) {
      this.#timer ??= this.#clock.after(Math.max(0, this.#first.waitsUntil - now), () => this.#look());
    }
  }
}
