import type { SlowStart } from '../config/lb-config.ts';
import type { Host } from './host.ts';

/**
 * The part of its weight that a host has: (age / window)^(1 / aggression), never below the minimum; 1 once the window is over.
 * `now` is monotonic milliseconds. Source: applySlowStartFactor in load_balancer_impl.cc.
 */
export function slowStartFactor(slowStart: SlowStart, host: Host, now: number): number {
  const { warmSince } = host;
  if (warmSince === undefined || slowStart.windowMs <= 0 || !host.healthy || host.degraded) return 1;
  const age = Math.floor(now - warmSince);
  if (age >= slowStart.windowMs) return 1;
  const grown = (Math.max(age, 1) / slowStart.windowMs) ** (1 / slowStart.aggression);
  return Math.max(grown, slowStart.minWeightPercent / 100);
}

/** Balancing has met these hosts: those in good health begin, unless they did before. Source: recalculateHostsInSlowStart in the same file. */
export function beginSlowStart(hosts: readonly Host[], now: number): void {
  for (const host of hosts) if (host.healthy && !host.degraded) host.warmSince ??= now;
}
