import { type Clock, neverEarly } from '#domain';

/** The machine's own clock. Timers are released from keeping the process alive by nobody: what runs must be stopped. */
export function systemClock(): Clock {
  return neverEarly({
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after: (delayMs, fire) => {
      const handle = setTimeout(fire, delayMs);
      return { cancel: () => clearTimeout(handle) };
    },
  });
}
