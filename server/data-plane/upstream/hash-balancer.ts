import type { Random } from '#domain';
import type { BalancingConfig } from '../config/lb-config.ts';
import { boundLoad } from './hashing/bounded-load.ts';
import { createMaglevTable } from './hashing/maglev.ts';
import { createRing, type HashTable } from './hashing/ring-hash.ts';
import { normalizeWeights } from './hashing/weights.ts';
import type { Host } from './host.ts';
import type { LoadBalancer } from './load-balancer.ts';

/** Consistent hashing: the same hash leads to the same host as long as the hosts stay. A request without a hash goes anywhere. */
export function hashing(config: BalancingConfig, random: Random, underWay: () => number): LoadBalancer {
  const tables = new WeakMap<readonly Host[], HashTable | 'empty'>();
  const tableOf = (hosts: readonly Host[]): HashTable | undefined => {
    let table = tables.get(hosts);
    if (table === undefined) {
      table = createTable(hosts, config) ?? 'empty';
      tables.set(hosts, table);
    }
    return table === 'empty' ? undefined : table;
  };
  const name = config.policy === 'MAGLEV' ? 'maglev' : 'ring hash';
  return {
    shapeOf: (hosts) => tableOf(hosts)?.shape,
    pick(hosts, _source, { hash, attempt }) {
      const key = hash ?? anyHash(random);
      const table = tableOf(hosts);
      if (table === undefined) return undefined;
      const host = table.choose(key, attempt, underWay());
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

/** Undefined where no host has a share: all of their localities weigh nothing. */
function createTable(hosts: readonly Host[], config: BalancingConfig): HashTable | undefined {
  const weighted = normalizeWeights(hosts, config.byLocality);
  if (weighted.length === 0) return undefined;
  const table =
    config.policy === 'MAGLEV' ? createMaglevTable(weighted, config.maglev) : createRing(weighted, config.ring);
  return config.balanceFactor === 0 ? table : boundLoad(table, weighted, config.balanceFactor);
}

const anyHash = (random: Random): bigint => BigInt(random.below(0x1_0000_0000)) * 0x1_0000_0001n;
