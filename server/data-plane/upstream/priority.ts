import { DEFAULT_OVERPROVISIONING } from '../config/endpoint-config.ts';
import type { Host } from './host.ts';

/** The hosts that balancing may choose from, and how they came to be. */
export interface Candidates {
  readonly hosts: readonly Host[];
  /** Names the list: its priority, and its locality where localities are weighted. */
  readonly source: string;
  readonly priority: number;
  /** `region/zone/sub_zone` where the locality was chosen by weight. */
  readonly locality: string | undefined;
  /** Too few hosts are healthy: all of them are used. */
  readonly panic: boolean;
  /** Too few hosts are healthy: degraded ones are used. */
  readonly degraded: boolean;
  readonly healthy: number;
  readonly total: number;
}

export interface PriorityOptions {
  readonly hosts: readonly Host[];
  /** Percent of healthy hosts below which all hosts are used; 0: never. */
  readonly panicThreshold: number;
  /** Localities share a priority's traffic by their weights. */
  readonly byLocality: boolean;
  /** Too few healthy hosts: none is used, instead of all. */
  readonly failsInPanic?: boolean;
}

interface Level {
  readonly all: readonly Host[];
  readonly healthy: readonly Host[];
  readonly degraded: readonly Host[];
  /** Hosts that count in the share of healthy ones. */
  readonly counted: number;
  /** Too few hosts are healthy here, and in all priorities together. */
  readonly panic: boolean;
  readonly localities: { readonly healthy: LocalityScheduler; readonly degraded: LocalityScheduler } | undefined;
}

/** One of the lists that may take traffic. */
interface Share {
  readonly priority: number;
  readonly degraded: boolean;
  readonly load: number;
  /** Its hosts, once somebody asked; absent where localities take turns. */
  fixed?: Candidates;
}

/** The hosts of one cluster, ordered by priority; made anew when members or their health change. */
export class PrioritySet {
  readonly #levels: readonly Level[];
  /** Healthy hosts of each priority, then degraded ones of each. */
  readonly #shares: readonly Share[];
  readonly #failsInPanic: boolean;

  constructor({ hosts, panicThreshold, byLocality, failsInPanic = false }: PriorityOptions) {
    this.#failsInPanic = failsInPanic;
    const highest = hosts.reduce((max, host) => Math.max(max, host.endpoint.priority), 0);
    const factor = hosts[0]?.endpoint.overprovisioning ?? DEFAULT_OVERPROVISIONING;
    const levels = Array.from({ length: highest + 1 }, (_, priority) => {
      const all = hosts.filter((host) => host.endpoint.priority === priority);
      const usable = all.filter((host) => host.healthy);
      const healthy = usable.filter((host) => !host.degraded);
      return {
        all,
        healthy,
        degraded: usable.filter((host) => host.degraded),
        counted: all.filter((host) => !host.excluded).length,
        localities: byLocality
          ? {
              healthy: new LocalityScheduler(all, factor, (host) => host.healthy && !host.degraded),
              degraded: new LocalityScheduler(all, factor, (host) => host.healthy && host.degraded),
            }
          : undefined,
      };
    });
    const lists = [false, true].flatMap((degraded) =>
      levels.map((level, priority) => ({
        priority,
        degraded,
        health: availability((degraded ? level.degraded : level.healthy).length, level.counted, factor),
      })),
    );
    const health = lists.map((list) => list.health);
    const totalHealth = Math.min(
      100,
      health.reduce((sum, share) => sum + share, 0),
    );
    this.#levels = levels.map((level) => ({
      ...level,
      panic: totalHealth < 100 && panicThreshold > 0 && healthyPercent(level) < panicThreshold,
    }));
    const loads = this.#levels.every(({ panic }) => panic)
      ? byMembers(this.#levels.map(({ all }) => all.length))
      : spread(health, totalHealth);
    this.#shares = lists
      .map(({ priority, degraded }, i) => ({ priority, degraded, load: loads[i] ?? 0 }))
      .filter(({ load }) => load > 0);
  }

  /** Undefined when no host may be used. `draw` gives a number below 100; it is asked only when several lists take load. */
  candidates(draw: () => number): Candidates | undefined {
    const share = this.#shares.length > 1 ? this.#choose(draw()) : this.#shares[0];
    return share && (share.fixed ?? this.#candidatesOf(share));
  }

  #candidatesOf(share: Share): Candidates | undefined {
    const { priority, degraded } = share;
    const level = this.#levels[priority];
    if (level === undefined || level.all.length === 0) return undefined;
    const { all, healthy, panic } = level;
    if (panic && this.#failsInPanic) return undefined;
    const counts = { degraded, healthy: healthy.length, total: all.length };
    const locality = panic ? undefined : level.localities?.[degraded ? 'degraded' : 'healthy'].next();
    if (locality !== undefined) {
      const source = `${priority}/${degraded ? 'degraded/' : ''}${locality.key}`;
      return { hosts: locality.usable, source, priority, locality: locality.key, panic, ...counts };
    }
    const hosts = panic ? all : degraded ? level.degraded : healthy;
    if (hosts.length === 0) return undefined;
    const source = panic ? `${priority}/all` : degraded ? `${priority}/degraded` : `${priority}`;
    const candidates = { hosts, source, priority, locality: undefined, panic, ...counts };
    if (level.localities === undefined || panic) share.fixed = candidates;
    return candidates;
  }

  #choose(draw: number): Share | undefined {
    let left = draw;
    for (const share of this.#shares) {
      if (left < share.load) return share;
      left -= share.load;
    }
    return this.#shares[0];
  }
}

/** `factor`, in percent: as so many times the healthy hosts a priority counts. */
const availability = (usable: number, counted: number, factor: number): number =>
  counted === 0 ? 0 : Math.min(100, Math.floor((factor * usable) / counted));

const healthyPercent = ({ healthy, degraded, counted }: Pick<Level, 'healthy' | 'degraded' | 'counted'>): number =>
  counted === 0 ? 0 : ((healthy.length + degraded.length) / counted) * 100;

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

interface LocalityShare {
  readonly key: string;
  readonly usable: readonly Host[];
  /** The locality's weight, less where too few of its hosts are usable. */
  readonly weight: number;
  deadline: number;
}

/** Localities in turn by their effective weights, earliest deadline first. Source: rebuildLocalityScheduler in upstream_impl.cc. */
class LocalityScheduler {
  readonly #shares: readonly LocalityShare[];

  constructor(hosts: readonly Host[], factor: number, isUsable: (host: Host) => boolean) {
    const byKey = Map.groupBy(hosts, ({ endpoint }) => endpoint.locality.key);
    this.#shares = [...byKey].flatMap(([key, members]) => {
      const usable = members.filter(isUsable);
      const counted = members.filter((host) => !host.excluded).length;
      const given = members[0]?.endpoint.locality.weight ?? 0;
      const weight = counted === 0 ? 0 : given * Math.min(1, (factor / 100) * (usable.length / counted));
      return weight > 0 ? [{ key, usable, weight, deadline: 1 / weight }] : [];
    });
  }

  /** Undefined when no locality has weight and usable hosts. */
  next(): LocalityShare | undefined {
    const [first] = this.#shares;
    if (first === undefined) return undefined;
    let chosen = first;
    for (const share of this.#shares) if (share.deadline < chosen.deadline) chosen = share;
    chosen.deadline += 1 / chosen.weight;
    return chosen;
  }
}
