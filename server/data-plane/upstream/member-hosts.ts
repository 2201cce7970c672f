import type { Random, SocketAddress } from '#domain';
import type { HostSource } from '../config/named-hosts.ts';
import type { Fields } from '../config/values.ts';
import type { UpstreamCluster } from './cluster.ts';
import type { ChosenList, HostChoice, PickContext, TriedHosts } from './pick-context.ts';
import type { RoutePriority } from './pool-breakers.ts';
import { type LevelHosts, listAt, type PriorityLoads, placeAt, spreadLoad } from './priority-loads.ts';

export interface MemberHostsOptions {
  /** Names of the clusters, the preferred one first. */
  readonly names: readonly string[];
  readonly clusterOf: (name: string) => UpstreamCluster | undefined;
  /** Percent of healthy hosts below which all hosts of a priority are used; 0: never. */
  readonly panicThreshold: number;
  readonly random: Random;
}

/** One priority of one member, in the line of all. */
interface Place {
  readonly cluster: UpstreamCluster;
  readonly priority: number;
  readonly level: LevelHosts;
}

/** The priorities of all members one behind the other, and what each takes. */
interface Line {
  readonly places: readonly Place[];
  readonly loads: PriorityLoads;
  /** What it was made of. */
  readonly parts: readonly unknown[];
}

/**
 * The hosts of an aggregate cluster: those of its members, whose priorities stand in one line, member after member. The line says which
 * member and which of its priorities is asked; that member's own balancer chooses. Source: extensions/clusters/aggregate in Envoy.
 */
export class MemberHosts {
  readonly #options: MemberHostsOptions;
  #line: Line | undefined;

  constructor(options: MemberHostsOptions) {
    this.#options = options;
  }

  /** Undefined when no host may be used. */
  choose(context: PickContext): HostChoice | undefined {
    const line = this.#current();
    const draw = this.#options.random.below(100);
    const { lists, shares } = line.loads;
    const loads = context.tried?.priorities?.loads(lists);
    const share = loads === undefined ? listAt(shares, draw) : shares[placeAt(loads, draw)];
    const place = share && line.places[share.priority];
    if (share === undefined || place === undefined) return undefined;
    const { cluster, priority } = place;
    const choice = cluster.chooseBalanced(new MemberContext(context, { priority, degraded: share.degraded }));
    if (choice === undefined) return undefined;
    const { host } = choice;
    // Retries leave out priorities of the line.
    const candidates = choice.candidates && { ...choice.candidates, priority: share.priority };
    return { host, candidates, why: () => `${wordsOf(place, share.load, line.places.length)}; ${choice.why()}` };
  }

  /** Made anew when a member, its hosts or their health are others. A priority without hosts has no place. */
  #current(): Line {
    const members = this.#options.names.flatMap((name) => this.#options.clusterOf(name) ?? []);
    const parts = members.flatMap((cluster) => [cluster, cluster.levels]);
    const known = this.#line;
    if (known?.parts.length === parts.length && known.parts.every((part, i) => part === parts[i])) return known;
    const places = members.flatMap((cluster) =>
      cluster.levels
        .map((level, priority) => ({ cluster, priority, level }))
        .filter(({ level }) => level.all.length > 0),
    );
    const loads = spreadLoad(
      places.map(({ level }) => level),
      this.#options.panicThreshold,
    );
    this.#line = { places, loads, parts };
    return this.#line;
  }
}

function wordsOf({ cluster, priority, level }: Place, load: number, places: number): string {
  const { all, healthy } = level;
  const own = `member ${cluster.config.name}, priority ${priority} (${healthy.length} of ${all.length} healthy)`;
  return `${own}, takes ${load} % of the load of ${places} priorities in a line`;
}

/** What a member's balancer is told: the same as the whole cluster, but for the list of hosts. */
class MemberContext implements PickContext {
  readonly #of: PickContext;
  readonly list: ChosenList;

  constructor(of: PickContext, list: ChosenList) {
    this.#of = of;
    this.list = list;
  }

  get originalDestination(): SocketAddress | undefined {
    return this.#of.originalDestination;
  }

  get priority(): RoutePriority | undefined {
    return this.#of.priority;
  }

  get tried(): TriedHosts | undefined {
    return this.#of.tried;
  }

  named(sources: readonly HostSource[], isThere: (key: string) => boolean): string | undefined {
    return this.#of.named?.(sources, isThere);
  }

  criteria(): Fields | undefined {
    return this.#of.criteria?.();
  }

  hash(): bigint | undefined {
    return this.#of.hash();
  }
}
