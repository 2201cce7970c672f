import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { MeshworkError } from '#domain';

/** As the cluster's name server says of its own names. */
const TTL_S = 5;
/** What a client takes that says nothing else, and what one takes that speaks EDNS. */
const PLAIN_BYTES = 512;
const EDNS_BYTES = 1232;
const HEADER_BYTES = 12;
const ANSWER_BYTES = 16;

const TYPE_A = 1;
const CLASS_IN = 1;
/** An answer, recursion was desired and is available. */
const ANSWER_FLAGS = 0x8180;
const NO_SUCH_NAME = 3;
const NOT_IMPLEMENTED = 4;
/** The question's name, which begins after the header. */
const POINTER_TO_NAME = 0xc00c;

export interface NameServerOptions {
  readonly ip: string;
  /** All IPv4 addresses of a name; rejects when there are none. */
  readonly resolve: (name: string) => Promise<readonly string[]>;
}

/** A name server on a port of its own, for the resolver of an Envoy: the names of its sandbox, and no others. Source: RFC 1035 §4.1. */
export class NameServer {
  readonly #options: NameServerOptions;
  readonly #socket: Socket = createSocket('udp4');

  constructor(options: NameServerOptions) {
    this.#options = options;
    this.#socket.on('message', (query, from) => void this.#answer(query, from));
  }

  /** Resolves with its port. */
  start(): Promise<number> {
    const { ip } = this.#options;
    return new Promise((resolve, reject) => {
      this.#socket.once('error', (cause) =>
        reject(new MeshworkError('PROXY_BIND', `cannot answer names on ${ip}`, { cause })),
      );
      this.#socket.bind(0, ip, () => {
        // A client may be gone by the time of its answer.
        this.#socket.removeAllListeners('error').on('error', () => undefined);
        resolve(this.#socket.address().port);
      });
    });
  }

  stop(): void {
    this.#socket.close();
  }

  async #answer(query: Buffer, { address, port }: RemoteInfo): Promise<void> {
    const question = readQuestion(query);
    if (question === undefined) return;
    const found = await this.#options.resolve(question.name).catch(() => undefined);
    const answer = writeAnswer(query, question, found);
    try {
      this.#socket.send(answer, port, address);
    } catch (cause) {
      // It was stopped meanwhile.
      if ((cause as NodeJS.ErrnoException).code !== 'ERR_SOCKET_DGRAM_NOT_RUNNING') throw cause;
    }
  }
}

interface Question {
  readonly name: string;
  readonly type: number;
  readonly isInternet: boolean;
  /** Where the question ends. */
  readonly end: number;
}

/** Undefined for anything but one whole question. */
function readQuestion(query: Buffer): Question | undefined {
  if (query.length < HEADER_BYTES || query.readUInt16BE(4) !== 1 || (query[2]! & 0x80) !== 0) return undefined;
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (;;) {
    const length = query[at];
    if (length === undefined || length > 63) return undefined;
    at++;
    if (length === 0) break;
    if (at + length > query.length) return undefined;
    labels.push(query.toString('latin1', at, at + length));
    at += length;
  }
  if (at + 4 > query.length) return undefined;
  const isInternet = query.readUInt16BE(at + 2) === CLASS_IN;
  return { name: labels.join('.'), type: query.readUInt16BE(at), isInternet, end: at + 4 };
}

function writeAnswer(query: Buffer, { type, isInternet, end }: Question, found: readonly string[] | undefined): Buffer {
  const speaksEdns = query.readUInt16BE(10) > 0;
  const room = Math.floor(((speaksEdns ? EDNS_BYTES : PLAIN_BYTES) - end) / ANSWER_BYTES);
  const addresses = type === TYPE_A && isInternet ? (found ?? []).slice(0, Math.max(0, room)) : [];
  const answer = Buffer.alloc(end + addresses.length * ANSWER_BYTES);
  query.copy(answer, 0, 0, end);
  const code = found === undefined ? NO_SUCH_NAME : isInternet ? 0 : NOT_IMPLEMENTED;
  answer.writeUInt16BE(ANSWER_FLAGS | code, 2);
  for (const [place, count] of [1, addresses.length, 0, 0].entries()) answer.writeUInt16BE(count, 4 + place * 2);
  for (const [i, ip] of addresses.entries()) {
    let at = end + i * ANSWER_BYTES;
    for (const word of [POINTER_TO_NAME, TYPE_A, CLASS_IN]) at = answer.writeUInt16BE(word, at);
    at = answer.writeUInt32BE(TTL_S, at);
    at = answer.writeUInt16BE(4, at);
    for (const part of ip.split('.')) at = answer.writeUInt8(Number(part), at);
  }
  return answer;
}
