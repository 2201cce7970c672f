import { describe, expect, it } from 'vitest';
import { type Clock, neverEarly } from '#domain';

/** A clock as Node's: its timers count whole milliseconds from a time that is a little old. */
function coarse() {
  let nowMs = 100.9;
  const timers = new Set<{ readonly dueMs: number; readonly fire: () => void }>();
  const clock: Clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    after: (delayMs, fire) => {
      const timer = { dueMs: Math.floor(nowMs) + delayMs, fire };
      timers.add(timer);
      return { cancel: () => timers.delete(timer) };
    },
  };
  const advance = (toMs: number): void => {
    nowMs = toMs;
    for (const timer of [...timers]) {
      if (timer.dueMs > nowMs) continue;
      timers.delete(timer);
      timer.fire();
    }
  };
  return { clock, advance, open: () => timers.size };
}

describe('a clock that is never early', () => {
  it('waits once more when a timer comes a part of a millisecond too soon', () => {
    const { clock, advance } = coarse();
    const fired: number[] = [];
    neverEarly(clock).after(2000, () => fired.push(clock.monotonic()));
    advance(2100.1);
    expect(fired).toEqual([]);
    advance(2101.2);
    expect(fired).toEqual([2101.2]);
  });

  it('fires at once what is due, and only once', () => {
    const { clock, advance, open } = coarse();
    let fired = 0;
    neverEarly(clock).after(10, () => {
      fired += 1;
    });
    advance(150);
    advance(200);
    expect([fired, open()]).toEqual([1, 0]);
  });

  it('waits longer than a timer of Node can', () => {
    const asked: number[] = [];
    const { clock, advance } = coarse();
    let fired = 0;
    const after: Clock['after'] = (ms, fire) => {
      asked.push(ms);
      return clock.after(ms, fire);
    };
    neverEarly({ ...clock, after }).after(3e9, () => {
      fired += 1;
    });
    advance(2.2e9);
    expect([asked, fired]).toEqual([[2 ** 31 - 1, 800_000_101], 0]);
    advance(3.1e9);
    expect(fired).toBe(1);
  });

  it('cancels the first timer and the one that waits once more', () => {
    const { clock, advance, open } = coarse();
    let fired = 0;
    const count = (): void => {
      fired += 1;
    };
    const first = neverEarly(clock).after(10, count);
    const second = neverEarly(clock).after(20, count);
    first.cancel();
    advance(120.5);
    second.cancel();
    expect(open()).toBe(0);
    advance(500);
    expect(fired).toBe(0);
  });
});
