import type { AnyBytes } from '../codec/codec.ts';
import type { DeltaDiscoveryRequest, DeltaDiscoveryResponse } from './discovery.ts';

// The messages that come with every push and every answer to one, read in a tenth of the time that protobuf takes. Each function is undefined
// for bytes with anything else in them, broken ones among them: protobuf reads those, or says what is wrong.

type Resource = DeltaDiscoveryResponse['resources'][number];

/** Takes the value of a field that lies between two places; false: it is not known here. */
type Take = (number: number, from: number, to: number) => boolean;

/** Wire type of values that carry their length. */
const LENGTH_DELIMITED = 2;
const NUMBER_SHIFT = 3;
/** Fields below 16 have a tag of one byte, lengths below 2^28 four bytes at most. */
const TAG_END = 0x80;
const MAX_LENGTH_BITS = 28;

function readFields(bytes: Buffer, from: number, to: number, take: Take): boolean {
  let at = from;
  while (at < to) {
    const tag = bytes[at++]!;
    if (tag >= TAG_END || (tag & 7) !== LENGTH_DELIMITED) return false;
    let length = 0;
    let shift = 0;
    let byte: number;
    do {
      if (at >= to || shift === MAX_LENGTH_BITS) return false;
      byte = bytes[at++]!;
      length |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte >= 0x80);
    if (at + length > to || !take(tag >> NUMBER_SHIFT, at, at + length)) return false;
    at += length;
  }
  return true;
}

const BEYOND_ASCII = /[\x80-\xff]/;

/** Undefined for text beyond ASCII. */
function asciiOf(bytes: Buffer, from: number, to: number): string | undefined {
  const text = bytes.toString('latin1', from, to);
  return BEYOND_ASCII.test(text) ? undefined : text;
}

/** Fields of text by number: one that stands alone, or a list. */
type Texts = Readonly<Record<number, string | string[]>>;

/** Fills `texts`; `others` takes all other fields. */
function readTexts(bytes: Buffer, [from, to]: readonly [number, number], texts: Texts, others: Take): boolean {
  const own = texts as Record<number, string | string[]>;
  return readFields(bytes, from, to, (number, start, end) => {
    const held = own[number];
    if (held === undefined) return others(number, start, end);
    const text = asciiOf(bytes, start, end);
    if (text === undefined) return false;
    if (typeof held === 'string') own[number] = text;
    else held.push(text);
    return true;
  });
}

const none: Take = () => false;

const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function readAny(bytes: Buffer, from: number, to: number): AnyBytes | undefined {
  let value: Uint8Array | undefined;
  const texts = { 1: '' };
  const isRead = readTexts(bytes, [from, to], texts, (number, start, end) => {
    if (number !== 2 || value !== undefined) return false;
    value = bytes.subarray(start, end);
    return true;
  });
  return isRead ? { typeUrl: texts[1], value: value ?? bytes.subarray(to, to) } : undefined;
}

function readResource(bytes: Buffer, from: number, to: number): Resource | undefined {
  let resource: AnyBytes | undefined;
  const texts = { 1: '', 3: '' };
  const isRead = readTexts(bytes, [from, to], texts, (number, start, end) => {
    if (number !== 2 || resource !== undefined) return false;
    resource = readAny(bytes, start, end);
    return resource !== undefined;
  });
  return isRead ? { name: texts[3], version: texts[1], ...(resource !== undefined && { resource }) } : undefined;
}

export function readDeltaResponse(given: Uint8Array): DeltaDiscoveryResponse | undefined {
  const bytes = bufferOf(given);
  const resources: Resource[] = [];
  const texts = { 1: '', 4: '', 5: '', 6: [] as string[] };
  const isRead = readTexts(bytes, [0, bytes.length], texts, (number, start, end) => {
    if (number !== 2) return false;
    const resource = readResource(bytes, start, end);
    if (resource !== undefined) resources.push(resource);
    return resource !== undefined;
  });
  if (!isRead) return undefined;
  return { systemVersionInfo: texts[1], typeUrl: texts[4], nonce: texts[5], removedResources: texts[6], resources };
}

const NO_VERSIONS: DeltaDiscoveryRequest['initialResourceVersions'] = {};

/** A request that changes names, or answers a response with consent. */
export function readDeltaRequest(given: Uint8Array): DeltaDiscoveryRequest | undefined {
  const bytes = bufferOf(given);
  const texts = { 2: '', 3: [] as string[], 4: [] as string[], 6: '' };
  if (!readTexts(bytes, [0, bytes.length], texts, none)) return undefined;
  return {
    typeUrl: texts[2],
    resourceNamesSubscribe: texts[3],
    resourceNamesUnsubscribe: texts[4],
    initialResourceVersions: NO_VERSIONS,
    responseNonce: texts[6],
  };
}
