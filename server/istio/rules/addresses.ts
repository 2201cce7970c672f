import { isIP, isIPv4, isIPv6 } from 'node:net';

// The test for IPv6 is a large regular expression, slow the first time.
export const isIpAddress = (text: string): boolean => isIPv4(text) || (text.includes(':') && isIPv6(text));

/** `10.0.0.0/8`: an address without a zone, and a length that fits it. */
export function isCidr(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/');
  if (rest.length > 0 || address.includes('%') || !isIpAddress(address)) return false;
  return /^(?:0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= (isIP(address) === 6 ? 128 : 32);
}

/** Why a text is no IPv4 address, in the words of Go's `netip`. */
function ipv4Problem(text: string): string {
  const octets = text.split('.');
  if (/[^0-9.]/.test(text)) return 'unexpected character';
  if (octets.some((each) => /^0\d/.test(each))) return 'IPv4 field has octet with leading zero';
  if (octets.some((each) => Number(each) > 255)) return 'IPv4 field has value >255';
  if (octets.includes('')) return 'IPv4 field must have at least one digit';
  return octets.length > 4 ? 'IPv4 address too long' : 'IPv4 address too short';
}

function addressProblem(text: string): string {
  const [first] = /[.:%]/.exec(text) ?? [];
  if (first === '%') return 'missing IPv6 address';
  return first === '.' ? ipv4Problem(text) : 'unable to parse IP';
}

/** What is wrong with a prefix such as `10.0.0.0/8`, in the words of Go's `netip.ParsePrefix`. */
export function prefixProblem(text: string): string | undefined {
  if (isCidr(text)) return undefined;
  const end = text.lastIndexOf('/');
  const [address, bits] = [text.slice(0, end), text.slice(end + 1)];
  if (address.includes('%') && isIpAddress(address)) return 'IPv6 zones cannot be present in a prefix';
  if (!isIpAddress(address)) return `ParseAddr("${address}"): ${addressProblem(address)}`;
  return /^(?:\d|[1-9]\d*)$/.test(bits) ? 'prefix length out of range' : `bad bits after slash: "${bits}"`;
}

/** `10.0.0.0/8`, `10.0.0.1`: what is wrong with a subnet. */
export function subnetProblem(subnet: string): string | undefined {
  if (subnet.split('/').length === 2) return isCidr(subnet) ? undefined : `${subnet} is not a valid CIDR block`;
  return ipProblem(subnet);
}

export const ipProblem = (address: string): string | undefined =>
  isIpAddress(address) ? undefined : `${address} is not a valid IP`;

/** `host:port`, an IPv6 host in brackets; undefined for anything else. The port may be any text. */
export function splitHostPort(text: string): { readonly host: string; readonly port: string } | undefined {
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]*)\]|([^:]*)):([^:]*)$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  return host === undefined ? undefined : { host, port };
}

/** A port as a number, as Go's `strconv.Atoi` reads it; undefined for anything else. */
export const portNumber = (text: string): number | undefined => (/^[+-]?\d+$/.test(text) ? Number(text) : undefined);

const UNIX = 'unix://';

export const isUnixAddress = (address: string): boolean => address.startsWith(UNIX);

/** What is wrong with the path of a Unix domain socket address, `unix:///path` or `unix://@name`. */
export function unixProblem(address: string): string | undefined {
  const path = address.slice(UNIX.length);
  if (path === '') return 'unix address must not be empty';
  if (path.startsWith('@') || (path.startsWith('/') && !path.endsWith('/'))) return undefined;
  return `${path} is not an absolute path to a file`;
}
