import type { Host } from './host.ts';
import type { ListHealth } from './tried-priorities.ts';

/** The hosts of one priority. */
export interface LevelHosts {
  readonly all: readonly Host[];
  readonly healthy: readonly Host[];
  readonly degraded: readonly Host[];
  /** Hosts that count in the share of healthy ones. */
  readonly counted: readonly Host[];
  /** Percent: so many times its healthy hosts count. */
  readonly factor: number;
}

/** One of the lists that may take traffic. */
export interface ListShare {
  readonly priority: number;
  readonly degraded: boolean;
  /** Percent. */
  readonly load: number;
}

/** What each list of hosts takes: healthy hosts of each priority, then degraded ones of each. */
export interface PriorityLoads {
  readonly shares: readonly ListShare[];
  readonly lists: readonly ListHealth[];
  /** By priority: too few hosts are healthy there, and in all priorities together. */
  readonly panics: readonly boolean[];
}

/** `panicThreshold`: percent of healthy hosts below which all hosts are used; 0: never. Source: load_balancer_impl.cc in Envoy. */
export function spreadLoad(levels: readonly LevelHosts[], panicThreshold: number): PriorityLoads {
  const lists = [false, true].flatMap((degraded) =>
    levels.map((level, priority) => ({
      priority,
      degraded,
      health: availability(degraded ? level.degraded : level.healthy, level.counted, level.factor),
    })),
  );
  const health = lists.map((list) => list.health);
  const totalHealth = Math.min(
    100,
    health.reduce((sum, share) => sum + share, 0),
  );
  const panics = levels.map(
    (level) => totalHealth < 100 && panicThreshold > 0 && healthyPercent(level) < panicThreshold,
  );
  const loads = panics.every(Boolean) ? byMembers(levels.map(({ all }) => all.length)) : spread(health, totalHealth);
  const shares = lists.map(({ priority, degraded }, i) => ({ priority, degraded, load: loads[i] ?? 0 }));
  return { shares, lists, panics };
}

/** The list that a number below 100 falls on; the first one where it falls on none. */
export function listAt<Share extends ListShare>(shares: readonly Share[], draw: number): Share | undefined {
  let left = draw;
  for (const share of shares) {
    if (left < share.load) return share;
    left -= share.load;
  }
  return shares[0];
}

/** The same among loads alone: the place of the list. */
export function placeAt(loads: readonly number[], draw: number): number {
  let left = draw;
  for (const [place, load] of loads.entries()) {
    if (left < load) return place;
    left -= load;
  }
  return 0;
}

/** `factor`, in percent: as so many times the healthy hosts a priority counts; by their weights where the assignment says so. */
function availability(usable: readonly Host[], counted: readonly Host[], factor: number): number {
  if (counted.length === 0) return 0;
  const weighed = counted[0]!.endpoint.weighsHealth;
  const sizeOf = (hosts: readonly Host[]): number =>
    weighed ? hosts.reduce((sum, { endpoint }) => sum + endpoint.weight, 0) : hosts.length;
  return Math.min(100, Math.floor((factor * sizeOf(usable)) / sizeOf(counted)));
}

/** Of the hosts that count; 0 of none. */
export const healthyPercent = ({ healthy, degraded, counted }: LevelHosts): number =>
  counted.length === 0 ? 0 : ((healthy.length + degraded.length) / counted.length) * 100;

/**
 * Where every priority panics, load goes by the number of hosts, healthy or not; rounding goes to the first that has any. Source:
 * recalculateLoadInTotalPanic in load_balancer_impl.cc.
 */
function byMembers(counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const loads = counts.map((count) => (total === 0 ? 0 : Math.floor((100 * count) / total)));
  const first = Math.max(
    0,
    counts.findIndex((count) => count > 0),
  );
  loads[first]! += 100 - loads.reduce((sum, load) => sum + load, 0);
  return loads;
}

/** load = health · 100 / total, the rest cascading down; rounding goes to the first list that has any load. */
function spread(health: readonly number[], totalHealth: number): number[] {
  if (totalHealth === 0) return health.map((_, place) => (place === 0 ? 100 : 0));
  let left = 100;
  const loads = health.map((share) => {
    const load = Math.min(left, Math.floor((share * 100) / totalHealth));
    left -= load;
    return load;
  });
  const first = loads.findIndex((load) => load > 0);
  if (first >= 0) loads[first]! += left;
  return loads;
}
