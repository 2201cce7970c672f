import { MeshworkError } from '#domain';

/** A unique key, made of 12 bytes. */
export class ObjectId {
  readonly bytes: Buffer;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
  toString(): string {
    return this.bytes.toString('hex');
  }
}

export type BsonValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Date
  | Buffer
  | ObjectId
  | readonly BsonValue[]
  | BsonDocument;
export interface BsonDocument {
  readonly [name: string]: BsonValue;
}

const TYPE = {
  double: 0x01,
  string: 0x02,
  document: 0x03,
  array: 0x04,
  binary: 0x05,
  objectId: 0x07,
  boolean: 0x08,
  date: 0x09,
  null: 0x0a,
  int32: 0x10,
  int64: 0x12,
} as const;
const MAX_DEPTH = 32;

const broken = (what: string): MeshworkError => new MeshworkError('MW9206', `broken BSON: ${what}`);

/** BSON 1.1 of a document. Whole numbers of 32 bits become int32, other numbers double, bigint becomes int64. */
export function encodeBson(document: BsonDocument): Buffer {
  return wrap(Object.entries(document));
}

function wrap(entries: readonly (readonly [string, BsonValue])[]): Buffer {
  const body = Buffer.concat(entries.map(([name, value]) => encodeElement(name, value)));
  return Buffer.concat([int32(body.length + 5), body, Buffer.from([0])]);
}

function encodeElement(name: string, value: BsonValue): Buffer {
  const [type, bytes] = encodeValue(value);
  return Buffer.concat([Buffer.from([type]), cString(name), bytes]);
}

function encodeValue(value: BsonValue): readonly [type: number, bytes: Buffer] {
  if (value === null) return [TYPE.null, Buffer.alloc(0)];
  if (typeof value === 'string') return [TYPE.string, lengthText(value)];
  if (typeof value === 'boolean') return [TYPE.boolean, Buffer.from([value ? 1 : 0])];
  if (typeof value === 'bigint') return [TYPE.int64, int64(value)];
  if (typeof value === 'number') {
    if (value === (value | 0)) return [TYPE.int32, int32(value)];
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    return [TYPE.double, bytes];
  }
  if (value instanceof Date) return [TYPE.date, int64(BigInt(value.getTime()))];
  if (value instanceof ObjectId) return [TYPE.objectId, value.bytes];
  if (Buffer.isBuffer(value)) return [TYPE.binary, Buffer.concat([int32(value.length), Buffer.from([0]), value])];
  if (isList(value)) return [TYPE.array, wrap(value.map((each, index) => [String(index), each]))];
  return [TYPE.document, encodeBson(value)];
}

const isList = (value: BsonValue): value is readonly BsonValue[] => Array.isArray(value);

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};
const int64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
};
const cString = (text: string): Buffer => Buffer.from(`${text}\0`);
const lengthText = (text: string): Buffer => Buffer.concat([int32(Buffer.byteLength(text) + 1), cString(text)]);

/** Reads one document from the start of `bytes`; throws MW9206 for anything else, and for types that only mongod itself needs. */
export function decodeBson(bytes: Buffer): BsonDocument {
  return Object.fromEntries(readElements(bytes, 0));
}

/** The length that a document at the start of `bytes` says it has. */
export function bsonLength(bytes: Buffer): number {
  const length = bytes.length < 5 ? 0 : bytes.readInt32LE(0);
  if (length < 5 || length > bytes.length) throw broken('a document is cut off');
  return length;
}

function readElements(bytes: Buffer, depth: number): [string, BsonValue][] {
  if (depth > MAX_DEPTH) throw broken(`more than ${MAX_DEPTH} levels`);
  const end = bsonLength(bytes) - 1;
  const elements: [string, BsonValue][] = [];
  let at = 4;
  while (at < end) {
    const nameEnd = bytes.indexOf(0, at + 1);
    if (nameEnd < 0 || nameEnd >= end) throw broken('a name has no end');
    const { value, length } = readValue(bytes.readUInt8(at), bytes.subarray(nameEnd + 1, end), depth);
    elements.push([bytes.toString('utf8', at + 1, nameEnd), value]);
    at = nameEnd + 1 + length;
  }
  if (at !== end || bytes[end] !== 0) throw broken('a document has no end');
  return elements;
}

function readValue(type: number, bytes: Buffer, depth: number): { value: BsonValue; length: number } {
  const need = (length: number): number => {
    if (length < 0 || bytes.length < length) throw broken('a value is cut off');
    return length;
  };
  switch (type) {
    case TYPE.double:
      return { length: need(8), value: bytes.readDoubleLE(0) };
    case TYPE.string: {
      need(5);
      const length = need(4 + bytes.readInt32LE(0));
      if (length < 5) throw broken('a text has no end');
      return { length, value: bytes.toString('utf8', 4, length - 1) };
    }
    case TYPE.document:
    case TYPE.array: {
      const length = bsonLength(bytes);
      const elements = readElements(bytes.subarray(0, length), depth + 1);
      return {
        length,
        value: type === TYPE.array ? elements.map(([, value]) => value) : Object.fromEntries(elements),
      };
    }
    case TYPE.binary: {
      need(5);
      const length = need(5 + bytes.readInt32LE(0));
      if (length < 5) throw broken('a value is cut off');
      return { length, value: Buffer.from(bytes.subarray(5, length)) };
    }
    case TYPE.objectId:
      return { length: need(12), value: new ObjectId(Buffer.from(bytes.subarray(0, 12))) };
    case TYPE.boolean:
      return { length: need(1), value: bytes[0] !== 0 };
    case TYPE.date:
      return { length: need(8), value: new Date(Number(bytes.readBigInt64LE(0))) };
    case TYPE.null:
      return { length: 0, value: null };
    case TYPE.int32:
      return { length: need(4), value: bytes.readInt32LE(0) };
    case TYPE.int64:
      return { length: need(8), value: bytes.readBigInt64LE(0) };
    default:
      throw broken(`type 0x${type.toString(16)} is not known here`);
  }
}
