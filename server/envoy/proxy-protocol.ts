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
