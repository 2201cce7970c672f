import { describe, expect, it } from 'vitest';
import { readProxyHeader } from '../../../server/data-plane/listener/proxy-header.ts';

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
    ['its beginning only', version2(0x21, 0x11, FOUR).subarray(0, 20), 'incomplete'],
  ] as const)('of version 2 with %s is told from a good one', (_what, bytes, wanted) => {
    expect(readProxyHeader(bytes)).toBe(wanted);
  });
});
