import type { Clock } from '#domain';

/** A clock that stands still until it is told to move. */
export interface ManualClock extends Clock {
  /** Moves time forward, firing what falls due on the way, in order. */
  advance(ms: number): void;
  /** Moves time forward in steps, letting what was woken run on between them. */
  run(ms: number, stepMs?: number): Promise<void>;
}

export function manualClock(): ManualClock {
  let nowMs = Date.UTC(2030, 0, 1);
  const timers = new Set<{ atMs: number; fire: () => void }>();
  const advance = (ms: number): void => {
    const endMs = nowMs + ms;
    for (;;) {
      const due = [...timers].filter(({ atMs }) => atMs <= endMs).sort((left, right) => left.atMs - right.atMs)[0];
      if (!due) break;
      timers.delete(due);
      nowMs = Math.max(nowMs, due.atMs);
      due.fire();
    }
    nowMs = endMs;
  };
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    after(delayMs, fire) {
      const timer = { atMs: nowMs + delayMs, fire };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    advance,
    run: async (ms, stepMs = 10) => {
      for (let passed = 0; passed < ms; passed += stepMs) {
        advance(Math.min(stepMs, ms - passed));
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}
