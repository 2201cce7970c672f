import { isIPv4 } from 'node:net';
import { hostname } from 'node:os';
import type { SocketAddress } from '#domain';
import { formatAddress } from '#domain';
import { type Command, type CommandReader, type FormatConnection, type FormatSubject, text } from './subject.ts';

type Read = (subject: FormatSubject) => SocketAddress | undefined;

const remote: Read = ({ remoteAddress, connection }) => remoteAddress ?? connection.remoteAddress;
const directRemote: Read = ({ connection }) => connection.directAddress ?? connection.remoteAddress;
const local: Read = ({ connection }) => connection.localAddress;
const upstreamLocal: Read = ({ info }) => parsed(info.upstreamLocalAddress);
/** Set once the connection stands, unlike the host that was chosen. */
const upstreamRemote: Read = ({ info }) => (info.upstreamLocalAddress === '' ? undefined : parsed(info.upstreamHost));

function parsed(address: string): SocketAddress | undefined {
  const colon = address.lastIndexOf(':');
  return colon < 0 ? undefined : { ip: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

/** An address of a connection is written for each of its requests; its text is made once. */
const texts = new WeakMap<SocketAddress, string>();

function textOf(address: SocketAddress, { remoteAddress, localAddress }: FormatConnection): string {
  if (address !== remoteAddress && address !== localAddress) return formatAddress(address);
  const known = texts.get(address);
  if (known !== undefined) return known;
  const made = formatAddress(address);
  texts.set(address, made);
  return made;
}

const whole =
  (read: Read): Command =>
  (subject) => {
    const address = read(subject);
    return address && textOf(address, subject.connection);
  };

/** Figures keep the address to the host as a text. */
const upstreamLocalText: Command = ({ info: { upstreamLocalAddress } }) =>
  upstreamLocalAddress.includes(':') ? upstreamLocalAddress : undefined;

/** The three commands of one address: whole, without its port (perhaps masked), the port alone. */
const family = (prefix: string, read: Read, all = whole(read)): Record<string, CommandReader> => ({
  [`${prefix}_ADDRESS`]: () => all,
  [`${prefix}_ADDRESS_WITHOUT_PORT`]: (argument) => masked(read, argument),
  [`${prefix}_PORT`]: () => (subject) => read(subject)?.port,
});

const WIDTH = 32;

/** `(16)` masks to so many bits and writes CIDR notation. As in Envoy, what is no number masks nothing. */
function masked(read: Read, argument: string): Command {
  if (!/^\d+$/.test(argument)) return (subject) => read(subject)?.ip;
  const bits = Math.min(Number(argument), WIDTH);
  return (subject) => {
    const ip = read(subject)?.ip;
    return ip === undefined || !isIPv4(ip) ? ip : `${network(ip, bits)}/${bits}`;
  };
}

function network(ip: string, bits: number): string {
  const mask = bits === 0 ? 0 : (0xffff_ffff << (WIDTH - bits)) >>> 0;
  const number = (ip.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0) & mask) >>> 0;
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join('.');
}

/** A host found by name bears it; others are known by their address. */
const hostName = ({ info, endpoint }: FormatSubject): string | undefined =>
  text(endpoint === undefined || endpoint.hostname === '' ? info.upstreamHost : endpoint.hostname);

const withoutPort = (address: string | undefined): string | undefined => address?.replace(/:\d+$/, '');

/** Every host that a connection was tried with. As in Envoy, each try of a request begins the list anew, with the host that it has reached. */
function attempted(subject: FormatSubject, last: string | undefined): readonly string[] {
  const { head, info } = subject;
  if (last === undefined || last === '') return [];
  if (head.method === '') return [...info.hostsTriedBefore, last];
  return info.upstreamLocalAddress === '' ? [] : [last];
}

const listed = (hosts: readonly string[], write: (host: string) => string): string | undefined =>
  hosts.length === 0 ? undefined : hosts.map(write).join(',');

const hostsAttempted =
  (write: (address: string) => string): CommandReader =>
  () =>
  (subject) =>
    listed(attempted(subject, subject.info.upstreamHost), write);

/** Of attempts before the last the address is kept, and no name. */
const namesAttempted =
  (write: (name: string) => string): CommandReader =>
  () =>
  (subject) =>
    listed(attempted(subject, hostName(subject)), write);

/** Where connections come from and lead to. */
export const ADDRESS_COMMANDS: Readonly<Record<string, CommandReader>> = {
  ...family('DOWNSTREAM_REMOTE', remote),
  ...family('DOWNSTREAM_DIRECT_REMOTE', directRemote),
  ...family('DOWNSTREAM_LOCAL', local),
  ...family('DOWNSTREAM_DIRECT_LOCAL', local),
  ...family('UPSTREAM_LOCAL', upstreamLocal, upstreamLocalText),
  ...family('UPSTREAM_REMOTE', upstreamRemote),
  UPSTREAM_HOST:
    () =>
    ({ info }) =>
      text(info.upstreamHost),
  UPSTREAM_HOST_NAME: () => hostName,
  UPSTREAM_HOST_NAME_WITHOUT_PORT: () => (subject) => withoutPort(hostName(subject)),
  UPSTREAM_HOSTS_ATTEMPTED: hostsAttempted((address) => address),
  UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT: hostsAttempted((address) => withoutPort(address) ?? ''),
  UPSTREAM_HOST_NAMES_ATTEMPTED: namesAttempted((name) => name),
  UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT: namesAttempted((name) => withoutPort(name) ?? ''),
  HOSTNAME: () => () => hostname(),
};
