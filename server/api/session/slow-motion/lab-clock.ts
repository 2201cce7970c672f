import type { Clock, Timer } from '#domain';

/** A clock that a learner can slow down, stop, and move by hand. At full speed it is the clock below it. */
export interface LabClock extends Clock {
  /** 1: as time goes; 0.1: a tenth; 0: it stands still. */
  readonly rate: number;
  setRate(rate: number): void;
  /** Runs at this share of the learner's rate, for as long as the machine is too slow for the whole of it. Nothing is kept apart for it. */
  setPace(share: number): void;
  /** Moves time on by so much, timer by timer; between two of them sockets get their turn. Only while it stands still. */
  step(ms: number): Promise<void>;
  /** Moves time on to the next timer, or by `limitMs` when none is due before. Answers by how much. */
  stepToNext(limitMs: number): Promise<number>;
  /** Gives sockets their turn until `carried`, for two seconds at most. */
  socketsUntil(carried: () => boolean): Promise<void>;
  /** How far it is behind the clock below it. */
  lagMs(): number;
}

interface Waiting {
  readonly dueMs: number;
  readonly fire: () => void;
  below: Timer | undefined;
}

/** At a slower rate, things of one turn are kept so far apart. */
const APART_MS = 40;
/** What sockets need between two steps to carry what was sent. */
const SOCKETS_MS = 4;
/** A busy machine may need more than a second for what takes milliseconds elsewhere. */
const MOST_SOCKET_TURNS = 500;
const MOST_TIMERS_IN_A_STEP = 2000;

export function createLabClock(below: Clock): LabClock {
  return new SlowableClock(below);
}

class SlowableClock implements LabClock {
  readonly #below: Clock;
  readonly #waiting = new Set<Waiting>();
  #rate = 1;
  #pace = 1;
  /** At this moment of the clock below, this one stood there. */
  #anchor: { readonly belowMs: number; readonly ownMs: number };
  /** Monotonic zero of this clock is that of the clock below; wall time follows it at this distance. */
  readonly #wallMs: number;

  constructor(below: Clock) {
    this.#below = below;
    const belowMs = below.monotonic();
    this.#anchor = { belowMs, ownMs: belowMs };
    this.#wallMs = below.now() - belowMs;
  }

  get rate(): number {
    return this.#rate;
  }

  now(): number {
    return this.#wallMs + this.monotonic();
  }

  monotonic(): number {
    const { belowMs, ownMs } = this.#anchor;
    return ownMs + (this.#below.monotonic() - belowMs) * this.#rate * this.#pace;
  }

  after(delayMs: number, fire: () => void): Timer {
    const one: Waiting = { dueMs: this.monotonic() + Math.max(0, delayMs), fire, below: undefined };
    this.#waiting.add(one);
    this.#schedule(one);
    return {
      cancel: () => {
        one.below?.cancel();
        this.#waiting.delete(one);
      },
    };
  }

  apartMs(): number {
    return this.#rate === 1 ? 0 : APART_MS;
  }

  setRate(rate: number): void {
    this.#turnTo(this.monotonic());
    this.#rate = rate;
    this.#scheduleAnew();
  }

  setPace(share: number): void {
    this.#turnTo(this.monotonic());
    this.#pace = share;
    this.#scheduleAnew();
  }

  #scheduleAnew(): void {
    for (const one of this.#waiting) {
      one.below?.cancel();
      one.below = undefined;
      this.#schedule(one);
    }
  }

  async step(ms: number): Promise<void> {
    const endMs = this.monotonic() + ms;
    for (let fired = 0; fired < MOST_TIMERS_IN_A_STEP; fired++) {
      const next = this.#next();
      if (this.#rate !== 0 || next === undefined || next.dueMs > endMs) break;
      await this.#fireAt(next);
    }
    if (this.#rate === 0) this.#turnTo(Math.max(this.monotonic(), endMs));
  }

  async stepToNext(limitMs: number): Promise<number> {
    const beganMs = this.monotonic();
    const next = this.#next();
    if (this.#rate !== 0) return 0;
    if (next === undefined || next.dueMs > beganMs + limitMs) this.#turnTo(beganMs + limitMs);
    else await this.#fireAt(next);
    return this.monotonic() - beganMs;
  }

  lagMs(): number {
    return this.#below.monotonic() - this.monotonic();
  }

  #turnTo(ownMs: number): void {
    this.#anchor = { belowMs: this.#below.monotonic(), ownMs };
  }

  #next(): Waiting | undefined {
    let next: Waiting | undefined;
    for (const one of this.#waiting) if (next === undefined || one.dueMs < next.dueMs) next = one;
    return next;
  }

  async #fireAt(one: Waiting): Promise<void> {
    this.#turnTo(Math.max(this.monotonic(), one.dueMs));
    this.#waiting.delete(one);
    one.fire();
    await this.#socketTurn();
  }

  async socketsUntil(carried: () => boolean): Promise<void> {
    for (let turn = 0; turn < MOST_SOCKET_TURNS && !carried(); turn++) await this.#socketTurn();
  }

  #socketTurn(): Promise<void> {
    return new Promise((resolve) => this.#below.after(SOCKETS_MS, resolve));
  }

  #schedule(one: Waiting): void {
    if (this.#rate === 0) return;
    one.below = this.#below.after(Math.max(0, (one.dueMs - this.monotonic()) / (this.#rate * this.#pace)), () => {
      this.#waiting.delete(one);
      one.fire();
    });
  }
}
