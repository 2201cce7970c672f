/** The little of ASN.1 DER (X.690) that certificates need: values are written inside out, and read as a tree of slices. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Tag, length, content. */
export function encode(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = content.length === 1 ? content[0]! : Buffer.concat(content);
  const size = body.length;
  const head = size < 0x80 ? [tag, size] : size < 0x100 ? [tag, 0x81, size] : [tag, 0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from(head), body]);
}

export const sequence = (...items: readonly Uint8Array[]): Buffer => encode(tags.sequence, ...items);
export const octetString = (content: Uint8Array): Buffer => encode(tags.octetString, content);
export const bitString = (content: Uint8Array, unusedBits = 0): Buffer =>
  encode(tags.bitString, Buffer.from([unusedBits]), content);
export const boolean = (value: boolean): Buffer => encode(tags.boolean, Buffer.from([value ? 0xff : 0]));
export const utf8 = (text: string): Buffer => encode(tags.utf8String, Buffer.from(text, 'utf8'));
/** `[number] EXPLICIT` */
export const explicit = (number: number, content: Uint8Array): Buffer => encode(0xa0 | number, content);
/** `[number] IMPLICIT`, primitive */
export const implicit = (number: number, content: Uint8Array): Buffer => encode(0x80 | number, content);

/** A non-negative whole number given as big-endian bytes. */
export function unsigned(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const trimmed = bytes.subarray(start);
  return (trimmed[0] ?? 0) >= 0x80 ? encode(tags.integer, Buffer.from([0]), trimmed) : encode(tags.integer, trimmed);
}

/** `1.2.840.10045.4.3.2` */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return encode(tags.oid, Buffer.from(bytes));
}

/** Time as RFC 5280 wants it: UTCTime up to 2049, GeneralizedTime after; whole seconds. */
export function time(ms: number): Buffer {
  const digits = new Date(ms)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '');
  return digits < '2050'
    ? encode(tags.utcTime, Buffer.from(digits.slice(2)))
    : encode(tags.generalizedTime, Buffer.from(digits));
}

export interface DerValue {
  readonly tag: number;
  readonly content: Buffer;
  /** Tag, length and content, as signed. */
  readonly raw: Buffer;
}

/** The values that stand one after the other in `bytes`; RangeError when a length leads outside. */
export function decodeAll(bytes: Buffer): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at]!;
    let size = bytes[at + 1];
    if (size === undefined) throw new RangeError('a DER value ends after its tag');
    let start = at + 2;
    if (size >= 0x80) {
      const count = size & 0x7f;
      if (count === 0 || count > 3) throw new RangeError('a DER length is indefinite or too large');
      size = bytes.readUIntBE(start, count);
      start += count;
    }
    if (start + size > bytes.length) throw new RangeError('a DER value is cut off');
    values.push({ tag, content: bytes.subarray(start, start + size), raw: bytes.subarray(at, start + size) });
    at = start + size;
  }
  return values;
}

/** The members of a constructed value. */
export const members = (value: DerValue): DerValue[] => decodeAll(value.content);

/** The first value; RangeError when there is none. */
export const first = (values: readonly DerValue[]): DerValue => defined(values[0]);

/** RangeError for a value that is not there. */
export function defined(value: DerValue | undefined): DerValue {
  if (value === undefined) throw new RangeError('a value is missing');
  return value;
}

/** PEM with the base64 in lines of 64. */
export function toPem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** The blocks of a PEM text with this label, each with its line end. */
export function splitPem(label: string, pem: string): string[] {
  return (pem.match(new RegExp(`-----BEGIN ${label}-----[A-Za-z0-9+/=\\s]+-----END ${label}-----`, 'g')) ?? []).map(
    (block) => `${block}\n`,
  );
}

/** The bytes of the first PEM block with this label, or undefined. */
export function fromPem(label: string, pem: string): Buffer | undefined {
  const block = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`).exec(pem)?.[1];
  return block === undefined ? undefined : Buffer.from(block, 'base64');
}
