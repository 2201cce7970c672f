import { isIP, isIPv4 } from 'node:net';
import type { CidrRange } from './rbac-types.ts';

/** `10.0.0.0/16` or a single address; undefined for anything else. Host bits stay; IPv6 gets its shortest form. */
export function cidrRange(text: string): CidrRange | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  if (isIP(address) === 0 || address.includes('%')) return undefined;
  const bits = isIPv4(address) ? 32 : 128;
  const address_prefix = bits === 32 ? address : shortest(address);
  if (slash < 0) return { address_prefix, prefix_len: bits };
  const length = text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > bits) return undefined;
  return { address_prefix, prefix_len: Number(length) };
}

/** Addresses that end in IPv4 notation keep it. */
const shortest = (address: string): string =>
  address.includes('.') ? address.toLowerCase() : new URL(`http://[${address}]`).hostname.slice(1, -1);
