import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fingerprintsOf } from '../../../server/data-plane/tls/hello-fingerprints.ts';

const u16 = (value: number): number[] => [value >> 8, value & 0xff];
const vector = (lengthBytes: 1 | 2, content: readonly number[]): number[] => [
  ...(lengthBytes === 1 ? [content.length] : u16(content.length)),
  ...content,
];
const list = (values: readonly number[]): number[] => vector(2, values.flatMap(u16));
const extension = (type: number, content: readonly number[]): number[] => [...u16(type), ...vector(2, content)];

/** A ClientHello in one record. */
function helloOf(ciphers: readonly number[], extensions: readonly number[][]): Buffer {
  const body = [
    ...u16(771),
    ...Array<number>(32).fill(7),
    ...vector(1, []),
    ...list(ciphers),
    ...vector(1, [0]),
    ...(extensions.length === 0 ? [] : vector(2, extensions.flat())),
  ];
  const message = [1, 0, ...u16(body.length), ...body];
  return Buffer.from([0x16, 3, 1, ...u16(message.length), ...message]);
}

const GREASE = 0x3a3a;
const BOTH = { ja3: true, ja4: true };
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

describe('fingerprints of a ClientHello', () => {
  it('count what a client offers in its order, or sorted, and leave out what it makes up', () => {
    const hello = helloOf(
      [GREASE, 0x1302, 0x1301],
      [
        extension(GREASE, []),
        extension(16, vector(2, vector(1, [...Buffer.from('http/1.1')]))),
        extension(0, vector(2, [0, ...vector(2, [...Buffer.from('shop')])])),
        extension(10, list([GREASE, 29, 23])),
        extension(11, vector(1, [0])),
        extension(13, list([0x0804, 0x0403])),
        extension(43, vector(1, [GREASE, 772, 771].flatMap(u16))),
      ],
    );
    expect(fingerprintsOf(hello, BOTH)).toEqual({
      ja3: md5('771,4866-4865,16-0-10-11-13-43,29-23,0'),
      ja4: `t13d0206h1_${sha256('1301,1302')}_${sha256('000a,000b,000d,002b_0804,0403')}`,
    });
  });

  it('tell of a client without extensions by its version', () => {
    expect(fingerprintsOf(helloOf([0x002f], []), BOTH)).toEqual({
      ja3: md5('771,47,,,'),
      ja4: `t12i010000_${sha256('002f')}_000000000000`,
    });
  });

  it('are taken where they are wanted, and of nothing but TLS', () => {
    const hello = helloOf([0x002f], []);
    expect(fingerprintsOf(hello, { ja3: true, ja4: false })).toEqual({ ja3: md5('771,47,,,'), ja4: undefined });
    expect(fingerprintsOf(Buffer.from('GET / HTTP/1.1\r\n\r\n'), BOTH)).toBeUndefined();
  });

  it('bear lists that end in the middle', () => {
    const hello = helloOf([0x002f], [extension(16, vector(2, [])), extension(10, [0])]);
    expect(fingerprintsOf(hello, BOTH)).toBeUndefined();
  });
});
