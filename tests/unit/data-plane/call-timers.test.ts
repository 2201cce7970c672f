import { expect, it } from 'vitest';
import { CallTimers } from '../../../server/data-plane/http/router/call-timers.ts';
import { createFakeClock } from './fake-clock.ts';

const LIMITS = { timeoutMs: 1000, perTryTimeoutMs: 300, perTryIdleMs: 200 };

function started() {
  const clock = createFakeClock();
  const told: string[] = [];
  const tell = (what: string) => (): number => told.push(what);
  const call = { timedOut: tell('timeout'), tryTimedOut: tell('try'), tryIdled: tell('silence') };
  const timers = CallTimers.of(call, LIMITS, clock)!;
  timers.startWhole();
  timers.startTry();
  timers.touchTry();
  return { clock, told, timers };
}

it('tells each limit when it is reached', () => {
  const { clock, told } = started();
  clock.advance(1000);
  expect(told).toEqual(['silence', 'try', 'timeout']);
});

it('limits a tunnel no longer once its host has agreed, however silent it is', () => {
  const { clock, told, timers } = started();
  clock.advance(100);
  timers.lift();
  timers.touchTry();
  clock.advance(10_000);
  expect(told).toEqual([]);
});

it('begins the time of all tries anew when the request is complete after it has begun', () => {
  const { clock, told, timers } = started();
  timers.endTry();
  timers.clearIdle();
  clock.advance(900);
  timers.startWhole();
  clock.advance(900);
  expect(told).toEqual([]);
  clock.advance(100);
  expect(told).toEqual(['timeout']);
});
