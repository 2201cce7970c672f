import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { readFrames } from './frames.ts';

/** Longest packet that is read, in bytes. */
const MAX_PACKET_BYTES = 65_536;
export const NATIVE_PASSWORD = 'mysql_native_password';
const UTF8MB4 = 255;
const BINARY = 63;

/** Capability bits of the client/server protocol, by their names in MySQL's source. */
export const CAPABILITY = {
  LONG_PASSWORD: 1,
  LONG_FLAG: 4,
  CONNECT_WITH_DB: 8,
  PROTOCOL_41: 0x200,
  TRANSACTIONS: 0x2000,
  SECURE_CONNECTION: 0x8000,
  PLUGIN_AUTH: 0x80000,
  CONNECT_ATTRS: 0x100000,
  PLUGIN_AUTH_LENENC: 0x200000,
} as const;

export const COMMAND = { quit: 1, initDb: 2, query: 3, ping: 14, resetConnection: 31 } as const;

/** The client/server protocol's packets of one connection: what comes in, and the sequence number of what goes out. */
export class PacketStream {
  readonly #socket: Socket;
  #sequence = 0;

  constructor(socket: Socket, onPacket: (payload: Buffer) => void, onBroken: () => void) {
    this.#socket = socket;
    readFrames(socket, {
      maxBytes: MAX_PACKET_BYTES + 4,
      lengthOf: (pending) => (pending.length < 4 ? undefined : 4 + pending.readUIntLE(0, 3)),
      onBroken,
      onFrame: (frame) => {
        this.#sequence = (frame.readUInt8(3) + 1) & 0xff;
        onPacket(frame.subarray(4));
      },
    });
  }

  /** A client's command starts to count anew. */
  command(code: number, text = ''): void {
    this.#sequence = 0;
    this.send(Buffer.concat([Buffer.from([code]), Buffer.from(text)]));
  }

  send(...payloads: readonly Buffer[]): void {
    const packets = payloads.flatMap((payload) => {
      const head = Buffer.alloc(4);
      head.writeUIntLE(payload.length, 0, 3);
      head.writeUInt8(this.#sequence, 3);
      this.#sequence = (this.#sequence + 1) & 0xff;
      return [head, payload];
    });
    if (!this.#socket.destroyed) this.#socket.write(Buffer.concat(packets));
  }
}

/** Reads a payload from its start on; throws RangeError when it is too short. */
export class PacketReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  integer(width: number): number {
    const value = this.#bytes.readUIntLE(this.#at, width);
    this.#at += width;
    return value;
  }

  bytes(count: number): Buffer {
    if (count > this.left) throw new RangeError('a packet is cut off');
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  /** Up to the next zero byte, or to the end. */
  text(): string {
    const zero = this.#bytes.indexOf(0, this.#at);
    const end = zero < 0 ? this.#bytes.length : zero;
    const read = this.#bytes.toString('utf8', this.#at, end);
    this.#at = zero < 0 ? end : end + 1;
    return read;
  }

  /** A length-encoded integer; undefined stands for NULL. */
  length(): number | undefined {
    const first = this.integer(1);
    if (first === 0xfb) return undefined;
    if (first < 0xfb) return first;
    return this.integer(first === 0xfc ? 2 : first === 0xfd ? 3 : 6);
  }

  lengthBytes(): Buffer | undefined {
    const length = this.length();
    return length === undefined ? undefined : this.bytes(length);
  }
}

const uint = (value: number, width: number): Buffer => {
  const bytes = Buffer.alloc(width);
  bytes.writeUIntLE(value, 0, width);
  return bytes;
};
const zeroText = (text: string): Buffer => Buffer.from(`${text}\0`);
const lengthInteger = (value: number): Buffer =>
  value < 0xfb
    ? uint(value, 1)
    : Buffer.concat([Buffer.from([value < 0x10000 ? 0xfc : 0xfd]), uint(value, value < 0x10000 ? 2 : 3)]);
const lengthBytes = (bytes: Buffer): Buffer => Buffer.concat([lengthInteger(bytes.length), bytes]);
const lengthText = (text: string): Buffer => lengthBytes(Buffer.from(text));

const SERVER_CAPABILITIES = Object.values(CAPABILITY).reduce((all, bit) => all | bit, 0);
const AUTOCOMMIT = 2;

/** The server's first packet (HandshakeV10); `scramble` has 20 bytes without a zero. */
export function greeting(version: string, threadId: number, scramble: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from([10]),
    zeroText(version),
    uint(threadId, 4),
    scramble.subarray(0, 8),
    Buffer.from([0]),
    uint(SERVER_CAPABILITIES & 0xffff, 2),
    uint(UTF8MB4, 1),
    uint(AUTOCOMMIT, 2),
    uint(SERVER_CAPABILITIES >>> 16, 2),
    uint(scramble.length + 1, 1),
    Buffer.alloc(10),
    scramble.subarray(8),
    Buffer.from([0]),
    zeroText(NATIVE_PASSWORD),
  ]);
}

export interface Login {
  readonly user: string;
  readonly proof: Buffer;
  readonly database: string | undefined;
  readonly plugin: string | undefined;
}

/** The client's answer to the greeting (HandshakeResponse41). */
export function readLogin(payload: Buffer): Login {
  const reader = new PacketReader(payload);
  const bits = reader.integer(4);
  const has = (bit: number): boolean => (bits & bit) !== 0;
  if (!has(CAPABILITY.PROTOCOL_41)) throw new RangeError('a client of before MySQL 4.1');
  reader.bytes(28);
  const user = reader.text();
  const proof = has(CAPABILITY.PLUGIN_AUTH_LENENC)
    ? (reader.lengthBytes() ?? Buffer.alloc(0))
    : reader.bytes(reader.integer(1));
  const database = has(CAPABILITY.CONNECT_WITH_DB) ? reader.text() : undefined;
  const plugin = has(CAPABILITY.PLUGIN_AUTH) ? reader.text() : undefined;
  return { user, proof: Buffer.from(proof), database: database || undefined, plugin };
}

/** HandshakeResponse41 with mysql_native_password. */
export function encodeLogin({ user, proof, database }: Omit<Login, 'plugin'>): Buffer {
  const { LONG_PASSWORD, PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH, CONNECT_WITH_DB } = CAPABILITY;
  const bits = LONG_PASSWORD | PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH | (database ? CONNECT_WITH_DB : 0);
  return Buffer.concat([
    uint(bits, 4),
    uint(MAX_PACKET_BYTES, 4),
    uint(UTF8MB4, 1),
    Buffer.alloc(23),
    zeroText(user),
    uint(proof.length, 1),
    proof,
    ...(database ? [zeroText(database)] : []),
    zeroText(NATIVE_PASSWORD),
  ]);
}

/** What proves a password to mysql_native_password: SHA1(password) XOR SHA1(scramble + SHA1(SHA1(password))); nothing for no password. */
export function nativeProof(password: string, scramble: Buffer): Buffer {
  if (password === '') return Buffer.alloc(0);
  const sha1 = (...parts: readonly (Buffer | string)[]): Buffer =>
    parts.reduce((hash, part) => hash.update(part), createHash('sha1')).digest();
  const once = sha1(password);
  const mask = sha1(scramble, sha1(once));
  return Buffer.from(once.map((byte, index) => byte ^ (mask[index] ?? 0)));
}

/** Asks a client that came with another plugin to prove itself by mysql_native_password. */
export const switchPlugin = (scramble: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0xfe]), zeroText(NATIVE_PASSWORD), scramble, Buffer.from([0])]);

export const okPacket = (affectedRows = 0): Buffer =>
  Buffer.concat([Buffer.from([0]), lengthInteger(affectedRows), lengthInteger(0), uint(AUTOCOMMIT, 2), uint(0, 2)]);

export const eofPacket = (): Buffer => Buffer.concat([Buffer.from([0xfe]), uint(0, 2), uint(AUTOCOMMIT, 2)]);

export interface SqlFailure {
  /** MySQL's number of the error, as 1064. */
  readonly errno: number;
  /** Five characters, as 42000. */
  readonly sqlState: string;
  readonly message: string;
}

export const errorPacket = ({ errno, sqlState, message }: SqlFailure): Buffer =>
  Buffer.concat([Buffer.from([0xff]), uint(errno, 2), Buffer.from(`#${sqlState}${message}`)]);

export function readError(payload: Buffer): SqlFailure {
  const hasState = payload[3] === 0x23;
  return {
    errno: payload.readUInt16LE(1),
    sqlState: hasState ? payload.toString('latin1', 4, 9) : 'HY000',
    message: payload.toString('utf8', hasState ? 9 : 3),
  };
}

export interface ResultColumn {
  readonly name: string;
  readonly type: 'int' | 'text';
  readonly database?: string;
  readonly table?: string;
}
export type Cell = string | number | null;

/** All packets of a text result set: the number of columns, the columns, the rows. */
export function resultPackets(columns: readonly ResultColumn[], rows: readonly (readonly Cell[])[]): Buffer[] {
  return [
    lengthInteger(columns.length),
    ...columns.map(columnPacket),
    eofPacket(),
    ...rows.map((row) =>
      Buffer.concat(row.map((cell) => (cell === null ? Buffer.from([0xfb]) : lengthText(String(cell))))),
    ),
    eofPacket(),
  ];
}

const TYPE_LONG = 3;
const TYPE_VAR_STRING = 253;

function columnPacket({ name, type, database = '', table = '' }: ResultColumn): Buffer {
  return Buffer.concat([
    ...['def', database, table, table, name, name].map(lengthText),
    Buffer.from([0x0c]),
    uint(type === 'int' ? BINARY : UTF8MB4, 2),
    uint(type === 'int' ? 11 : 1024, 4),
    uint(type === 'int' ? TYPE_LONG : TYPE_VAR_STRING, 1),
    uint(0, 2),
    uint(0, 1),
    uint(0, 2),
  ]);
}
