import type { Clock, Timer } from '#domain';

/** How long to wait for more changes before pushing: until it has been quiet for `quietMs`, but never longer than `maxMs`. */
export interface DebounceTimes {
  readonly quietMs: number;
  readonly maxMs: number;
}

/** Unlike istiod, which waits 100 ms for quiet and at most 10 s: what becomes of pods is seen at once. */
export const labDebounce: DebounceTimes = { quietMs: 1, maxMs: 10 };

/**
 * For rules that clients of the API server store one by one: kubectl sends the DestinationRule of a file some milliseconds after the
 * VirtualService that leads to its subsets, and a push between the two would send requests to clusters that do not exist.
 */
export const ruleDebounce: DebounceTimes = { quietMs: 30, maxMs: 200 };

export interface Debounce {
  /** Something changed. Waits as long as the most patient of the changes so far wants. */
  touch(times?: DebounceTimes): void;
  /** Fires now if anything changed. */
  flush(): void;
  cancel(): void;
}

interface Wait {
  readonly sinceMs: number;
  readonly maxMs: number;
  readonly dueMs: number;
  readonly timer: Timer;
}

export function createDebounce(clock: Clock, standard: DebounceTimes, fire: () => void): Debounce {
  let waiting: Wait | undefined;
  const end = (): void => {
    waiting?.timer.cancel();
    waiting = undefined;
  };
  const fireNow = (): void => {
    end();
    fire();
  };
  return {
    touch({ quietMs, maxMs: ownMaxMs } = standard) {
      const nowMs = clock.monotonic();
      const sinceMs = waiting?.sinceMs ?? nowMs;
      const maxMs = Math.max(waiting?.maxMs ?? 0, ownMaxMs);
      const dueMs = Math.min(Math.max(waiting?.dueMs ?? 0, nowMs + quietMs), sinceMs + maxMs);
      waiting?.timer.cancel();
      waiting = { sinceMs, maxMs, dueMs, timer: clock.after(Math.max(0, dueMs - nowMs), fireNow) };
    },
    flush: () => {
      if (waiting !== undefined) fireNow();
    },
    cancel: end,
  };
}
