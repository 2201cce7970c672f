/**
 * Milliseconds to wait before try number `attempt` (from 1): 250, 500, 1000 … up to 10 000, less up to a quarter so that a
 * whole class does not come back in the same instant. `chance` is in [0, 1).
 */
export function backoffMs(attempt: number, chance: number): number {
  const full = Math.min(10_000, 250 * 2 ** Math.max(0, attempt - 1));
  return Math.round(full * (1 - 0.25 * chance));
}
