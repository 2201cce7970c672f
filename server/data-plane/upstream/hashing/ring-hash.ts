import { balancingLabels } from '../../config/labels.ts';
import type { Host } from '../host.ts';
import { murmurHash64 } from './murmur-hash.ts';
import type { WeightedHost } from './weights.ts';
import { xxHash64 } from './xx-hash.ts';

export type HashFunction = 'XX_HASH' | 'MURMUR_HASH_2';

export interface RingHashConfig {
  readonly minRingSize: number;
  readonly maxRingSize: number;
  readonly hashFunction: HashFunction;
  readonly byHostname: boolean;
}

/** A host for each hash, the same as long as the hosts are. */
export interface HashTable {
  /** `attempt`: 0 for the first choice; more where the earlier ones are to be avoided. `underWay`: requests in the whole cluster. */
  choose(hash: bigint, attempt: number, underWay: number): Host;
  /** Its size, and how much of it the hosts with the smallest and the largest share own. */
  readonly shape: TableShape;
  /** In a learner's words: where on the ring or in the table this hash lies. */
  describe(hash: bigint): string;
}

export interface TableShape {
  readonly size: number;
  readonly fewest: number;
  readonly most: number;
}

/** What stands for a host: `hash_key` of its metadata `envoy.lb`, its name where that is wanted, else its address. */
export function keyOf({ endpoint, key }: Host, byHostname: boolean): string {
  const own = balancingLabels(endpoint.metadata)?.['hash_key'];
  if (typeof own === 'string' && own !== '') return own;
  return byHostname && endpoint.hostname !== '' ? endpoint.hostname : key;
}

/**
 * The Ketama ring: each host owns points on it in proportion to its share, the hash of `<address>_<i>` each; a request belongs to the
 * first point at or after its own hash. Never called without hosts. Source: ring_hash_lb.cc.
 */
export function createRing(hosts: readonly WeightedHost[], config: RingHashConfig): HashTable {
  const hashOf = config.hashFunction === 'MURMUR_HASH_2' ? murmurHash64 : xxHash64;
  const smallest = Math.min(...hosts.map(({ share }) => share));
  const scale = Math.min(Math.ceil(smallest * config.minRingSize) / smallest, config.maxRingSize);
  const points: { readonly hash: bigint; readonly host: Host }[] = [];
  const owned: number[] = [];
  let target = 0;
  for (const { host, share } of hosts) {
    target += scale * share;
    const key = keyOf(host, config.byHostname);
    const before = points.length;
    for (let i = 0; points.length < target; i++) points.push({ hash: hashOf(`${key}_${i}`), host });
    owned.push(points.length - before);
  }
  points.sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0));

  /** The first point at or after the hash; the ring's beginning when there is none. */
  const find = (hash: bigint): number => {
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points[middle]!.hash < hash) low = middle + 1;
      else high = middle;
    }
    return low === points.length ? 0 : low;
  };
  return {
    choose: (hash, attempt) => points[(find(hash) + attempt) % points.length]!.host,
    shape: { size: Math.ceil(scale), fewest: Math.min(...owned), most: Math.max(...owned) },
    describe: (hash) => `point ${find(hash) + 1} of ${points.length} on the ring`,
  };
}
