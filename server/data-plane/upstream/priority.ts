import type { Random } from '#domain';
import { DEFAULT_OVERPROVISIONING } from '../config/endpoint-config.ts';
import { DeadlineSchedule, drawHeadStart } from './earliest-deadline.ts';
import { byPlace } from './hashing/weights.ts';
import type { Host } from './host.ts';
import { type LevelHosts, type ListShare, listAt, placeAt, spreadLoad } from './priority-loads.ts';
import type { ListHealth, TriedPriorities } from './tried-priorities.ts';
import type { ZoneRouting } from './zone-routing.ts';

/** The hosts that balancing may choose from, and how they came to be. */
export interface Candidates {
  readonly hosts: readonly Host[];
  /** Names the list: its priority, and its locality where localities are weighted. */
  readonly source: string;
  readonly priority: number;
  /** `region/zone/sub_zone` where the locality was chosen by weight, or as the proxy's own zone or another in its place. */
  readonly locality: string | undefined;
  /** Too few hosts are healthy: all of them are used. */
  readonly panic: boolean;
  /** Too few hosts are healthy: degraded ones are used. */
  readonly degraded: boolean;
  readonly healthy: number;
  readonly total: number;
  /** What zones had to do with it, in a learner's words; absent: nothing. */
  readonly zone?: string | undefined;
}

/** The weight of the locality of a host. */
export type PlaceWeight = (host: Host) => number;

export interface PriorityOptions {
  readonly hosts: readonly Host[];
  /** Percent of healthy hosts below which all hosts are used; 0: never. */
  readonly panicThreshold: number;
  /** Localities share a priority's traffic by their weights. */
  readonly byLocality: boolean;
  /** Too few healthy hosts: none is used, instead of all. */
  readonly failsInPanic?: boolean;
  /** For a balancer that hashes: it weighs localities itself, knows healthy hosts only and never fails in panic. */
  readonly hashed?: boolean;
  /** The weight of a host's locality, where it is not that of the assignment. */
  readonly placeWeight?: PlaceWeight | undefined;
  /** Requests of the first priority stay in the proxy's zone where they can. */
  readonly zones?: ZoneRouting | undefined;
  /** With which locality their turns begin; absent: with the first. */
  readonly random?: Random | undefined;
  /** Called for each choice of a priority with too few healthy hosts. */
  readonly onPanic?: () => void;
  /** What earlier hosts were made of, for all priorities but some. */
  readonly kept?: { readonly of: PrioritySet; readonly but: ReadonlySet<number> } | undefined;
}

interface Level extends LevelHosts {
  /** Too few hosts are healthy here, and in all priorities together. */
  readonly panic: boolean;
  readonly localities: { readonly healthy: LocalityScheduler; readonly degraded: LocalityScheduler } | undefined;
}

interface Share extends ListShare {
  /** Its hosts, once somebody asked; absent where localities take turns. */
  fixed?: Candidates;
}

/** The hosts of one cluster, ordered by priority; made anew when members or their health change. */
export class PrioritySet {
  readonly #levels: readonly Level[];
  /** Healthy hosts of each priority, then degraded ones of each. */
  readonly #shares: readonly Share[];
  /** Those of them that take load. */
  readonly #loaded: readonly Share[];
  readonly #lists: readonly ListHealth[];
  readonly #options: PriorityOptions;

  constructor(options: PriorityOptions) {
    const { hosts, panicThreshold, hashed = false, placeWeight = givenWeight, random } = options;
    const byLocality = options.byLocality && !hashed;
    this.#options = options;
    const highest = hosts.reduce((max, host) => Math.max(max, host.endpoint.priority), 0);
    const factor = hosts[0]?.endpoint.overprovisioning ?? DEFAULT_OVERPROVISIONING;
    const levels = Array.from({ length: highest + 1 }, (_, priority) => {
      const all = hosts.filter((host) => host.endpoint.priority === priority);
      const former = options.kept?.but.has(priority) === false ? options.kept.of.#levels[priority] : undefined;
      if (former !== undefined && sameHosts(former.all, all)) return former;
      return {
        ...levelOf(all, factor),
        localities: byLocality ? schedulersOf(all, { factor, placeWeight, random }) : undefined,
      };
    });
    const { lists, panics, shares } = spreadLoad(levels, panicThreshold);
    this.#lists = lists;
    this.#levels = levels.map((level, priority) => ({ ...level, panic: panics[priority] === true }));
    this.#shares = shares.map((share) => ({ ...share }));
    this.#loaded = this.#shares.filter(({ load }) => load > 0);
  }

  /** By priority. */
  get levels(): readonly LevelHosts[] {
    return this.#levels;
  }

  /**
   * Undefined when no host may be used. `draw` gives a number below 100; it is asked only when several lists take load. `tried`: what a retry
   * is to leave out.
   */
  candidates(draw: () => number, tried?: TriedPriorities): Candidates | undefined {
    const loads = tried?.loads(this.#lists);
    const share =
      loads === undefined
        ? this.#loaded.length > 1
          ? listAt(this.#loaded, draw())
          : this.#loaded[0]
        : this.#shares[placeAt(loads, draw())];
    return this.#chosen(share);
  }

  /** Those of a list that somebody else has chosen. */
  candidatesIn({ priority, degraded }: Pick<ListShare, 'priority' | 'degraded'>): Candidates | undefined {
    return this.#chosen(this.#shares[degraded ? this.#levels.length + priority : priority]);
  }

  #chosen(share: Share | undefined): Candidates | undefined {
    if (share === undefined) return undefined;
    if (this.#levels[share.priority]?.panic === true) this.#options.onPanic?.();
    return share.fixed ?? this.#candidatesOf(share);
  }

  /** What the tables of a balancer that hashes are made of, the last priority first. */
  get hashed(): readonly (readonly Host[])[] {
    return this.#levels
      .map(({ all, healthy, panic }) => (panic ? all : healthy))
      .filter((hosts) => hosts.length > 0)
      .reverse();
  }

  /** All lists that a choice may be made from, but those of zones. */
  *choosable(): Iterable<readonly Host[]> {
    for (const { all, healthy, degraded, panic, localities } of this.#levels) {
      yield* panic ? [all] : [healthy, degraded];
      if (localities !== undefined) yield* [...localities.healthy.lists, ...localities.degraded.lists];
    }
  }

  #candidatesOf(share: Share): Candidates | undefined {
    const { priority, degraded } = share;
    const level = this.#levels[priority];
    if (level === undefined || level.all.length === 0) return undefined;
    const { all, healthy, panic } = level;
    const { hashed = false, failsInPanic = false, zones } = this.#options;
    if (panic && failsInPanic && !hashed) return undefined;
    const counts = { degraded, healthy: healthy.length, total: all.length };
    const locality = panic ? undefined : level.localities?.[degraded ? 'degraded' : 'healthy'].next();
    if (locality !== undefined) {
      const source = `${priority}/${degraded ? 'degraded/' : ''}${locality.key}`;
      return { hosts: locality.usable, source, priority, locality: locality.key, panic, ...counts };
    }
    if (priority === 0 && !panic && zones !== undefined) return inZone(zones, level, { ...counts, priority });
    const hosts = panic ? all : degraded && !hashed ? level.degraded : healthy;
    if (hosts.length === 0) return undefined;
    const source = panic ? `${priority}/all` : degraded ? `${priority}/degraded` : `${priority}`;
    const candidates = { hosts, source, priority, locality: undefined, panic, ...counts };
    if (level.localities === undefined || panic) share.fixed = candidates;
    return candidates;
  }
}

/** Where zones count, or might: another list for each request. */
function inZone(
  zones: ZoneRouting,
  level: LevelHosts,
  known: Pick<Candidates, 'degraded' | 'healthy' | 'total' | 'priority'>,
): Candidates | undefined {
  const { degraded, priority } = known;
  const choice = zones.choose(degraded);
  if (choice === undefined) return undefined;
  const hosts = choice.hosts ?? (degraded ? level.degraded : level.healthy);
  if (hosts.length === 0) return undefined;
  const list = degraded ? `${priority}/degraded` : `${priority}`;
  const { locality } = choice;
  const source = locality === undefined ? list : `${list}/${locality}`;
  return { ...known, hosts, source, locality, panic: false, zone: choice.why };
}

const sameHosts = (one: readonly Host[], other: readonly Host[]): boolean =>
  one.length === other.length && one.every((host, i) => host === other[i]);

function levelOf(all: readonly Host[], factor: number): LevelHosts {
  const usable = all.filter((host) => host.healthy);
  return {
    all,
    healthy: usable.filter((host) => !host.degraded),
    degraded: usable.filter((host) => host.degraded),
    counted: all.filter((host) => !host.excluded),
    factor,
  };
}

function schedulersOf(all: readonly Host[], options: Omit<LocalityOptions, 'isUsable'>): Level['localities'] {
  const scheduler = (degraded: boolean): LocalityScheduler =>
    new LocalityScheduler(all, { ...options, isUsable: (host) => host.healthy && host.degraded === degraded });
  return { healthy: scheduler(false), degraded: scheduler(true) };
}

interface LocalityShare {
  readonly key: string;
  readonly usable: readonly Host[];
  /** The locality's weight, less where too few of its hosts are usable. */
  readonly weight: number;
}

interface LocalityOptions {
  readonly factor: number;
  readonly placeWeight: PlaceWeight;
  readonly random: Random | undefined;
  readonly isUsable: (host: Host) => boolean;
}

const givenWeight: PlaceWeight = ({ endpoint }) => endpoint.locality.weight;

/** Localities in turn by their effective weights, earliest deadline first. Source: rebuildLocalityScheduler in locality_wrr.cc. */
class LocalityScheduler {
  /** The hosts of each locality that has a turn. */
  readonly lists: readonly (readonly Host[])[];
  readonly #schedule?: DeadlineSchedule<LocalityShare>;

  constructor(hosts: readonly Host[], { factor, placeWeight, random, isUsable }: LocalityOptions) {
    const shares: readonly LocalityShare[] = byPlace(hosts).flatMap((members) => {
      const { key } = members[0]!.endpoint.locality;
      const given = placeWeight(members[0]!);
      const usable = members.filter(isUsable);
      const counted = members.filter((host) => !host.excluded).length;
      const weight = counted === 0 ? 0 : given * Math.min(1, (factor / 100) * (usable.length / counted));
      return weight > 0 ? [{ key, usable, weight }] : [];
    });
    this.lists = shares.map(({ usable }) => usable);
    if (shares.length === 0) return;
    const headStart = random === undefined ? 0 : drawHeadStart(random);
    this.#schedule = new DeadlineSchedule<LocalityShare>(shares, ({ weight }) => weight, headStart);
  }

  /** Undefined when no locality has weight and usable hosts. */
  next(): LocalityShare | undefined {
    return this.#schedule?.next();
  }
}
