import { isIP } from 'node:net';

/** Whether text is an IPv4 or IPv6 address. */
export const isIp = (text: string): boolean => isIP(text) !== 0;

/** `10.0.0.0/8` or a lone address, as Envoy's CIDR range; undefined for what is neither. */
export function toCidr(text: string): { readonly address_prefix: string; readonly prefix_len: number } | undefined {
  const [address = '', bits] = text.split('/');
  if (!isIp(address)) return undefined;
  return {
    address_prefix: address,
    prefix_len: bits === undefined ? (address.includes(':') ? 128 : 32) : Number(bits),
  };
}
