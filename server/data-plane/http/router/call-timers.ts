import type { Clock, Timer } from '#domain';
import { LazyDeadline } from '../h1/lazy-deadline.ts';

/** Milliseconds; 0: none. */
export interface CallLimits {
  /** All tries together, from the end of the request. */
  readonly timeoutMs: number;
  readonly perTryTimeoutMs: number;
  /** Silence of one try. */
  readonly perTryIdleMs: number;
}

/** Told when a limit is reached. */
export interface TimedCall {
  timedOut(): void;
  tryTimedOut(): void;
  tryIdled(): void;
}

/** The limits of one forwarded request: of all its tries together, of one try, and of its silence. */
export class CallTimers {
  readonly #call: TimedCall;
  readonly #clock: Clock;
  #limits: CallLimits;
  #whole: Timer | undefined;
  #try: Timer | undefined;
  /** Since the last byte of the answer to the current try. */
  #idle: LazyDeadline | undefined;

  /** Undefined where nothing is limited. */
  static of(call: TimedCall, limits: CallLimits, clock: Clock): CallTimers | undefined {
    const { timeoutMs, perTryTimeoutMs, perTryIdleMs } = limits;
    return timeoutMs + perTryTimeoutMs + perTryIdleMs === 0 ? undefined : new CallTimers(call, limits, clock);
  }

  private constructor(call: TimedCall, limits: CallLimits, clock: Clock) {
    this.#call = call;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** The request is complete, or is one to switch protocols: what all tries may take begins. */
  startWhole(): void {
    const { timeoutMs } = this.#limits;
    this.#whole?.cancel();
    if (timeoutMs > 0) this.#whole = this.#clock.after(timeoutMs, () => this.#call.timedOut());
  }

  startTry(): void {
    const { perTryTimeoutMs } = this.#limits;
    if (perTryTimeoutMs === 0) return;
    this.#try?.cancel();
    this.#try = this.#clock.after(perTryTimeoutMs, () => this.#call.tryTimedOut());
  }

  /** The current try has an answer, or has failed. */
  endTry(): void {
    this.#try?.cancel();
  }

  /** Something of the current try has come: its silence begins anew. */
  touchTry(): void {
    const { perTryIdleMs } = this.#limits;
    if (perTryIdleMs === 0) return;
    this.#idle ??= new LazyDeadline(this.#clock, () => this.#call.tryIdled());
    this.#idle.set(perTryIdleMs);
  }

  /** No try is under way. */
  clearIdle(): void {
    this.#idle?.clear();
  }

  /** A host has agreed to a tunnel, which may be silent and last as long as it likes. */
  lift(): void {
    this.stop();
    this.#limits = { ...this.#limits, perTryIdleMs: 0 };
  }

  stop(): void {
    this.#whole?.cancel();
    this.#try?.cancel();
    this.#idle?.stop();
  }
}
