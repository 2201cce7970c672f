import type { SlowStart } from '../config/lb-config.ts';
import type { Host } from './host.ts';

/**
 * The part of its weight that a host has: (age / window)^(1 / aggression), never below the minimum; 1 once the window is over.
 * `now` is monotonic milliseconds. Source: load_balancer_impl.cc (applySlowStartFactor).
 */
export function slowStartFactor(slowStart: SlowStart | undefined, host: Host, now: number): number {
  if (slowStart === undefined || slowStart.windowMs <= 0) return 1;
  const age = now - host.addedAt;
  if (age >= slowStart.windowMs) return 1;
  const grown = (Math.max(age, 1) / slowStart.windowMs) ** (1 / slowStart.aggression);
  return Math.max(grown, slowStart.minWeightPercent / 100);
}
