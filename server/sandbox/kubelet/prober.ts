import type { Clock, Timer } from '#domain';
import type { ProbeSpec } from '../kube-types.ts';

/** What one try found: `undefined` is a success, a text the reason of a failure as the event tells it. */
export type ProbeOutcome = string | undefined;

export interface ProberOptions {
  readonly spec: ProbeSpec;
  readonly clock: Clock;
  /** Tries once; never rejects. `signal` aborts when the time is up. */
  readonly probe: (spec: ProbeSpec, signal: AbortSignal) => Promise<ProbeOutcome>;
  /** Told at each try that failed. */
  readonly onFailure: (reason: string) => void;
  /** Told when the threshold of successes, or of failures, is reached; again only after the other one was. */
  readonly onChange: (healthy: boolean) => void;
}

const DEFAULTS = { periodSeconds: 10, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3 } as const;

/** Tries a probe again and again, as the kubelet does, until it is stopped. */
export class Prober {
  readonly #options: ProberOptions;
  #timer: Timer | undefined;
  #stopped = false;
  #successes = 0;
  #failures = 0;
  #healthy: boolean | undefined;

  constructor(options: ProberOptions) {
    this.#options = options;
    const delayMs = (options.spec.initialDelaySeconds ?? 0) * 1000;
    this.#timer = options.clock.after(delayMs, () => this.#try());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #try(): Promise<void> {
    const { spec, clock, probe } = this.#options;
    const timeoutMs = (spec.timeoutSeconds ?? DEFAULTS.timeoutSeconds) * 1000;
    const limit = new AbortController();
    const timer = clock.after(timeoutMs, () => limit.abort());
    const outcome = await probe(spec, limit.signal);
    timer.cancel();
    if (this.#stopped) return;
    this.#count(outcome);
    if (this.#stopped) return;
    this.#timer = clock.after((spec.periodSeconds ?? DEFAULTS.periodSeconds) * 1000, () => this.#try());
  }

  #count(outcome: ProbeOutcome): void {
    const { spec, onFailure, onChange } = this.#options;
    const failed = outcome !== undefined;
    this.#successes = failed ? 0 : this.#successes + 1;
    this.#failures = failed ? this.#failures + 1 : 0;
    if (failed) onFailure(outcome);
    const wentUp = this.#successes >= (spec.successThreshold ?? DEFAULTS.successThreshold);
    const wentDown = this.#failures >= (spec.failureThreshold ?? DEFAULTS.failureThreshold);
    if (wentUp && this.#healthy !== true) this.#healthy = true;
    else if (wentDown && this.#healthy !== false) this.#healthy = false;
    else return;
    onChange(this.#healthy);
  }
}
