import type { Clock } from '#domain';

/** How far the wall clock may move beside the monotonic one before it counts as set anew. */
const DRIFT_MS = 2;

const bases = new WeakMap<Clock, number>();

/**
 * The wall time of a moment that is known by the monotonic clock, in milliseconds with a fraction. Spans of all proxies of a process have one base, so that
 * a call never seems to begin before its caller, or to end after it.
 */
export function wallTime(clock: Clock, monotonic: number): number {
  const base = clock.now() - clock.monotonic();
  const known = bases.get(clock);
  if (known !== undefined && Math.abs(known - base) <= DRIFT_MS) return known + monotonic;
  bases.set(clock, base);
  return base + monotonic;
}
