import type { Clock, Random } from '#domain';
import type { BalancingConfig, SlowStart } from '../config/lb-config.ts';
import { DeadlineSchedule, drawHeadStart } from './earliest-deadline.ts';
import { hashing } from './hash-balancer.ts';
import type { TableShape } from './hashing/ring-hash.ts';
import type { Host } from './host.ts';
import { slowStartFactor } from './slow-start.ts';

/** A host with the balancer's reason, in a learner's words; `why` is called only when the hop is recorded. */
export interface Pick {
  readonly host: Host;
  readonly why: () => string;
}

/** What a balancer may go by besides the hosts. */
export interface PickInput {
  /** What the route hashed; undefined where it names nothing to hash. */
  readonly hash: bigint | undefined;
  /** 0 for the first choice; one more for each that was to be avoided. */
  readonly attempt: number;
}

/** Chooses among hosts of one priority, or one locality of it: `source` names which. Never called with an empty list. */
export interface LoadBalancer {
  /** Undefined only of balancers that hash: where no host has a share. The same array stands for the same hosts, healths and weights. */
  pick(hosts: readonly Host[], source: string, input: PickInput): Pick | undefined;
  /** Hosts may be chosen from this list from now on: what they weigh at this moment decides when each first has its turn. */
  meet?(hosts: readonly Host[]): void;
  /** Whether the next host of this list does not depend on what happens until it is asked for; absent: it does. */
  foresees?(hosts: readonly Host[]): boolean;
  /** Weights are others although the hosts are not: schedules begin anew. */
  renew?(): void;
  /** Only of balancers that hash; undefined where no host has a share. */
  shapeOf?(hosts: readonly Host[]): TableShape | undefined;
}

export interface BalancerOptions {
  readonly config: BalancingConfig;
  readonly random: Random;
  readonly clock: Clock;
  /** Requests under way in the cluster. */
  readonly underWay?: () => number;
}

/** A balancer that always finds a host. */
interface SureBalancer extends LoadBalancer {
  pick(hosts: readonly Host[], source: string, input: PickInput): Pick;
}

const NOTHING_UNDER_WAY = (): number => 0;

export function createLoadBalancer(options: BalancerOptions): LoadBalancer {
  const { config, random, underWay = NOTHING_UNDER_WAY } = options;
  switch (config.policy) {
    case 'LEAST_REQUEST':
      return leastRequest(options);
    case 'RANDOM':
      return { pick: (hosts) => drawn(hosts, random.below(hosts.length)), foresees: () => true };
    case 'RING_HASH':
    case 'MAGLEV':
      return hashing(config, random, underWay);
    case 'ROUND_ROBIN':
    case 'CLIENT_SIDE_WEIGHTED_ROUND_ROBIN':
    case 'CLUSTER_PROVIDED':
      return roundRobin(options);
  }
}

function drawn(hosts: readonly Host[], place: number): Pick {
  const host = hosts[place]!;
  return { host, why: () => `random: drew host ${place + 1} of ${hosts.length}` };
}

/** In turn, from a random start; by earliest deadline first where weights differ or a host is new. */
function roundRobin(options: BalancerOptions): SureBalancer {
  const { config, random, clock } = options;
  const turns = new Map<string, number>();
  const schedules = new Schedules(options, (host) => {
    const { weight } = host;
    return config.slowStart === undefined
      ? weight
      : weight * slowStartFactor(config.slowStart, host, clock.monotonic());
  });
  return {
    renew: () => schedules.clear(),
    meet: (hosts) => schedules.meet(hosts),
    foresees: () => true,
    pick(hosts, source) {
      const schedule = schedules.of(hosts);
      if (schedule !== undefined) return weighted(schedule.next(), 'round robin');
      const last = turns.get(source);
      const turn = last === undefined ? random.below(hosts.length) : last + 1;
      turns.set(source, turn);
      const place = turn % hosts.length;
      return { host: hosts[place]!, why: () => `round robin: the turn of host ${place + 1} of ${hosts.length}` };
    },
  };
}

/**
 * Envoy's least request: two hosts (or as many as are configured) drawn with replacement, the one with the fewest active requests wins.
 * Where weights differ, weighted round robin with weight / (active + 1)^bias.
 */
function leastRequest(options: BalancerOptions): SureBalancer {
  const { config, random, clock } = options;
  const { activeRequestBias: bias, slowStart } = config;
  const schedules = new Schedules(options, (host) => {
    const { weight } = host.endpoint;
    const unused = bias === 0 ? weight : weight / (host.activeRequests + 1) ** bias;
    return slowStart === undefined ? unused : unused * slowStartFactor(slowStart, host, clock.monotonic());
  });
  return {
    meet: (hosts) => schedules.meet(hosts),
    foresees: (hosts) => schedules.of(hosts) !== undefined,
    pick(hosts) {
      const schedule = schedules.of(hosts);
      if (schedule !== undefined) return weighted(schedule.next(), 'least request');
      if (hosts.length === 1) return { host: hosts[0]!, why: () => 'least request: the only host' };
      if (config.scansAll) return leastOfAll(hosts, random);
      const candidates = Array.from({ length: config.choiceCount }, () => hosts[random.below(hosts.length)]!);
      const host = candidates.reduce((best, each) => (each.activeRequests < best.activeRequests ? each : best));
      const active = candidates.map((each) => each.activeRequests);
      return { host, why: () => wordsOfDraw(candidates, active) };
    },
  };
}

/** Of several hosts with as few active requests, each is as likely as the others. */
function leastOfAll(hosts: readonly Host[], random: Random): Pick {
  const fewest = hosts.reduce((min, { activeRequests }) => Math.min(min, activeRequests), Number.POSITIVE_INFINITY);
  const least = hosts.filter(({ activeRequests }) => activeRequests === fewest);
  const host = least[random.below(least.length)]!;
  return {
    host,
    why: () => `least request: ${host.key} is one of ${least.length} with ${fewest} active, of ${hosts.length} hosts`,
  };
}

function wordsOfDraw(candidates: readonly Host[], active: readonly number[]): string {
  const [first, second] = candidates;
  if (candidates.length === 2 && first === second)
    return `least request: drew ${first?.key} twice (${active[0]} active)`;
  const drew = candidates.map((host, i) => `${host.key} (${active[i]} active)`);
  return `least request: drew ${drew.slice(0, -1).join(', ')} and ${drew.at(-1)}`;
}

function weighted(host: Host, policy: string): Pick {
  const { weight, reportedWeight } = host;
  const source = reportedWeight === undefined ? '' : ', by what hosts say of their load';
  return { host, why: () => `${policy} by weight: ${host.key} has weight ${weight}${source}` };
}

/**
 * A schedule for each list of hosts whose weights differ, or of which one is new; undefined for others. As in Envoy that is decided when the
 * list is made, and a new list begins anew. Lists whose hosts' weights change with time have to be met; for others the first pick is soon enough.
 */
class Schedules {
  readonly #options: BalancerOptions;
  readonly #weightOf: (host: Host) => number;
  /** One for all lists: hosts that come back have the turns that they had. */
  #headStart: number | undefined;
  #known = new WeakMap<readonly Host[], DeadlineSchedule<Host> | 'none'>();

  constructor(options: BalancerOptions, weightOf: (host: Host) => number) {
    this.#options = options;
    this.#weightOf = weightOf;
  }

  clear(): void {
    this.#known = new WeakMap();
  }

  meet(hosts: readonly Host[]): void {
    if (hosts.length > 0) this.of(hosts);
  }

  of(hosts: readonly Host[]): DeadlineSchedule<Host> | undefined {
    let schedule = this.#known.get(hosts);
    if (schedule === undefined) {
      const { clock, config, random } = this.#options;
      const plain = hosts.length === 1 || (sameWeights(hosts) && !anyWarming(config.slowStart, hosts, clock));
      if (!plain) this.#headStart ??= drawHeadStart(random);
      schedule = plain ? 'none' : new DeadlineSchedule(hosts, this.#weightOf, this.#headStart);
      this.#known.set(hosts, schedule);
    }
    return schedule === 'none' ? undefined : schedule;
  }
}

function sameWeights(hosts: readonly Host[]): boolean {
  for (const host of hosts) if (host.weight !== hosts[0]!.weight) return false;
  return true;
}

const anyWarming = (slowStart: SlowStart | undefined, hosts: readonly Host[], clock: Clock): boolean =>
  slowStart !== undefined && hosts.some((host) => slowStartFactor(slowStart, host, clock.monotonic()) < 1);
