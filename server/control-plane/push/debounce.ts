import type { Clock, Timer } from '#domain';

/** How long to wait for more changes before pushing: until it has been quiet for `quietMs`, but never longer than `maxMs`. */
export interface DebounceTimes {
  readonly quietMs: number;
  readonly maxMs: number;
}

/** Unlike istiod, which waits 100 ms for quiet and at most 10 s: a learner watches one change at a time. */
export const labDebounce: DebounceTimes = { quietMs: 1, maxMs: 10 };

export interface Debounce {
  /** Something changed. */
  touch(): void;
  cancel(): void;
}

export function createDebounce(clock: Clock, times: DebounceTimes, fire: () => void): Debounce {
  let timer: Timer | undefined;
  let latestMs: number | undefined;
  return {
    touch() {
      const nowMs = clock.monotonic();
      latestMs ??= nowMs + times.maxMs;
      timer?.cancel();
      timer = clock.after(Math.max(0, Math.min(times.quietMs, latestMs - nowMs)), () => {
        latestMs = undefined;
        timer = undefined;
        fire();
      });
    },
    cancel() {
      timer?.cancel();
      timer = undefined;
      latestMs = undefined;
    },
  };
}
