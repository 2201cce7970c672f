import type { SlowStart } from '../config/lb-config.ts';
import type { Host } from './host.ts';

/**
 * The part of its weight that a host has: (age / window)^(1 / aggression), never below the minimum; 1 once the window is over.
 * `now` is monotonic milliseconds. Source: load_balancer_impl.cc (applySlowStartFactor).
 */
export function slowStartFactor(slowStart: SlowStart, host: Host, now: number): number {
  if (slowStart.windowMs <= 0 || !host.healthy || host.degraded) return 1;
  const age = now - host.warmSince;
  if (age >= slowStart.windowMs) return 1;
  const grown = (Math.max(age, 1) / slowStart.windowMs) ** (1 / slowStart.aggression);
  return Math.max(grown, slowStart.minWeightPercent / 100);
}
