import { isIP } from 'node:net';
import type { SocketAddress } from '#domain';
import type { HeaderField } from '../config/header-fields.ts';

/** What a PROXY protocol header says. Without addresses (LOCAL, UNKNOWN) those of the connection count. */
export interface ProxyHeader {
  readonly version: 1 | 2;
  /** Bytes that it takes. */
  readonly length: number;
  readonly addresses: { readonly source: SocketAddress; readonly destination: SocketAddress } | undefined;
}

/** incomplete: more bytes will tell. none: the bytes begin no header. Otherwise the version whose header is broken. */
export type HeaderReading = ProxyHeader | 'incomplete' | 'none' | 'bad v1' | 'bad v2';

const V1_START = Buffer.from('PROXY ', 'latin1');
const V1_MAX = 107;
const V2_START = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
const V2_FIXED = 16;
const COMMAND = { local: 0x20, proxy: 0x21 } as const;
/** Family and transport of version 2: bytes of one address. */
const FAMILIES: Readonly<Record<number, number>> = { 17: 4, 33: 16 };

/** Reads the header with which a load balancer begins a connection (PROXY protocol, versions 1 and 2, of HAProxy's specification). */
export function readProxyHeader(bytes: Buffer): HeaderReading {
  if (bytes.length === 0) return 'incomplete';
  if (begins(bytes, V2_START)) return bytes.length < V2_FIXED ? 'incomplete' : readVersion2(bytes);
  if (begins(bytes, V1_START)) return bytes.length < V1_START.length ? 'incomplete' : readVersion1(bytes);
  return 'none';
}

/** As far as there are bytes, they are those of `start`. */
function begins(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.subarray(0, length).equals(start.subarray(0, length));
}

function readVersion1(bytes: Buffer): HeaderReading {
  const end = bytes.indexOf('\r\n');
  if (end < 0) return bytes.length >= V1_MAX ? 'bad v1' : 'incomplete';
  if (end + 2 > V1_MAX) return 'bad v1';
  const [, family = '', from = '', to = '', fromPort = '', toPort = '', ...rest] = bytes
    .toString('latin1', 0, end)
    .split(' ');
  const length = end + 2;
  if (family === 'UNKNOWN') return { version: 1, length, addresses: undefined };
  const kind = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : 0;
  const ports = [fromPort, toPort].map((port) => (/^\d{1,5}$/.test(port) ? Number(port) : Number.NaN));
  const good = kind !== 0 && isIP(from) === kind && isIP(to) === kind && ports.every((port) => port <= 65_535);
  if (!good || rest.length > 0) return 'bad v1';
  return {
    version: 1,
    length,
    addresses: { source: { ip: from, port: ports[0]! }, destination: { ip: to, port: ports[1]! } },
  };
}

function readVersion2(bytes: Buffer): HeaderReading {
  const command = bytes[12];
  const length = V2_FIXED + bytes.readUInt16BE(14);
  if (command !== COMMAND.local && command !== COMMAND.proxy) return 'bad v2';
  const size = FAMILIES[bytes[13]!];
  if (command === COMMAND.proxy && (size === undefined || length < V2_FIXED + 2 * size + 4)) return 'bad v2';
  if (bytes.length < length) return 'incomplete';
  if (command === COMMAND.local || size === undefined) return { version: 2, length, addresses: undefined };
  if (!hasWholeFields(bytes.subarray(V2_FIXED + 2 * size + 4, length))) return 'bad v2';
  const at = V2_FIXED;
  const ports = at + 2 * size;
  return {
    version: 2,
    length,
    addresses: {
      source: { ip: ipAt(bytes, at, size), port: bytes.readUInt16BE(ports) },
      destination: { ip: ipAt(bytes, at + size, size), port: bytes.readUInt16BE(ports + 2) },
    },
  };
}

/** Each field says how long it is, and the last one ends with the header. */
function hasWholeFields(fields: Buffer): boolean {
  let at = 0;
  while (at + 3 <= fields.length) at += 3 + fields.readUInt16BE(at + 1);
  return at === fields.length;
}

/** The further fields of a whole header of version 2; what is cut off is none. */
export function furtherFields(header: Buffer): HeaderField[] {
  const size = FAMILIES[header[13] ?? 0];
  const fields: HeaderField[] = [];
  if (size === undefined || !begins(header, V2_START)) return fields;
  for (let at = V2_FIXED + 2 * size + 4; at + 3 <= header.length; ) {
    const end = at + 3 + header.readUInt16BE(at + 1);
    if (end > header.length) break;
    fields.push({ type: header[at]!, value: Buffer.from(header.subarray(at + 3, end)) });
    at = end;
  }
  return fields;
}

function ipAt(bytes: Buffer, at: number, size: number): string {
  if (size === 4) return bytes.subarray(at, at + 4).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(at + 2 * i).toString(16));
  // The shortest spelling, as everywhere else.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
