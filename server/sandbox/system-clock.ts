import type { Clock } from '#domain';

/** The computer's own time. */
export function createSystemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after: (delayMs, fire) => {
      const handle = setTimeout(fire, delayMs);
      return { cancel: () => clearTimeout(handle) };
    },
  };
}
