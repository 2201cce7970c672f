import type { Random } from '#domain';

/** Bounds of the wait before a reconnect. */
export interface BackoffRange {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Full jitter: anything between nothing and an exponentially growing ceiling. `failures` counts from 1. */
export function fullJitterMs(failures: number, range: BackoffRange, random: Random): number {
  return random.next() * Math.min(range.maxMs, range.baseMs * 2 ** (failures - 1));
}
