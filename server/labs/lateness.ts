import type { Clock, Timer } from '#domain';

/** How late the timers of a clock are, while somebody asks. */
export interface Lateness {
  /** By how much the latest one was late so far, ms of that clock; ends the watch. */
  end(): number;
}

const EVERY_MS = 5;

/** Sets one timer after the other and sees when they fire: all else that a mesh waits for was as late. */
export function watchLateness(clock: Clock): Lateness {
  let dueMs = 0;
  let worstMs = 0;
  let timer: Timer | undefined;
  const look = (): void => {
    worstMs = Math.max(worstMs, clock.monotonic() - dueMs);
    next();
  };
  const next = (): void => {
    dueMs = clock.monotonic() + EVERY_MS;
    timer = clock.after(EVERY_MS, look);
  };
  next();
  return {
    end: () => {
      timer?.cancel();
      return Math.max(worstMs, clock.monotonic() - dueMs);
    },
  };
}
