import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HpackDecoder } from '../../../server/data-plane/http/h2/hpack-decoder.ts';
import { HpackEncoder } from '../../../server/data-plane/http/h2/hpack-encoder.ts';

const LIMITS = { maxListBytes: 64 * 1024, maxFields: 200, maxTableBytes: 4096 };

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

function decode(decoder: HpackDecoder, block: Buffer): string[] {
  expect(decoder.decode(block, 0, block.length)).toBe(true);
  return decoder.fields;
}

function encode(encoder: HpackEncoder, fields: readonly string[]): Buffer {
  const out = Buffer.alloc(128 * 1024);
  let at = encoder.begin(out, 0);
  for (let i = 0; i < fields.length; i += 2) at = encoder.field(out, at, fields[i]!, fields[i + 1]!);
  return out.subarray(0, at);
}

const request = (path: string, ...more: string[]): string[] => [
  ':method',
  'GET',
  ':scheme',
  'http',
  ':path',
  path,
  ':authority',
  'www.example.com',
  ...more,
];

describe('the HPACK decoder', () => {
  it('reads the requests without Huffman codes of RFC 7541, C.3', () => {
    const decoder = new HpackDecoder(LIMITS);
    expect(decode(decoder, bytes('8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d'))).toEqual(request('/'));
    expect(decode(decoder, bytes('8286 84be 5808 6e6f 2d63 6163 6865'))).toEqual(
      request('/', 'cache-control', 'no-cache'),
    );
    const third = bytes('8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65');
    expect(decode(decoder, third)).toEqual(
      request('/index.html', 'custom-key', 'custom-value').map((text) => (text === 'http' ? 'https' : text)),
    );
  });

  it('reads the requests with Huffman codes of RFC 7541, C.4', () => {
    const decoder = new HpackDecoder(LIMITS);
    expect(decode(decoder, bytes('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff'))).toEqual(request('/'));
    expect(decode(decoder, bytes('8286 84be 5886 a8eb 1064 9cbf'))).toEqual(request('/', 'cache-control', 'no-cache'));
    expect(decode(decoder, bytes('8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf'))).toEqual(
      request('/index.html', 'custom-key', 'custom-value').map((text) => (text === 'http' ? 'https' : text)),
    );
  });

  it('reads the responses of RFC 7541, C.6, whose table of 256 bytes drops entries', () => {
    const decoder = new HpackDecoder({ ...LIMITS, maxTableBytes: 256 });
    const date = 'Mon, 21 Oct 2013 20:13:21 GMT';
    const fixed = ['cache-control', 'private', 'date', date, 'location', 'https://www.example.com'];
    expect(
      decode(
        decoder,
        bytes(
          '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
        ),
      ),
    ).toEqual([':status', '302', ...fixed]);
    expect(decode(decoder, bytes('4883 640e ffc1 c0bf'))).toEqual([':status', '307', ...fixed]);
    const third = decode(
      decoder,
      bytes(
        '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
      ),
    );
    expect(third).toEqual([
      ':status',
      '200',
      'cache-control',
      'private',
      'date',
      'Mon, 21 Oct 2013 20:13:22 GMT',
      'location',
      'https://www.example.com',
      'content-encoding',
      'gzip',
      'set-cookie',
      'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
    ]);
  });

  it.each([
    ['an index of no entry', '80'],
    ['an index beyond both tables', 'ff8001'],
    ['a text that is longer than its block', '0005 6162'],
    ['an integer that never ends', 'ffff ffff ffff ffff'],
    ['Huffman padding of zeros', '0081 0001 61'],
    ['Huffman padding of a whole byte', '0082 1fff 0161'],
    ['a table size beyond the one that was announced', '3fe2 3f'],
    ['a table size behind the first field', '8220'],
  ])('refuses %s', (_what, hex) => {
    const block = bytes(hex);
    expect(new HpackDecoder(LIMITS).decode(block, 0, block.length)).toBe(false);
  });

  it.each([
    ['upper case in a name', ['X-Name', 'v']],
    ['a line end in a value', ['x-name', 'a\r\nb']],
    ['a NUL in a value', ['x-name', 'a\0b']],
    ['a NUL in a name', ['x\0name', 'v']],
    ['a space in a name', ['x name', 'v']],
    ['an empty name', ['', 'v']],
  ])('marks a block with %s, also when the entry comes again from the table', (_what, [name, value]) => {
    const text = (part: string): Buffer => Buffer.concat([Buffer.from([part.length]), Buffer.from(part, 'latin1')]);
    const literal = Buffer.concat([Buffer.from([0x40]), text(name!), text(value!)]);
    const decoder = new HpackDecoder(LIMITS);
    decode(decoder, literal);
    expect(decoder.malformed).toBe(true);
    decode(decoder, Buffer.from([0x80 | 62]));
    expect(decoder.malformed).toBe(true);
  });

  it('stops collecting at the limit of a header list, and keeps its table right', () => {
    const decoder = new HpackDecoder({ ...LIMITS, maxListBytes: 1000 });
    const value = 'v'.repeat(400);
    const literal = Buffer.concat([Buffer.from([0x40, 1, 0x61, 0x7f, 0x91, 0x02]), Buffer.from(value)]);
    decode(decoder, Buffer.concat([literal, Buffer.alloc(5000, 0x80 | 62)]));
    expect(decoder.tooLarge).toBe(true);
    expect(decode(decoder, Buffer.from([0x80 | 62]))).toEqual(['a', value]);
    expect(decoder.tooLarge).toBe(false);
  });
});

describe('the HPACK encoder', () => {
  it('names a value by its place from the third time on', () => {
    const encoder = new HpackEncoder();
    const fields = ['x-mesh', 'a value of some length'];
    const lengths = [1, 2, 3].map(() => encode(encoder, fields).length);
    expect(lengths[2]).toBe(1);
    expect(lengths[0]).toBeGreaterThan(20);
  });

  it('never keeps a secret in the table, and says so', () => {
    const encoder = new HpackEncoder();
    for (let i = 0; i < 5; i++) {
      const block = encode(encoder, ['authorization', 'Bearer secret']);
      expect(block[0]! & 0xf0).toBe(0x10);
      expect(block.length).toBeGreaterThan(13);
    }
  });

  it('obeys a peer that wants no table', () => {
    const encoder = new HpackEncoder();
    const fields = ['x-mesh', 'value'];
    encode(encoder, fields);
    encode(encoder, fields);
    encoder.setPeerLimit(0);
    const decoder = new HpackDecoder({ ...LIMITS, maxTableBytes: 0 });
    for (let i = 0; i < 3; i++) expect(decode(decoder, encode(encoder, fields))).toEqual(fields);
  });

  it('is understood by the decoder whatever lists follow each other, under tables of changing size', () => {
    const name = fc.constantFrom(':status', ':path', 'x-a', 'x-b', 'cookie', 'date', 'x-long-name-of-a-header', 'via');
    const value = fc.oneof(
      fc.constantFrom('', '200', '/', 'a', 'b', 'c', 'x'.repeat(900), 'y'.repeat(3000)),
      fc.stringMatching(/^[\x21-\x7e\x80-\xff]{0,60}$/),
    );
    const step = fc.oneof(
      { weight: 9, arbitrary: fc.record({ fields: fc.array(fc.tuple(name, value), { maxLength: 12 }) }) },
      { weight: 1, arbitrary: fc.record({ limit: fc.constantFrom(0, 64, 500, 2100, 4096, 100_000) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const encoder = new HpackEncoder();
        const decoder = new HpackDecoder(LIMITS);
        for (const one of steps) {
          if ('limit' in one) encoder.setPeerLimit(one.limit);
          else expect(decode(decoder, encode(encoder, one.fields.flat()))).toEqual(one.fields.flat());
        }
      }),
      { numRuns: 400 },
    );
  });

  it('stays small under names that never come again', () => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder(LIMITS);
    for (let i = 0; i < 5000; i++) {
      const fields = [`x-${i}`, 'v', 'x-always', 'same'];
      expect(decode(decoder, encode(encoder, fields))).toEqual(fields);
    }
    expect(encode(encoder, ['x-always', 'same']).length).toBe(1);
  });
});
