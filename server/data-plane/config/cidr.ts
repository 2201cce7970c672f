import { BlockList, isIP, SocketAddress } from 'node:net';
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

/** The range of so many bits around an address, as Envoy writes it: `192.168.1.0/24`. */
export function rangeAround(address: string, bits: number): string {
  const groups = isIP(address) === 4 ? address.split('.').map(Number) : groupsOf(address);
  const size = isIP(address) === 4 ? 8 : 16;
  const masked = groups.map((group, i) => {
    const kept = Math.min(Math.max(bits - i * size, 0), size);
    return group & (((1 << kept) - 1) << (size - kept));
  });
  if (size === 8) return `${masked.join('.')}/${bits}`;
  const text = masked.map((group) => group.toString(16)).join(':');
  return `${new SocketAddress({ address: text, family: 'ipv6' }).address}/${bits}`;
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [before = '', after] = plain.split('::');
  const read = (part: string | undefined): number[] =>
    part ? part.split(':').map((group) => Number.parseInt(group, 16)) : [];
  const [front, back] = [read(before), read(after)];
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
}
