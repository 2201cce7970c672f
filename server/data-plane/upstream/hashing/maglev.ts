import type { Host } from '../host.ts';
import { type HashTable, keyOf } from './ring-hash.ts';
import type { WeightedHost } from './weights.ts';
import { xxHash64 } from './xx-hash.ts';

export interface MaglevConfig {
  /** A prime. */
  readonly tableSize: number;
  readonly byHostname: boolean;
}

interface Entry {
  readonly host: Host;
  readonly offset: number;
  readonly skip: number;
  readonly share: number;
  target: number;
  next: number;
  /** Places of the table that it owns. */
  owned: number;
}

const ALL_BITS = 0xffff_ffff_ffff_ffffn;

/**
 * The Maglev table: hosts take turns, each claiming the next free place of its own permutation, lighter ones less often. Source:
 * maglev_lb.cc, after listing 1 of the Maglev paper. Never called without hosts.
 */
export function createMaglevTable(hosts: readonly WeightedHost[], { tableSize, byHostname }: MaglevConfig): HashTable {
  if (hosts.length === 1) return tableOfOne(hosts[0]!.host);
  const size = BigInt(tableSize);
  const heaviest = Math.max(...hosts.map(({ share }) => share));
  const keyed = hosts.map(({ host, share }) => ({ host, share, key: keyOf(host, byHostname) }));
  // The order decides who claims first; it must not depend on the order in which endpoints were sent.
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const entries: Entry[] = keyed.map(({ host, share, key }) => ({
    host,
    share,
    offset: Number(xxHash64(key) % size),
    skip: Number(xxHash64(key, 1n) % (size - 1n)) + 1,
    target: 0,
    next: 0,
    owned: 0,
  }));
  const table = fill(entries, tableSize, heaviest);
  const place = (hash: bigint): number => Number(hash % size);
  return {
    choose: (hash, attempt) => {
      const moved = attempt === 0 ? hash : hash ^ ((ALL_BITS - BigInt(attempt) + 1n) & ALL_BITS);
      return entries[table[place(moved)]!]!.host;
    },
    shape: {
      size: tableSize,
      fewest: Math.min(...entries.map(({ owned }) => owned)),
      most: Math.max(...entries.map(({ owned }) => owned)),
    },
    describe: (hash) => `place ${place(hash)} of ${tableSize} in the Maglev table`,
  };
}

/** As in Envoy, one host needs one place. */
const tableOfOne = (host: Host): HashTable => ({
  choose: () => host,
  shape: { size: 1, fewest: 1, most: 1 },
  describe: () => 'the only place of the Maglev table',
});

/** Index of the owner of each place. */
function fill(entries: readonly Entry[], size: number, heaviest: number): Int32Array {
  const table = new Int32Array(size).fill(-1);
  let filled = 0;
  for (let iteration = 1; filled < size; iteration++) {
    for (const [index, entry] of entries.entries()) {
      if (filled === size) break;
      if (iteration * entry.share < entry.target) continue;
      entry.target += heaviest;
      let place = permutation(entry, size);
      while (table[place] !== -1) {
        entry.next++;
        place = permutation(entry, size);
      }
      table[place] = index;
      entry.next++;
      entry.owned++;
      filled++;
    }
  }
  return table;
}

/** Exact: offset + skip × next stays below 2^53 for every table that Envoy allows (5,000,011 places). */
const permutation = ({ offset, skip, next }: Entry, size: number): number => (offset + skip * next) % size;
