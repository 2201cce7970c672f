import type { Clock, Timer } from '#domain';

/**
 * One timer for a deadline that moves with every request. Moving it later costs an addition; the timer finds out when it fires and
 * waits for the rest.
 */
export class LazyDeadline {
  readonly #clock: Clock;
  readonly #onExpired: () => void;
  #deadline = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined = undefined;
  #firesAt = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onExpired: () => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  /** Expires `delayMs` from now unless it is set again or cleared; 0 means never. */
  set(delayMs: number): void {
    if (delayMs <= 0) {
      this.clear();
      return;
    }
    const now = this.#clock.monotonic();
    this.#deadline = now + delayMs;
    if (this.#deadline < this.#firesAt) this.#arm(now);
  }

  clear(): void {
    this.#deadline = Number.POSITIVE_INFINITY;
  }

  /** Releases the timer. */
  stop(): void {
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#firesAt = Number.POSITIVE_INFINITY;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(now: number): void {
    this.#timer?.cancel();
    this.#firesAt = this.#deadline;
    this.#timer = this.#clock.after(Math.max(0, this.#deadline - now), () => this.#fire());
  }

  #fire(): void {
    this.#timer = undefined;
    this.#firesAt = Number.POSITIVE_INFINITY;
    if (this.#deadline === Number.POSITIVE_INFINITY) return;
    const now = this.#clock.monotonic();
    // Timers may fire a fraction of a millisecond early.
    if (this.#deadline - now > 1) {
      this.#arm(now);
      return;
    }
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#onExpired();
  }
}
