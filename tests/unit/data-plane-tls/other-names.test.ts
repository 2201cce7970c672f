import { expect, it } from 'vitest';
import { otherNames } from '../../../server/data-plane/tls/other-names.ts';

const der = (tag: number, ...content: (Buffer | string)[]): Buffer => {
  const bytes = Buffer.concat(content.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  const length = bytes.length < 0x80 ? [bytes.length] : [0x82, bytes.length >> 8, bytes.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), bytes]);
};

const OID = der(0x06, Buffer.from([0x2a, 0x03, 0x04]));
const other = (value: Buffer): Buffer => der(0xa0, OID, der(0xa0, value));
/** As the extension stands in a certificate. */
const extension = (...names: Buffer[]): Buffer =>
  Buffer.concat([
    Buffer.from('what stands before'),
    der(0x06, Buffer.from([0x55, 0x1d, 0x11])),
    der(0x01, Buffer.from([0xff])),
    der(0x04, der(0x30, ...names)),
  ]);

it('reads texts and whole numbers of other names, in their order, and passes over all else', () => {
  const raw = extension(
    der(0x86, 'spiffe://a/b'),
    other(der(0x0c, 'user@corp')),
    other(der(0x30, 'not a text')),
    other(der(0x16, 'x'.repeat(300))),
    other(der(0x02, Buffer.from([0xff, 0x00]))),
  );
  expect(otherNames({ raw })).toEqual(['user@corp', 'x'.repeat(300), '-256']);
});

it('finds nothing where there is no such extension, or where it is cut off', () => {
  expect(otherNames({ raw: Buffer.from('no certificate') })).toEqual([]);
  const raw = extension(other(der(0x0c, 'user@corp')));
  for (let length = 0; length < raw.length; length++) {
    expect(otherNames({ raw: raw.subarray(0, length) })).toEqual([]);
  }
});
