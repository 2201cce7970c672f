import type { Clock } from '#domain';

/** A clock that stands still until it is told to move. */
export interface ManualClock extends Clock {
  /** Moves time forward, firing what falls due on the way, in order. */
  advance(ms: number): void;
}

export function manualClock(): ManualClock {
  let nowMs = 1_000_000;
  const timers = new Set<{ atMs: number; fire: () => void }>();
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    after(delayMs, fire) {
      const timer = { atMs: nowMs + delayMs, fire };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    advance(ms) {
      const endMs = nowMs + ms;
      for (;;) {
        const due = [...timers].filter(({ atMs }) => atMs <= endMs).sort((left, right) => left.atMs - right.atMs)[0];
        if (!due) break;
        timers.delete(due);
        nowMs = Math.max(nowMs, due.atMs);
        due.fire();
      }
      nowMs = Math.max(nowMs, endMs);
    },
  };
}
