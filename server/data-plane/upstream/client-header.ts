import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import type { SocketAddress } from '#domain';
import { endpointFields, type HeaderField } from '../config/header-fields.ts';
import type { ClientHeader } from '../config/upstream-transport.ts';
import type { Host } from './host.ts';

/** A client as a PROXY protocol header names it. */
export interface NamedClient {
  readonly remoteAddress: SocketAddress;
  /** Where it meant to go. */
  readonly localAddress: SocketAddress;
  /** Further fields of the header that it sent itself. */
  readonly headerFields?: readonly HeaderField[] | undefined;
}

/** Under a cluster's figures. */
export const HEADER_SCOPE = 'upstream.proxyprotocol.';
/** Counts connections whose further fields had no room. */
export const TOO_LONG = 'v2_tlvs_exceed_max_length';

const V2_START = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const V2_LOCAL = Buffer.from([...V2_START, 0x20, 0, 0, 0]);
const V2_PROXY = 0x21;
const MAX_LENGTH = 0xffff;

/**
 * The first bytes of a connection to `host`. Without a client, as for health checks, version 1 names the connection itself and version 2
 * nobody. Fields that no header has room for are left out; `onTooLong` hears of each connection without them. Source: UpstreamProxyProtocolSocket in Envoy.
 */
export function clientHeader(
  config: ClientHeader,
  host: Host,
  client: NamedClient | undefined,
  onTooLong: () => void = () => undefined,
): (socket: Socket) => Buffer {
  if (client === undefined) return (socket) => ownHeader(config.version, socket);
  if (config.version === 1) return () => version1(client);
  const own = endpointFields(host.endpoint.metadata);
  const added = [...own, ...config.added.filter(({ type }) => !own.some((each) => each.type === type))];
  const passed = (client.headerFields ?? []).filter(
    ({ type }) => config.passes(type) && !added.some((each) => each.type === type),
  );
  const { bytes, whole } = version2(client, [...added, ...passed]);
  return () => {
    if (!whole) onTooLong();
    return bytes;
  };
}

/** The header that names a client and tells nothing else of it. */
export const plainHeader = (version: 1 | 2, client: NamedClient): Buffer =>
  version === 1 ? version1(client) : version2(client, []).bytes;

/** The header of a connection that no client has asked for. */
export const ownHeader = (version: 1 | 2, socket: Socket): Buffer =>
  version === 1 ? version1(endsOf(socket)) : V2_LOCAL;

const endsOf = (socket: Socket): NamedClient => ({
  remoteAddress: { ip: socket.localAddress ?? '', port: socket.localPort ?? 0 },
  localAddress: { ip: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 },
});

function version1({ remoteAddress: from, localAddress: to }: NamedClient): Buffer {
  const family = isIP(from.ip) === 6 ? 'TCP6' : 'TCP4';
  return Buffer.from(`PROXY ${family} ${from.ip} ${to.ip} ${from.port} ${to.port}\r\n`, 'latin1');
}

function version2({ remoteAddress: from, localAddress: to }: NamedClient, fields: readonly HeaderField[]) {
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(from.port, 0);
  ports.writeUInt16BE(to.port, 2);
  const addresses = Buffer.concat([bytesOf(from.ip), bytesOf(to.ip), ports]);
  const further = Buffer.concat(fields.map(framed));
  const whole = addresses.length + further.length <= MAX_LENGTH;
  const rest = whole ? Buffer.concat([addresses, further]) : addresses;
  const fixed = Buffer.from([...V2_START, V2_PROXY, isIP(from.ip) === 6 ? 0x21 : 0x11, 0, 0]);
  fixed.writeUInt16BE(rest.length, fixed.length - 2);
  return { bytes: Buffer.concat([fixed, rest]), whole };
}

const framed = ({ type, value }: HeaderField): Buffer =>
  Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), value]);

function bytesOf(ip: string): Buffer {
  if (isIP(ip) !== 6) return Buffer.from(ip.split('.').map(Number));
  const [head = '', tail] = ip.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const groups = tail === undefined ? head : [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail];
  const bytes = Buffer.alloc(16);
  for (const [i, group] of [...groups].entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * i);
  return bytes;
}
