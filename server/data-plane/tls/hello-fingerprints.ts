import { createHash } from 'node:crypto';
import { clientHelloReader, type Reader, SUPPORTED_VERSIONS, Truncated } from './client-hello.ts';

/** Which fingerprints of its clients a listener's TLS inspector takes. */
export interface WantedFingerprints {
  readonly ja3: boolean;
  readonly ja4: boolean;
}

/** Fingerprints of a ClientHello; undefined: not wanted. */
export interface HelloFingerprints {
  readonly ja3: string | undefined;
  readonly ja4: string | undefined;
}

const SERVER_NAME = 0;
const GROUPS = 10;
const POINT_FORMATS = 11;
const SIGNATURES = 13;
const ALPN = 16;

interface HelloLists {
  readonly legacyVersion: number;
  readonly ciphers: readonly number[];
  readonly extensions: readonly number[];
  readonly groups: readonly number[];
  readonly pointFormats: readonly number[];
  readonly signatures: readonly number[];
  readonly versions: readonly number[];
  /** The first protocol of ALPN. */
  readonly protocol: string;
}

/** Values that clients make up so that servers bear unknown ones (RFC 8701): they are left out everywhere. */
const isGrease = (value: number): boolean => (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);

function numbers(list: Reader, bytes: 1 | 2): number[] {
  const found: number[] = [];
  while (list.left >= bytes) found.push(list.number(bytes));
  return bytes === 1 ? found : found.filter((value) => !isGrease(value));
}

/** Undefined where a list ends before its length says. */
function readLists(hello: Reader): HelloLists | undefined {
  try {
    return listsOf(hello);
  } catch (error) {
    if (error instanceof Truncated) return undefined;
    throw error;
  }
}

function listsOf(hello: Reader): HelloLists {
  const legacyVersion = hello.number(2);
  hello.take(32);
  hello.vector(1);
  const ciphers = numbers(hello.vector(2), 2);
  hello.vector(1);
  let [groups, pointFormats, signatures, versions]: number[][] = [];
  const extensions: number[] = [];
  let protocol = '';
  const all = hello.left === 0 ? undefined : hello.vector(2);
  while (all !== undefined && all.left > 0) {
    const type = all.number(2);
    const content = all.vector(2);
    if (!isGrease(type)) extensions.push(type);
    if (type === GROUPS) groups = numbers(content.vector(2), 2);
    else if (type === POINT_FORMATS) pointFormats = numbers(content.vector(1), 1);
    else if (type === SIGNATURES) signatures = numbers(content.vector(2), 2);
    else if (type === SUPPORTED_VERSIONS) versions = numbers(content.vector(1), 2);
    else if (type === ALPN) {
      const first = content.vector(2).vector(1);
      protocol = first.take(first.left).toString('latin1');
    }
  }
  return {
    legacyVersion,
    ciphers,
    extensions,
    protocol,
    groups: groups ?? [],
    pointFormats: pointFormats ?? [],
    signatures: signatures ?? [],
    versions: versions ?? [],
  };
}

function ja3Of({ legacyVersion, ciphers, extensions, groups, pointFormats }: HelloLists): string {
  const text = [[legacyVersion], ciphers, extensions, groups, pointFormats].map((list) => list.join('-')).join(',');
  return createHash('md5').update(text).digest('hex');
}

const JA4_VERSIONS: Readonly<Record<number, string>> = { 772: '13', 771: '12', 770: '11', 769: '10', 768: 's3' };
const HASH_DIGITS = 12;
const MOST = 99;

const hex = (value: number): string => value.toString(16).padStart(4, '0');
const count = (list: readonly number[]): string => String(Math.min(list.length, MOST)).padStart(2, '0');
const hashed = (text: string): string =>
  text === '' ? '0'.repeat(HASH_DIGITS) : createHash('sha256').update(text).digest('hex').slice(0, HASH_DIGITS);

/** Source: the JA4 specification of FoxIO, as Envoy's TLS inspector follows it. */
function ja4Of({ legacyVersion, ciphers, extensions, signatures, versions, protocol }: HelloLists): string {
  const version = JA4_VERSIONS[versions.length > 0 ? Math.max(...versions) : legacyVersion] ?? '00';
  const named = extensions.includes(SERVER_NAME) ? 'd' : 'i';
  const alpn = protocol === '' ? '00' : `${protocol[0]}${protocol.at(-1)}`;
  const further = extensions.filter((type) => type !== SERVER_NAME && type !== ALPN).map(hex);
  const told = further.sort().join(',') + (signatures.length === 0 ? '' : `_${signatures.map(hex).join(',')}`);
  const first = `t${version}${named}${count(ciphers)}${count(extensions)}${alpn}`;
  return `${first}_${hashed(ciphers.map(hex).sort().join(','))}_${hashed(further.length === 0 ? '' : told)}`;
}

/** What the first bytes of a connection, which hold a whole ClientHello, tell of the program that sent them. */
export function fingerprintsOf(firstBytes: Buffer, { ja3, ja4 }: WantedFingerprints): HelloFingerprints | undefined {
  const hello = clientHelloReader(firstBytes);
  if (hello === undefined) return undefined;
  const lists = readLists(hello);
  if (lists === undefined) return undefined;
  return { ja3: ja3 ? ja3Of(lists) : undefined, ja4: ja4 ? ja4Of(lists) : undefined };
}
