import { expect, it } from 'vitest';
import { readProxyHeader } from '../../../server/data-plane/listener/proxy-header.ts';
import { writeProxyHeader } from '../../../server/envoy/proxy-protocol.ts';

const source = { ip: '127.9.1.7', port: 40_123 };
const destination = { ip: '127.9.128.3', port: 80 };

it('writes the header byte for byte as the protocol says', () => {
  expect(writeProxyHeader(source, destination).toString('hex')).toBe(
    '0d0a0d0a000d0a515549540a' + '2111000c' + '7f090107' + '7f098003' + '9cbb' + '0050',
  );
});

it('reads it back however it is cut, and what stands behind it is no part of it', () => {
  const header = writeProxyHeader(source, destination);
  for (let length = 0; length < header.length; length++)
    expect(readProxyHeader(header.subarray(0, length))).toBe('incomplete');
  const withMore = Buffer.concat([header, Buffer.from('GET / HTTP/1.1')]);
  expect(readProxyHeader(withMore)).toEqual({ version: 2, addresses: { source, destination }, length: header.length });
});
