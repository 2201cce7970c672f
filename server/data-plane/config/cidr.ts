import { BlockList, isIP } from 'node:net';
import { ConfigProblem } from './problem.ts';

/** envoy.config.core.v3.CidrRange. */
export interface CidrRange {
  readonly address_prefix?: string;
  readonly prefix_len?: number;
}

/** A range of addresses, compiled; `text` is how people write it. */
export interface AddressRange {
  readonly text: string;
  readonly bits: number;
  readonly contains: (address: string) => boolean;
}

const FAMILIES = { 4: 'ipv4', 6: 'ipv6' } as const;

export function compileRange(given: CidrRange, field: string): AddressRange {
  const address = given.address_prefix ?? '';
  const family = isIP(address);
  if (family !== 4 && family !== 6) throw new ConfigProblem(field, `"${address}" is no address`);
  const asked = given.prefix_len ?? 0;
  if (asked < 0 || asked > 128) throw new ConfigProblem(field, `/${asked} is no prefix length`);
  // As in Envoy, no prefix is longer than the address.
  const bits = family === 4 ? Math.min(asked, 32) : asked;
  const list = new BlockList();
  list.addSubnet(address, bits, FAMILIES[family]);
  return {
    text: `${address}/${bits}`,
    bits,
    // An IPv4 address inside an IPv6 one is an IPv6 address, as in Envoy.
    contains: (candidate) => isIP(candidate) === family && list.check(candidate, FAMILIES[family]),
  };
}
