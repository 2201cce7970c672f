import type { SocketAddress } from '#domain';

/** Source: the PROXY protocol, version 2, section 2.2. */
const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const VERSION_AND_PROXY = 0x21;
const TCP_OVER_IPV4 = 0x11;
const ADDRESSES_BYTES = 12;
const HEAD_BYTES = SIGNATURE.length + 4;

/** The header that tells whoever accepts a connection from where it came and where it meant to go; addresses of IPv4. */
export function writeProxyHeader(source: SocketAddress, destination: SocketAddress): Buffer {
  const header = Buffer.alloc(HEAD_BYTES + ADDRESSES_BYTES);
  SIGNATURE.copy(header);
  header[12] = VERSION_AND_PROXY;
  header[13] = TCP_OVER_IPV4;
  header.writeUInt16BE(ADDRESSES_BYTES, 14);
  for (const [place, { ip }] of [source, destination].entries()) {
    for (const [i, part] of ip.split('.').entries()) header[HEAD_BYTES + place * 4 + i] = Number(part);
  }
  header.writeUInt16BE(source.port, HEAD_BYTES + 8);
  header.writeUInt16BE(destination.port, HEAD_BYTES + 10);
  return header;
}

export interface ProxyHeader {
  readonly destination: SocketAddress;
  /** Bytes of the header. */
  readonly length: number;
}

/** The header at the beginning of a connection; undefined: more bytes are needed, null: there is none, or of another kind. */
export function readProxyHeader(bytes: Buffer): ProxyHeader | undefined | null {
  const known = Math.min(bytes.length, SIGNATURE.length);
  if (!bytes.subarray(0, known).equals(SIGNATURE.subarray(0, known))) return null;
  if (bytes.length < HEAD_BYTES) return undefined;
  const addresses = bytes.readUInt16BE(14);
  if (bytes[12] !== VERSION_AND_PROXY || bytes[13] !== TCP_OVER_IPV4 || addresses < ADDRESSES_BYTES) return null;
  const length = HEAD_BYTES + addresses;
  if (bytes.length < length) return undefined;
  const ip = bytes.subarray(HEAD_BYTES + 4, HEAD_BYTES + 8).join('.');
  return { destination: { ip, port: bytes.readUInt16BE(HEAD_BYTES + 10) }, length };
}
