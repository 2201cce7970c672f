import type { Random } from '#domain';
import type { BalancingConfig } from '../config/lb-config.ts';
import { createMaglevTable } from './hashing/maglev.ts';
import { createRing, type HashTable } from './hashing/ring-hash.ts';
import { normalizeWeights } from './hashing/weights.ts';
import type { Host } from './host.ts';
import type { LoadBalancer } from './load-balancer.ts';

/** Consistent hashing: the same hash leads to the same host as long as the hosts stay. A request without a hash goes anywhere. */
export function hashing(config: BalancingConfig, random: Random): LoadBalancer {
  const tables = new WeakMap<readonly Host[], HashTable>();
  const tableOf = (hosts: readonly Host[]): HashTable => {
    let table = tables.get(hosts);
    if (table === undefined) {
      const weighted = normalizeWeights(hosts, config.byLocality);
      table =
        config.policy === 'MAGLEV' ? createMaglevTable(weighted, config.maglev) : createRing(weighted, config.ring);
      tables.set(hosts, table);
    }
    return table;
  };
  const name = config.policy === 'MAGLEV' ? 'maglev' : 'ring hash';
  return {
    shapeOf: (hosts) => tableOf(hosts).shape,
    pick(hosts, _source, { hash, attempt }) {
      const key = hash ?? anyHash(random);
      const table = tableOf(hosts);
      const host = table.choose(key, attempt);
      return {
        host,
        why: () =>
          hash === undefined
            ? `${name}: the request has nothing of what is hashed, so a random hash led to ${host.key}`
            : `${name}: hash ${hash.toString(16).padStart(16, '0')} falls on ${table.describe(key)}, which is ${host.key}`,
      };
    },
  };
}

const anyHash = (random: Random): bigint => BigInt(random.below(0x1_0000_0000)) * 0x1_0000_0001n;
