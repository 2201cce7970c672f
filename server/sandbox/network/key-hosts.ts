import { lookup } from 'node:dns/promises';
import { BlockList, connect, isIP, type Socket } from 'node:net';
import { type Clock, MeshworkError } from '#domain';
import { createFetch, type Dial, type FetchInit, type FetchResponse } from '#workloads';
import type { KeyHost } from './key-host.ts';

/** What a name resolves to, as the machine's resolver says. */
type Lookup = (name: string) => Promise<readonly string[]>;

const CONNECT_TIMEOUT_MS = 10_000;

export interface KeyHostsOptions {
  readonly hosts: readonly KeyHost[];
  readonly clock: Clock;
  /** The machine's resolver where nothing else is said. */
  readonly resolve?: Lookup;
}

/** Fetches from the hosts that the operator allows; undefined for every other URL. Redirects are not followed. */
export type FetchFromKeyHosts = (url: string, init?: FetchInit) => Promise<FetchResponse> | undefined;

/**
 * The way out of the sandbox for the keys of JWT issuers. A name is resolved once, and the connection goes to an address that was judged:
 * a name that leads to the machine itself, to a private network or to a cloud's metadata is refused, unless the operator wrote the address
 * down.
 */
export function createKeyHosts({ hosts, clock, resolve = byResolver }: KeyHostsOptions): FetchFromKeyHosts {
  return (url, init) => {
    const { origin } = new URL(url);
    const host = hosts.find((each) => each.origin === origin);
    if (host === undefined) return undefined;
    const dial: Dial = async (name, port) => connected(host.address ?? (await publicAddress(name, resolve)), port);
    return createFetch(dial, clock)(url, init);
  };
}

const byResolver: Lookup = async (name) => (await lookup(name, { all: true })).map(({ address }) => address);

async function publicAddress(name: string, resolve: Lookup): Promise<string> {
  const addresses = await resolve(name);
  const found = addresses.find(isPublic);
  if (found !== undefined) return found;
  throw new MeshworkError('MW9312', `${name} is at ${addresses.join(', ')}, which is no public address`);
}

function connected(address: string, port: number): Promise<Socket> {
  const socket = connect({ host: address, port });
  return new Promise((done, fail) => {
    const giveUp = (): void => void socket.destroy(new Error(`connect ETIMEDOUT ${address}:${port}`));
    socket.setTimeout(CONNECT_TIMEOUT_MS, giveUp);
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeListener('timeout', giveUp);
      socket.removeListener('error', fail);
      done(socket);
    });
  });
}

/** Addresses of IPv4 that are no hosts of the public network (RFC 6890 and its registry). */
const SPECIAL: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
/** Of IPv6 only 2000::/3 is public; in it, these hide IPv4 addresses or are for documents. */
const SPECIAL_V6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const special = new BlockList();
for (const [net, prefix] of SPECIAL) special.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of SPECIAL_V6) special.addSubnet(net, prefix, 'ipv6');
const global = new BlockList();
global.addSubnet('2000::', 3, 'ipv6');

/** Whether it is the address of a host that anybody could reach. */
export function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !special.check(address, 'ipv4');
  return isIP(address) === 6 && global.check(address, 'ipv6') && !special.check(address, 'ipv6');
}
