import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { TransportSocket } from '#xds';
import { compileEndpoints } from '../../../server/data-plane/config/endpoint-config.ts';
import { readUpstreamTransport } from '../../../server/data-plane/config/upstream-transport.ts';
import { furtherFields, readProxyHeader } from '../../../server/data-plane/listener/proxy-header.ts';
import { clientHeader, type NamedClient } from '../../../server/data-plane/upstream/client-header.ts';
import { Host } from '../../../server/data-plane/upstream/host.ts';

const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const version2 = (command: number, family: number, rest: readonly number[]): Buffer =>
  Buffer.from([...SIGNATURE, command, family, rest.length >> 8, rest.length & 255, ...rest]);
const FOUR = [1, 2, 3, 4, 5, 6, 7, 8, 0x04, 0xd2, 0x00, 0x50];
const SIX = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const TLV = [0x02, 0, 4, 0x74, 0x65, 0x73, 0x74];
const told = { source: { ip: '1.2.3.4', port: 1234 }, destination: { ip: '5.6.7.8', port: 80 } };

describe('a PROXY protocol header', () => {
  it.each([
    ['of version 1', 'PROXY TCP4 1.2.3.4 5.6.7.8 1234 80\r\n', { version: 1, length: 36, addresses: told }],
    ['that tells nothing', 'PROXY UNKNOWN\r\n', { version: 1, length: 15, addresses: undefined }],
  ] as const)('%s is read', (_what, text, wanted) => {
    expect(readProxyHeader(Buffer.from(`${text}GET /`))).toEqual(wanted);
  });

  it.each([
    ['of IPv4', version2(0x21, 0x11, FOUR), { version: 2, length: 28, addresses: told }],
    ['with further fields', version2(0x21, 0x11, [...FOUR, ...TLV]), { version: 2, length: 35, addresses: told }],
    ['of a check by the balancer itself', version2(0x20, 0, []), { version: 2, length: 16, addresses: undefined }],
  ] as const)('of version 2 %s is read', (_what, bytes, wanted) => {
    expect(readProxyHeader(Buffer.concat([bytes, Buffer.from('GET /')]))).toEqual(wanted);
  });

  it('names addresses of IPv6 in their shortest form', () => {
    const reading = readProxyHeader(version2(0x21, 0x21, [...SIX, ...SIX, 0, 1, 0, 2]));
    const end = { ip: '2001:db8::1' };
    expect(reading).toMatchObject({ addresses: { source: { ...end, port: 1 }, destination: { ...end, port: 2 } } });
  });

  it.each([
    ['an address that is none', 'PROXY TCP4 1.2.3.400 5.6.7.8 1234 80\r\n', 'bad v1'],
    ['an address of another family', 'PROXY TCP4 ::1 5.6.7.8 1234 80\r\n', 'bad v1'],
    ['a port beyond 65535', 'PROXY TCP4 1.2.3.4 5.6.7.8 99999 80\r\n', 'bad v1'],
    ['a word too many', 'PROXY TCP4 1.2.3.4 5.6.7.8 1234 80 9\r\n', 'bad v1'],
    ['no end', `PROXY TCP4 ${'1'.repeat(120)}`, 'bad v1'],
    ['another first word', 'GET / HTTP/1.1\r\n', 'none'],
    ['its beginning only', 'PROX', 'incomplete'],
  ])('with %s is told from a good one', (_what, text, wanted) => {
    expect(readProxyHeader(Buffer.from(text))).toBe(wanted);
  });

  it.each([
    ['another version', version2(0x31, 0x11, FOUR), 'bad v2'],
    ['a family that no TCP connection has', version2(0x21, 0x31, Array(216).fill(0)), 'bad v2'],
    ['too few bytes', version2(0x21, 0x11, FOUR.slice(4)), 'bad v2'],
    ['a further field that is cut off', version2(0x21, 0x11, [...FOUR, 1, 0, 9]), 'bad v2'],
    ['its beginning only', version2(0x21, 0x11, FOUR).subarray(0, 20), 'incomplete'],
  ] as const)('of version 2 with %s is told from a good one', (_what, bytes, wanted) => {
    expect(readProxyHeader(bytes)).toBe(wanted);
  });
});

const PREFIX = 'type.googleapis.com/envoy.extensions.transport_sockets.';
const TYPED = 'envoy.transport_sockets.proxy_protocol';

const SOCKET = { localAddress: '8.8.8.8', localPort: 80, remoteAddress: '9.9.9.9', remotePort: 90 } as Socket;

/** A transport with this `config`, in plaintext. */
const named = (config: object): TransportSocket => {
  const raw = { name: 'raw', typed_config: { '@type': `${PREFIX}raw_buffer.v3.RawBuffer` } };
  const typed_config = {
    '@type': `${PREFIX}proxy_protocol.v3.ProxyProtocolUpstreamTransport`,
    config,
    transport_socket: raw,
  };
  return { name: 'proxy', typed_config };
};

function hostWith(added: readonly object[]): Host {
  const endpoint = {
    endpoint: { address: { socket_address: { address: '9.9.9.9', port_value: 90 } } },
    metadata: { typed_filter_metadata: { [TYPED]: { added_tlvs: added } } },
  };
  const [placed] = compileEndpoints({ cluster_name: 'a', endpoints: [{ lb_endpoints: [endpoint] }] } as never);
  return new Host(placed!);
}

/** What a connection begins with, of a cluster whose transport has this `config`. */
function written(config: object, client: NamedClient | undefined, added: readonly object[] = []): Buffer {
  const { clientHeader: header } = readUpstreamTransport(named(config));
  if (header === undefined) throw new Error('the transport names no client');
  return clientHeader(header, hostWith(added), client)(SOCKET);
}

const v4 = { remoteAddress: told.source, localAddress: told.destination };
const v6 = { remoteAddress: { ip: '2001:db8::1', port: 1 }, localAddress: { ip: '::ffff:102:304', port: 65_535 } };
const ends = { source: { ip: '8.8.8.8', port: 80 }, destination: { ip: '9.9.9.9', port: 90 } };
const sixes = { source: v6.remoteAddress, destination: v6.localAddress };

describe('a PROXY protocol header that is written', () => {
  it.each([
    ['of version 1', {}, v4, told],
    ['of version 1 for IPv6', {}, v6, sixes],
    ['of version 1 without a client names the connection', {}, undefined, ends],
    ['of version 2', { version: 'V2' }, v4, told],
    ['of version 2 for IPv6', { version: 'V2' }, v6, sixes],
    ['of version 2 without a client names nobody', { version: 'V2' }, undefined, undefined],
  ] as const)('%s is read again', (_what, config, client, addresses) => {
    const bytes = written(config, client);
    const version = 'version' in config ? 2 : 1;
    expect(readProxyHeader(bytes)).toEqual({ version, length: bytes.length, addresses });
  });

  const field = (type: number, text: string): object => ({ type, value: Buffer.from(text).toString('base64') });
  const sent = { ...v4, headerFields: [5, 6, 224].map((type) => ({ type, value: Buffer.from(`client ${type}`) })) };
  it.each([
    ['those of the cluster', { added_tlvs: [field(224, 'a')] }, [], ['224 a']],
    [
      'those of the endpoint before those of the cluster',
      { added_tlvs: [field(224, 'a'), field(225, 'b')] },
      [field(224, 'own')],
      ['224 own', '225 b'],
    ],
    ['all of the client', { pass_through_tlvs: {} }, [], ['5 client 5', '6 client 6', '224 client 224']],
    [
      'some of the client',
      { pass_through_tlvs: { match_type: 'INCLUDE', tlv_type: [6, 224] }, added_tlvs: [field(224, 'a')] },
      [],
      ['224 a', '6 client 6'],
    ],
    ['none where they do not fit', { added_tlvs: [field(1, 'x'.repeat(65_530))] }, [], []],
  ] as const)('has further fields: %s', (_which, config, own, wanted) => {
    const fields = furtherFields(written({ version: 'V2', ...config }, sent, own));
    expect(fields.map(({ type, value }) => `${type} ${value}`)).toEqual(wanted);
  });

  it('tells of each connection whose fields had no room', () => {
    let told = 0;
    const { clientHeader: header } = readUpstreamTransport(
      named({ version: 'V2', added_tlvs: [field(1, 'x'.repeat(65_530))] }),
    );
    const bytes = clientHeader(header!, hostWith([]), v4, () => {
      told++;
    });
    bytes(SOCKET);
    bytes(SOCKET);
    expect(told).toBe(2);
  });

  it('is refused with a field without a value', () => {
    expect(() => written({ version: 'V2', added_tlvs: [{ type: 1 }] }, v4)).toThrow(
      'transport_socket.config.added_tlvs[0].value: value length must be at least 1 bytes',
    );
  });
});
