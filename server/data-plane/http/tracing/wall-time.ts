import type { Clock } from '#domain';

/** How far the wall clock may move beside the monotonic one before it counts as set anew. */
const DRIFT_MS = 2;
/** Both clocks were read within so much time, or the program was held up in between. */
const AT_ONCE_MS = 0.5;
const READINGS = 4;

const bases = new WeakMap<Clock, number>();

/** By how much the wall clock is ahead; undefined where the clocks could not be read at once. */
function difference(clock: Clock): number | undefined {
  const before = clock.monotonic();
  const now = clock.now();
  return clock.monotonic() - before > AT_ONCE_MS ? undefined : now - before;
}

function firstDifference(clock: Clock): number {
  for (let reading = 1; reading < READINGS; reading++) {
    const found = difference(clock);
    if (found !== undefined) return found;
  }
  return clock.now() - clock.monotonic();
}

/**
 * The wall time of a moment that is known by the monotonic clock, in milliseconds with a fraction. Spans of all proxies of a process have one base, so that
 * a call never seems to begin before its caller, or to end after it.
 */
export function wallTime(clock: Clock, monotonic: number): number {
  const known = bases.get(clock);
  const found = known === undefined ? firstDifference(clock) : difference(clock);
  const base = known === undefined || (found !== undefined && Math.abs(known - found) > DRIFT_MS) ? found! : known;
  if (base !== known) bases.set(clock, base);
  return base + monotonic;
}
