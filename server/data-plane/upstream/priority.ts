import type { Random } from '#domain';
import type { Host } from './host.ts';

/** Envoy counts a priority as fully healthy while 1/1.4 (71 %) of its hosts are. */
const OVERPROVISIONING = 140;

/** The hosts that balancing may choose from, and how they came to be. */
export interface Candidates {
  readonly hosts: readonly Host[];
  readonly priority: number;
  /** Too few hosts are healthy: all of them are used. */
  readonly panic: boolean;
  readonly healthy: number;
  readonly total: number;
}

/** The hosts of one cluster, ordered by priority; made anew when members or their health change. */
export class PrioritySet {
  readonly #levels: readonly { readonly all: readonly Host[]; readonly healthy: readonly Host[] }[];
  readonly #loads: readonly number[];
  /** The only priority that takes load; undefined where several do. */
  readonly #only: number | undefined;
  readonly #totalHealth: number;
  readonly #panicThreshold: number;

  constructor(hosts: readonly Host[], panicThreshold: number) {
    const highest = hosts.reduce((max, host) => Math.max(max, host.endpoint.priority), 0);
    this.#levels = Array.from({ length: highest + 1 }, (_, priority) => {
      const all = hosts.filter((host) => host.endpoint.priority === priority);
      return { all, healthy: all.filter((host) => host.healthy) };
    });
    const health = this.#levels.map(({ all, healthy }) =>
      all.length === 0 ? 0 : Math.min(100, Math.floor((OVERPROVISIONING * healthy.length) / all.length)),
    );
    const total = health.reduce((sum, share) => sum + share, 0);
    this.#totalHealth = Math.min(100, total);
    this.#loads = spread(health, this.#totalHealth);
    const taking = this.#loads.filter((load) => load > 0).length;
    this.#only =
      taking > 1
        ? undefined
        : Math.max(
            0,
            this.#loads.findIndex((load) => load > 0),
          );
    this.#panicThreshold = panicThreshold;
  }

  /** Undefined when no host may be used. Draws a number only when more than one priority takes load. */
  candidates(random: Random): Candidates | undefined {
    const priority = this.#choosePriority(random);
    const level = this.#levels[priority];
    if (level === undefined || level.all.length === 0) return undefined;
    const { all, healthy } = level;
    const panic =
      this.#totalHealth < 100 && this.#panicThreshold > 0 && (healthy.length / all.length) * 100 < this.#panicThreshold;
    const hosts = panic ? all : healthy;
    if (hosts.length === 0) return undefined;
    return { hosts, priority, panic, healthy: healthy.length, total: all.length };
  }

  #choosePriority(random: Random): number {
    if (this.#only !== undefined) return this.#only;
    let draw = random.below(100);
    for (const [priority, load] of this.#loads.entries()) {
      if (draw < load) return priority;
      draw -= load;
    }
    return 0;
  }
}

/** load(P) = health(P) · 100 / total, the rest cascading down; rounding goes to the first priority that has any load. */
function spread(health: readonly number[], totalHealth: number): number[] {
  if (totalHealth === 0) return health.map((_, priority) => (priority === 0 ? 100 : 0));
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
