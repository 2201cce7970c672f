import type { Host } from '../host.ts';
import { MersenneTwister } from './mersenne-twister.ts';
import type { HashTable } from './ring-hash.ts';
import type { WeightedHost } from './weights.ts';

/**
 * Keeps every host within `factor` percent of its share of what is under way in the cluster. A request for a host beyond it goes to others, in
 * an order that its hash decides. Source: BoundedLoadHashingLoadBalancer in thread_aware_lb_impl.cc.
 */
export function boundLoad(table: HashTable, hosts: readonly WeightedHost[], factor: number): HashTable {
  const shares = new Map(hosts.map(({ host, share }) => [host, share]));
  const loadOf = (host: Host, underWay: number): number => {
    const slots = Math.max(1, Math.ceil(Math.floor(((underWay + 1) * factor + 99) / 100) * (shares.get(host) ?? 0)));
    return host.activeRequests / slots;
  };
  return {
    ...table,
    choose(hash, attempt, underWay) {
      const first = table.choose(hash, attempt, underWay);
      let least = loadOf(first, underWay);
      if (least <= 1) return first;
      let chosen = first;
      for (const host of shuffled(hosts, hash)) {
        if (host === first) continue;
        const load = loadOf(host, underWay);
        if (load <= 1) return host;
        if (load < least) {
          chosen = host;
          least = load;
        }
      }
      return chosen;
    },
  };
}

function* shuffled(hosts: readonly WeightedHost[], seed: bigint): Generator<Host> {
  const random = new MersenneTwister(Number(seed & 0xffff_ffffn));
  const left = hosts.map(({ host }) => host);
  for (let i = 0; i < left.length; i++) {
    const j = i + below(random, left.length - i);
    [left[i], left[j]] = [left[j]!, left[i]!];
    yield left[i]!;
  }
}

function below(random: MersenneTwister, limit: number): number {
  const step = Math.floor(0x1_0000_0000 / limit);
  for (;;) {
    const number = Math.floor(random.next() / step);
    if (number < limit) return number;
  }
}
