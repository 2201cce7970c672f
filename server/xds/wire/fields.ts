/** A field of a protobuf message whose value carries its length: text, bytes, or a message made of fields. Numbers are below 16. */
export type Field = readonly [number: number, value: string | Uint8Array | readonly Field[]];

/** A field that is left out while it says nothing. */
export const optional = (number: number, value: string | Uint8Array): readonly Field[] =>
  value.length === 0 ? [] : [[number, value]];

export const repeated = (number: number, values: readonly string[]): readonly Field[] =>
  values.map((value) => [number, value]);

/** The bytes of a message, in one piece of their own. */
export function messageBytes(fields: readonly Field[]): Buffer {
  const bytes = Buffer.allocUnsafe(sizeOf(fields));
  writeFields(fields, bytes, 0);
  return bytes;
}

/** Wire type of values that carry their length. */
const LENGTH_DELIMITED = 2;

function valueSize(value: Field[1]): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  return value instanceof Uint8Array ? value.length : sizeOf(value);
}

function sizeOf(fields: readonly Field[]): number {
  let total = 0;
  for (const [, value] of fields) {
    const size = valueSize(value);
    total += 1 + lengthSize(size) + size;
  }
  return total;
}

function writeFields(fields: readonly Field[], bytes: Buffer, start: number): number {
  let at = start;
  for (const [number, value] of fields) {
    bytes[at] = (number << 3) | LENGTH_DELIMITED;
    at = writeLength(valueSize(value), bytes, at + 1);
    if (typeof value === 'string') {
      at += bytes.write(value, at);
    } else if (value instanceof Uint8Array) {
      bytes.set(value, at);
      at += value.length;
    } else {
      at = writeFields(value, bytes, at);
    }
  }
  return at;
}

/** Bytes of a length, of which each carries seven bits. */
function lengthSize(length: number): number {
  let size = 1;
  for (let rest = length >>> 7; rest > 0; rest >>>= 7) size += 1;
  return size;
}

function writeLength(length: number, bytes: Buffer, start: number): number {
  let at = start;
  let rest = length;
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}
