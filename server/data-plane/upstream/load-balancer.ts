import type { Random } from '#domain';
import type { LbPolicy } from '../config/cluster-config.ts';
import type { Host } from './host.ts';

/** A host with the balancer's reason, in a learner's words; `why` is called only when the hop is recorded. */
export interface Pick {
  readonly host: Host;
  readonly why: () => string;
}

/** Chooses among hosts of one priority. Never called with an empty list. */
export interface LoadBalancer {
  pick(hosts: readonly Host[]): Pick;
}

export function createLoadBalancer(policy: LbPolicy, random: Random): LoadBalancer {
  switch (policy) {
    case 'LEAST_REQUEST':
      return leastRequest(random);
    case 'RANDOM':
      return { pick: (hosts) => drawn(hosts, random.below(hosts.length)) };
    case 'ROUND_ROBIN':
    case 'CLUSTER_PROVIDED':
      return roundRobin(random);
  }
}

function drawn(hosts: readonly Host[], place: number): Pick {
  const host = hosts[place]!;
  return { host, why: () => `random: drew host ${place + 1} of ${hosts.length}` };
}

const sameWeights = (hosts: readonly Host[]): boolean =>
  hosts.every((host) => host.endpoint.weight === hosts[0]!.endpoint.weight);

/** In turn, from a random start; by earliest deadline first where weights differ. */
function roundRobin(random: Random): LoadBalancer {
  let turn: number | undefined;
  const schedule = earliestDeadline((host) => host.endpoint.weight);
  return {
    pick(hosts) {
      if (!sameWeights(hosts)) return weighted(schedule(hosts), 'round robin');
      turn = turn === undefined ? random.below(hosts.length) : turn + 1;
      const place = turn % hosts.length;
      return { host: hosts[place]!, why: () => `round robin: the turn of host ${place + 1} of ${hosts.length}` };
    },
  };
}

/**
 * Envoy's least request: two hosts drawn with replacement, the one with fewer active requests wins. Where weights differ, weighted round
 * robin with weight / (active + 1).
 */
function leastRequest(random: Random): LoadBalancer {
  const schedule = earliestDeadline((host) => host.endpoint.weight / (host.activeRequests + 1));
  return {
    pick(hosts) {
      if (!sameWeights(hosts)) return weighted(schedule(hosts), 'least request');
      if (hosts.length === 1) return { host: hosts[0]!, why: () => 'least request: the only host' };
      const first = hosts[random.below(hosts.length)]!;
      const second = hosts[random.below(hosts.length)]!;
      const host = second.activeRequests < first.activeRequests ? second : first;
      const [a, b] = [first.activeRequests, second.activeRequests];
      return {
        host,
        why: () =>
          first === second
            ? `least request: drew ${first.key} twice (${a} active)`
            : `least request: drew ${first.key} (${a} active) and ${second.key} (${b} active)`,
      };
    },
  };
}

function weighted(host: Host, policy: string): Pick {
  return { host, why: () => `${policy} by weight: ${host.key} has weight ${host.endpoint.weight}` };
}

/** Earliest deadline first: each pick puts a host's next deadline 1/weight later, so shares follow weights without bursts. */
function earliestDeadline(weightOf: (host: Host) => number): (hosts: readonly Host[]) => Host {
  let deadlines = new Map<Host, number>();
  let now = 0;
  return (hosts) => {
    if (deadlines.size !== hosts.length || hosts.some((host) => !deadlines.has(host))) {
      deadlines = new Map(hosts.map((host) => [host, deadlines.get(host) ?? now + 1 / weightOf(host)]));
    }
    let chosen = hosts[0]!;
    for (const host of hosts) if (deadlines.get(host)! < deadlines.get(chosen)!) chosen = host;
    now = deadlines.get(chosen)!;
    deadlines.set(chosen, now + 1 / weightOf(chosen));
    return chosen;
  };
}
