import type { Clock, Random } from '#domain';
import type { BalancingConfig } from '../config/lb-config.ts';
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
  pick(hosts: readonly Host[], source: string, input: PickInput): Pick;
  /** Only of balancers that hash. */
  shapeOf?(hosts: readonly Host[]): TableShape;
}

export interface BalancerOptions {
  readonly config: BalancingConfig;
  readonly random: Random;
  readonly clock: Clock;
}

export function createLoadBalancer(options: BalancerOptions): LoadBalancer {
  const { config, random } = options;
  switch (config.policy) {
    case 'LEAST_REQUEST':
      return leastRequest(options);
    case 'RANDOM':
      return { pick: (hosts) => drawn(hosts, random.below(hosts.length)) };
    case 'RING_HASH':
    case 'MAGLEV':
      return hashing(config, random);
    case 'ROUND_ROBIN':
    case 'CLUSTER_PROVIDED':
      return roundRobin(options);
  }
}

function drawn(hosts: readonly Host[], place: number): Pick {
  const host = hosts[place]!;
  return { host, why: () => `random: drew host ${place + 1} of ${hosts.length}` };
}

function sameWeights(hosts: readonly Host[]): boolean {
  for (const host of hosts) if (host.endpoint.weight !== hosts[0]!.endpoint.weight) return false;
  return true;
}

/** In turn, from a random start; by earliest deadline first where weights differ or a host is new. */
function roundRobin({ config, random, clock }: BalancerOptions): LoadBalancer {
  const turns = new Map<string, number>();
  const schedules = createSchedules((host, now) => host.endpoint.weight * slowStartFactor(config.slowStart, host, now));
  return {
    pick(hosts, source) {
      const now = config.slowStart === undefined ? 0 : clock.monotonic();
      if (!sameWeights(hosts) || warming(config, hosts, now)) {
        return weighted(schedules(source, hosts, now), 'round robin');
      }
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
function leastRequest({ config, random, clock }: BalancerOptions): LoadBalancer {
  const bias = config.activeRequestBias;
  const schedules = createSchedules((host, now) => {
    const weight = host.endpoint.weight * slowStartFactor(config.slowStart, host, now);
    return bias === 0 ? weight : weight / (host.activeRequests + 1) ** bias;
  });
  return {
    pick(hosts, source) {
      const now = config.slowStart === undefined ? 0 : clock.monotonic();
      if (!sameWeights(hosts) || warming(config, hosts, now)) {
        return weighted(schedules(source, hosts, now), 'least request');
      }
      if (hosts.length === 1) return { host: hosts[0]!, why: () => 'least request: the only host' };
      const candidates = Array.from({ length: config.choiceCount }, () => hosts[random.below(hosts.length)]!);
      const host = candidates.reduce((best, each) => (each.activeRequests < best.activeRequests ? each : best));
      const active = candidates.map((each) => each.activeRequests);
      return { host, why: () => wordsOfDraw(candidates, active) };
    },
  };
}

function wordsOfDraw(candidates: readonly Host[], active: readonly number[]): string {
  const [first, second] = candidates;
  if (candidates.length === 2 && first === second)
    return `least request: drew ${first?.key} twice (${active[0]} active)`;
  const drew = candidates.map((host, i) => `${host.key} (${active[i]} active)`);
  return `least request: drew ${drew.slice(0, -1).join(', ')} and ${drew.at(-1)}`;
}

const warming = (config: BalancingConfig, hosts: readonly Host[], now: number): boolean =>
  config.slowStart !== undefined && hosts.some((host) => slowStartFactor(config.slowStart, host, now) < 1);

function weighted(host: Host, policy: string): Pick {
  return { host, why: () => `${policy} by weight: ${host.key} has weight ${host.endpoint.weight}` };
}

type WeightOf = (host: Host, now: number) => number;

/** One schedule for each source, so that localities do not disturb each other's turns. */
function createSchedules(weightOf: WeightOf): (source: string, hosts: readonly Host[], now: number) => Host {
  const schedules = new Map<string, ReturnType<typeof earliestDeadline>>();
  return (source, hosts, now) => {
    let schedule = schedules.get(source);
    if (schedule === undefined) {
      schedule = earliestDeadline(weightOf);
      schedules.set(source, schedule);
    }
    return schedule(hosts, now);
  };
}

/** Earliest deadline first: each pick puts a host's next deadline 1/weight later, so shares follow weights without bursts. */
function earliestDeadline(weightOf: WeightOf): (hosts: readonly Host[], now: number) => Host {
  let deadlines = new Map<Host, number>();
  let reached = 0;
  return (hosts, now) => {
    if (deadlines.size !== hosts.length || hosts.some((host) => !deadlines.has(host))) {
      deadlines = new Map(hosts.map((host) => [host, deadlines.get(host) ?? reached + 1 / weightOf(host, now)]));
    }
    let chosen = hosts[0]!;
    for (const host of hosts) if (deadlines.get(host)! < deadlines.get(chosen)!) chosen = host;
    reached = deadlines.get(chosen)!;
    deadlines.set(chosen, reached + 1 / weightOf(chosen, now));
    return chosen;
  };
}
