import { describe, expect, it } from 'vitest';
import { createLabClock } from '../../../server/api/session/slow-motion/lab-clock.ts';
import { manualClock } from '../../support/manual-clock.ts';

describe('the lab clock', () => {
  it('is the clock below it at full speed', () => {
    const below = manualClock();
    const clock = createLabClock(below);
    const fired: number[] = [];
    clock.after(100, () => fired.push(clock.now()));
    below.advance(100);
    expect(fired).toEqual([below.now()]);
    expect([clock.now(), clock.lagMs(), clock.apartMs?.()]).toEqual([below.now(), 0, 0]);
  });

  it('runs at a tenth, timers that were set before included', () => {
    const below = manualClock();
    const clock = createLabClock(below);
    let fired = 0;
    clock.after(100, () => fired++);
    below.advance(50);
    clock.setRate(0.1);
    below.advance(499);
    expect(fired).toBe(0);
    below.advance(2);
    expect(fired).toBe(1);
    expect(clock.lagMs()).toBeCloseTo(450.9, 3);
    expect(clock.apartMs?.()).toBeGreaterThan(0);
    clock.setRate(1);
    const before = clock.now();
    below.advance(10);
    expect(clock.now() - before).toBeCloseTo(10, 6);
  });

  it('goes at a share of the learner’s rate for a machine that is too slow, and keeps nothing apart for it', () => {
    const below = manualClock();
    const clock = createLabClock(below);
    let fired = 0;
    clock.after(100, () => fired++);
    clock.setPace(0.5);
    expect([clock.rate, clock.apartMs?.()]).toEqual([1, 0]);
    below.advance(199);
    expect(fired).toBe(0);
    below.advance(2);
    expect(fired).toBe(1);
    clock.setRate(0.1);
    const before = clock.now();
    below.advance(200);
    expect(clock.now() - before).toBeCloseTo(10, 6);
    clock.setPace(1);
    below.advance(200);
    expect(clock.now() - before).toBeCloseTo(30, 6);
  });

  it('stands still, and moves by steps in the order of its timers', async () => {
    const below = manualClock();
    const clock = createLabClock(below);
    clock.setRate(0);
    const fired: string[] = [];
    clock.after(30, () => fired.push('late'));
    const gone = clock.after(15, () => fired.push('gone'));
    clock.after(10, () => {
      fired.push('early');
      clock.after(5, () => fired.push('child'));
    });
    gone.cancel();
    below.advance(1000);
    expect(fired).toEqual([]);
    const step = clock.stepToNext(1000);
    await below.run(20);
    expect(await step).toBeCloseTo(10, 6);
    expect(fired).toEqual(['early']);
    const rest = clock.step(25);
    await below.run(100);
    await rest;
    expect(fired).toEqual(['early', 'child', 'late']);
    expect(await clock.stepToNext(500)).toBeCloseTo(500, 6);
  });
});
