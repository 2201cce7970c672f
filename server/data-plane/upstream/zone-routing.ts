import type { Random } from '#domain';
import type { BalancingConfig } from '../config/lb-config.ts';
import type { ClusterStats } from './cluster-stats.ts';
import { byPlace } from './hashing/weights.ts';
import type { Host } from './host.ts';
import { healthyPercent, type LevelHosts } from './priority-loads.ts';

/** Whom the proxy belongs to: the hosts of the local cluster that a bootstrap names, itself among them. */
export interface LocalHosts {
  /** `region/zone/sub_zone`; undefined: the proxy does not know where it is. */
  readonly locality: string | undefined;
  /** Of the cluster's first priority; undefined until it is there. */
  readonly level: () => LevelHosts | undefined;
}

export interface ZoneRoutingOptions {
  readonly config: BalancingConfig;
  readonly local: LocalHosts;
  readonly random: Random;
  readonly stats: ClusterStats;
}

/** Where one request goes. */
export interface ZoneChoice {
  /** Undefined: hosts of all zones. */
  readonly hosts: readonly Host[] | undefined;
  readonly locality: string | undefined;
  /** In a learner's words; undefined where zones could not count. */
  readonly why: string | undefined;
}

interface Zone {
  readonly key: string;
  readonly healthy: readonly Host[];
  readonly degraded: readonly Host[];
}

/** Of 10,000. */
interface Shares {
  /** Of those who ask. */
  readonly callers: number;
  readonly hosts: number;
}

type Plan =
  | { readonly kind: 'none'; readonly choice: ZoneChoice }
  | { readonly kind: 'direct'; readonly why: string }
  | {
      readonly kind: 'residual';
      /** Requests that stay in the own zone, of 10,000. */
      readonly stays: number;
      readonly whyStays: string;
      /** What zones can take beyond what their own callers send, each with all before it. */
      readonly room: readonly number[];
      readonly whyGoes: readonly string[];
    };

const WHOLE = 10_000;
/** Envoy makes its plan in the main thread and in each worker, of which this proxy says that it has one; all of them count. */
const THREADS = 2;
const inPercent = (share: number): string => `${share / 100} %`;
const allZones = (why?: string): ZoneChoice => ({ hosts: undefined, locality: undefined, why });
const IN_LOCAL_PANIC = allZones('too few of the hosts of the local cluster are healthy, so zones do not count');
const NOT_THIS_ONE = allZones('routing_enabled leaves this request out, so zones do not count');

/**
 * Zone aware routing of one list of hosts, in its first priority: requests stay in the proxy's zone as far as its hosts can take those of all
 * callers there, and the rest goes where hosts have room. Source: ZoneAwareLoadBalancerBase in Envoy.
 */
export class ZoneRouting {
  readonly #options: ZoneRoutingOptions;
  readonly #counts: ReturnType<typeof countersOf>;
  #level: LevelHosts | undefined;
  /** The own one first. */
  #zones: readonly Zone[] = [];
  #plan: Plan = { kind: 'none', choice: allZones() };

  constructor(options: ZoneRoutingOptions) {
    this.#options = options;
    this.#counts = countersOf(options.stats);
  }

  /** The hosts, or those of the local cluster, are others or their health is. */
  plan(level: LevelHosts | undefined): void {
    const { local } = this.#options;
    this.#counts.plans.value += THREADS;
    if (level !== this.#level) this.#zones = zonesOf(level?.all ?? [], local.locality);
    this.#level = level;
    this.#plan = this.#planned();
  }

  /** Undefined: nobody may be asked. */
  choose(degraded: boolean): ZoneChoice | undefined {
    const plan = this.#plan;
    if (plan.kind === 'none') return plan.choice;
    const { config, local, random } = this.#options;
    const { enabledPercent } = config.zones;
    if (enabledPercent < 100 && random.below(100) >= enabledPercent) return NOT_THIS_ONE;
    const callers = local.level();
    if (callers === undefined || healthyPercent(callers) < config.panicThreshold) {
      this.#counts.localNotOk.value++;
      return config.failsInPanic ? undefined : IN_LOCAL_PANIC;
    }
    if (plan.kind === 'direct') {
      this.#counts.allDirectly.value++;
      return this.#in(0, degraded, plan.why);
    }
    if (random.below(WHOLE) < plan.stays) {
      this.#counts.sampled.value++;
      return this.#in(0, degraded, plan.whyStays);
    }
    this.#counts.crossZone.value++;
    const place = this.#placeWithRoom(plan.room);
    return this.#in(place, degraded, plan.whyGoes[place]!);
  }

  #placeWithRoom(room: readonly number[]): number {
    const { random } = this.#options;
    const all = room.at(-1)!;
    if (all > 0) {
      const draw = random.below(all);
      return room.findIndex((upTo) => draw < upTo);
    }
    // Shares are rounded down, so that nothing may be left of any.
    this.#counts.noCapacityLeft.value++;
    return random.below(room.length);
  }

  #in(place: number, degraded: boolean, why: string): ZoneChoice {
    const { key, ...hosts } = this.#zones[place]!;
    return { hosts: degraded ? hosts.degraded : hosts.healthy, locality: key, why };
  }

  #planned(): Plan {
    const { local, config } = this.#options;
    const { forcedFrom, minClusterSize } = config.zones;
    const none = (why?: string): Plan => ({ kind: 'none', choice: allZones(why && `${why}, so zones do not count`) });
    if (this.#zones.length < 2) return none();
    const callers = zonesOf(local.level()?.all ?? [], local.locality);
    if (forcedFrom === undefined && callers.length < 2) return none('all callers are in one zone');
    if (callers[0]?.key !== local.locality) {
      this.#counts.localNotOk.value += THREADS;
      return none(
        `the local cluster has no host in ${local.locality ?? 'the place of this proxy, which is not known'}`,
      );
    }
    const healthy = this.#level?.healthy.length ?? 0;
    if (healthy < minClusterSize) {
      this.#counts.tooSmall.value += THREADS;
      return none(`${healthy} healthy hosts are fewer than min_cluster_size ${minClusterSize}`);
    }
    return this.#divided(callers);
  }

  #divided(callers: readonly Zone[]): Plan {
    const { local, config } = this.#options;
    const { forcedFrom } = config.zones;
    const shares = this.#sharesWith(callers);
    const [own] = this.#zones;
    const isHere = own!.key === local.locality;
    const here = shares[0]!;
    const zone = local.locality!;
    const facts = isHere
      ? `${zone} has ${inPercent(here.callers)} of the callers and ${inPercent(here.hosts)} of the healthy hosts`
      : `no host is in ${zone}`;
    if (isHere && here.hosts > 0 && here.hosts >= here.callers)
      return { kind: 'direct', why: `stays in the zone of this proxy: ${facts}` };
    if (isHere && forcedFrom !== undefined && own!.healthy.length >= forcedFrom) {
      const why = `${own!.healthy.length} healthy hosts are enough to keep all requests there`;
      return { kind: 'direct', why: `stays in the zone of this proxy: ${zone} is forced, and ${why}` };
    }
    const stays = isHere && here.callers > 0 ? Math.floor((here.hosts * WHOLE) / here.callers) : 0;
    let all = 0;
    const room = shares.map((share, place) => {
      if (!(place === 0 && isHere)) all += Math.max(0, share.hosts - share.callers);
      return all;
    });
    return {
      kind: 'residual',
      stays,
      whyStays: `stays in the zone of this proxy, as ${inPercent(stays)} of the requests: ${facts}`,
      room,
      whyGoes: this.#zones.map(({ key }) => `goes to ${key}, which has hosts to spare: ${facts}`),
    };
  }

  #sharesWith(callers: readonly Zone[]): readonly Shares[] {
    const { byWeight } = this.#options.config.zones;
    const sizeOf = ({ healthy }: Zone): number =>
      byWeight ? healthy.reduce((sum, { endpoint }) => sum + endpoint.weight, 0) : healthy.length;
    const total = (zones: readonly Zone[]): number => zones.reduce((sum, zone) => sum + sizeOf(zone), 0);
    const [allCallers, allHosts] = [total(callers), total(this.#zones)];
    return this.#zones.map((zone) => {
      if (zone.healthy.length === 0) return { callers: 0, hosts: 0 };
      const asking = callers.find(({ key }) => key === zone.key);
      return {
        callers: asking === undefined || allCallers === 0 ? 0 : Math.floor((WHOLE * sizeOf(asking)) / allCallers),
        hosts: allHosts === 0 ? 0 : Math.floor((WHOLE * sizeOf(zone)) / allHosts),
      };
    });
  }
}

const countersOf = (stats: ClusterStats) => ({
  plans: stats.counter('lb_recalculate_zone_structures'),
  localNotOk: stats.counter('lb_local_cluster_not_ok'),
  tooSmall: stats.counter('lb_zone_cluster_too_small'),
  allDirectly: stats.counter('lb_zone_routing_all_directly'),
  sampled: stats.counter('lb_zone_routing_sampled'),
  crossZone: stats.counter('lb_zone_routing_cross_zone'),
  noCapacityLeft: stats.counter('lb_zone_no_capacity_left'),
});

/** By their names, but the one that is `first`. */
function zonesOf(hosts: readonly Host[], first: string | undefined): readonly Zone[] {
  const zones = byPlace(hosts).map((members) => {
    const usable = members.filter((host) => host.healthy);
    return {
      key: members[0]!.endpoint.locality.key,
      healthy: usable.filter((host) => !host.degraded),
      degraded: usable.filter((host) => host.degraded),
    };
  });
  return [...zones.filter(({ key }) => key === first), ...zones.filter(({ key }) => key !== first)];
}
