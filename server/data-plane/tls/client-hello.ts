/** What a ClientHello asks for. */
export interface ClientHello {
  /** SNI in lower case; empty when there is none. */
  readonly serverName: string;
  readonly alpn: readonly string[];
  /** Numbers of suites in the client's order. */
  readonly ciphers: readonly number[];
  /** `TLSv1.3`, in the client's order; versions without a name are left out. */
  readonly versions: readonly string[];
  /** The client takes session tickets of TLS 1.3: it says with which kind of resumption it would use them. */
  readonly takesTickets: boolean;
  /** Numbers of its groups for the exchange of keys, in its order. */
  readonly groups: readonly number[];
}

const HANDSHAKE_RECORD = 0x16;
const CLIENT_HELLO = 1;
const RECORD_HEADER = 5;
/** Of BoringSSL: the most that a record holds, and what may be added to it. */
const MAX_RECORD = 16_384 + 320;
const SERVER_NAME = 0;
const SUPPORTED_GROUPS = 10;
const ALPN = 16;
export const SUPPORTED_VERSIONS = 43;
const PSK_KEY_EXCHANGE_MODES = 45;
const VERSION_NAMES: Readonly<Record<number, string>> = {
  769: 'TLSv1.0',
  770: 'TLSv1.1',
  771: 'TLSv1.2',
  772: 'TLSv1.3',
};

/** Thrown by a reader: the bytes end before the structure does. */
export class Truncated extends Error {}

/** Reads big-endian fields one after another. */
export class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  number(bytes: 1 | 2 | 3): number {
    return this.take(bytes).readUIntBE(0, bytes);
  }

  take(count: number): Buffer {
    if (this.left < count) throw new Truncated();
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  /** All that is left, as numbers of two bytes. */
  numbers(): number[] {
    const numbers: number[] = [];
    while (this.left > 1) numbers.push(this.number(2));
    return numbers;
  }

  /** A vector: its length in `bytes` bytes, then its content. */
  vector(bytes: 1 | 2): Reader {
    return new Reader(this.take(this.number(bytes)));
  }
}

/**
 * Looks for a ClientHello (RFC 8446 §4.1.2) at the beginning of a connection. `incomplete`: it may still become one; `not-tls`: it never
 * will.
 */
export function parseClientHello(bytes: Buffer): ClientHello | 'incomplete' | 'not-tls' {
  const message = handshakeBytes(bytes);
  if (typeof message === 'string') return message;
  if (message.length > 0 && message[0] !== CLIENT_HELLO) return 'not-tls';
  if (message.length < 4) return 'incomplete';
  const length = message.readUIntBE(1, 3);
  if (message.length < 4 + length) return 'incomplete';
  try {
    return readHello(new Reader(message.subarray(4, 4 + length)));
  } catch (error) {
    if (error instanceof Truncated) return 'not-tls';
    throw error;
  }
}

/** The fields of a whole ClientHello at the beginning of a connection; undefined where there is none. */
export function clientHelloReader(bytes: Buffer): Reader | undefined {
  if (typeof parseClientHello(bytes) === 'string') return undefined;
  const message = handshakeBytes(bytes) as Buffer;
  return new Reader(message.subarray(4, 4 + message.readUIntBE(1, 3)));
}

/**
 * The handshake bytes of all records that have come; a ClientHello may lie in several. As BoringSSL reads them: nothing is known before
 * the five bytes of a header, and the kind of a record counts once it is whole.
 */
function handshakeBytes(bytes: Buffer): Buffer | 'incomplete' | 'not-tls' {
  const parts: Buffer[] = [];
  for (let at = 0; at + RECORD_HEADER <= bytes.length; ) {
    if (bytes[at + 1] !== 3) return 'not-tls';
    const length = bytes.readUInt16BE(at + 3);
    if (length > MAX_RECORD) return 'not-tls';
    const end = at + RECORD_HEADER + length;
    const isHandshake = bytes[at] === HANDSHAKE_RECORD;
    if (!isHandshake && parts.length > 0) break;
    if (end > bytes.length) break;
    if (!isHandshake) return 'not-tls';
    parts.push(bytes.subarray(at + RECORD_HEADER, end));
    at = end;
  }
  return parts.length === 0 ? 'incomplete' : Buffer.concat(parts);
}

function readHello(hello: Reader): ClientHello {
  // Clients that speak TLS 1.3 write 1.2 here, and name their versions in an extension.
  const legacy = hello.number(2);
  hello.take(32);
  hello.vector(1);
  const ciphers = hello.vector(2).numbers();
  hello.vector(1);
  let serverName = '';
  let alpn: string[] = [];
  let versions = namesOf([legacy]);
  let takesTickets = false;
  let groups: number[] = [];
  if (hello.left === 0) return { serverName, alpn, ciphers, versions, takesTickets, groups };
  const extensions = hello.vector(2);
  while (extensions.left > 0) {
    const type = extensions.number(2);
    const content = extensions.vector(2);
    if (type === SERVER_NAME) serverName = readServerName(content);
    else if (type === ALPN) alpn = readProtocols(content);
    else if (type === SUPPORTED_VERSIONS) versions = readVersions(content);
    else if (type === PSK_KEY_EXCHANGE_MODES) takesTickets = true;
    else if (type === SUPPORTED_GROUPS) groups = readGroupNumbers(content);
  }
  return { serverName, alpn, ciphers, versions, takesTickets, groups };
}

/** Numbers without a name are GREASE (RFC 8701), or of the future. */
const namesOf = (versions: readonly number[]): string[] => versions.flatMap((version) => VERSION_NAMES[version] ?? []);

function readVersions(content: Reader): string[] {
  const list = content.vector(1);
  const versions: number[] = [];
  while (list.left > 0) versions.push(list.number(2));
  return namesOf(versions);
}

/** Behind their length, which only the handshake itself holds against a client. */
function readGroupNumbers(content: Reader): number[] {
  if (content.left > 1) content.take(2);
  return content.numbers();
}

function readServerName(content: Reader): string {
  const names = content.vector(2);
  while (names.left > 0) {
    const type = names.number(1);
    const name = names.vector(2);
    if (type === 0) return name.take(name.left).toString('latin1').toLowerCase();
  }
  return '';
}

function readProtocols(content: Reader): string[] {
  const list = content.vector(2);
  const protocols: string[] = [];
  while (list.left > 0) {
    const protocol = list.vector(1);
    protocols.push(protocol.take(protocol.left).toString('latin1'));
  }
  return protocols;
}
