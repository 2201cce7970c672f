import type { ClientRequest } from 'node:http';
import { Agent, request as ask } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ResponseSink } from '../../../server/data-plane/http/codec.ts';
import { ClientConnection } from '../../../server/data-plane/http/h1/client-connection.ts';
import { feed, openWire, settle, type Wire } from './fuzz.ts';
import { ReceivedResponse } from './harness.ts';
import { request } from './pool-harness.ts';
import { asSocket } from './request-readers.ts';

/** What is asked, and the bytes that a server answers. `closes`: it closes the connection behind them. */
export interface Asked {
  readonly method: string;
  readonly wire: Buffer;
  readonly closes: boolean;
}

/** An answer as a client read it. `end`: bytes that had been fed when it was complete. */
export interface SeenAnswer {
  readonly informational: readonly number[];
  readonly status: number;
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  end: number;
}

/** Everything that a client made of the answers on one connection. */
export interface AnswerReading {
  readonly answers: SeenAnswer[];
  /** Why the client reads no further. */
  readonly refusal: string | undefined;
  /** It would ask again on the same connection. */
  readonly reusable: boolean;
}

/** A client on one end of a wire. */
export interface AnswerReader {
  /** Asks; the answer is told once it is whole or refused. False: this connection takes no further request. */
  ask(method: string): boolean;
  /** Whole answers so far. */
  readonly answers: Omit<SeenAnswer, 'end'>[];
  readonly refusal: string | undefined;
  readonly reusable: boolean;
}

export type OpenReader = (side: Duplex) => AnswerReader;

/** Fields of one hop, which our client reads itself, and those that trailers may not hold: nobody passes them on. */
const DROPPED: ReadonlySet<string> = new Set(
  'connection keep-alive proxy-connection transfer-encoding upgrade te http2-settings content-length'.split(' '),
);
const NO_TRAILERS: ReadonlySet<string> = new Set(
  [...DROPPED, 'host', 'content-encoding', 'authorization', 'set-cookie', 'trailer'].values(),
);

function comparable(flat: readonly string[], dropped: ReadonlySet<string>): string[] {
  const lines: string[] = [];
  const nominated = new Set<string>();
  for (let i = 0; i < flat.length; i += 2) {
    if (flat[i]!.toLowerCase() === 'connection')
      for (const name of flat[i + 1]!.split(',')) nominated.add(name.trim().toLowerCase());
  }
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!.toLowerCase();
    if (!dropped.has(name) && !nominated.has(name)) lines.push(`${name}: ${flat[i + 1]}`);
  }
  return lines;
}

/** Our codec. */
export const ours: OpenReader = (side) => {
  let reusable = false;
  let refusal: string | undefined;
  const answers: Omit<SeenAnswer, 'end'>[] = [];
  const connection = new ClientConnection(asSocket(side), undefined, {
    onStreamEnd: (_connection, may) => {
      reusable = may;
    },
    onCloseNotice: () => undefined,
    onAvailability: () => undefined,
    onGone: () => {
      reusable = false;
    },
    describe: () => '',
  });
  const told = (response: ReceivedResponse): ResponseSink => {
    const settled = (): void => {
      if (response.resetReason !== undefined) {
        const { reason, detail } = response.resetReason;
        refusal ??= detail || reason;
      } else if (response.ended) answers.push(seenOf(response));
    };
    void response.settled().then(settled);
    return response;
  };
  return {
    answers,
    get refusal() {
      return refusal;
    },
    get reusable() {
      return reusable;
    },
    ask: (method) => {
      if (!connection.available) return false;
      connection.open(told(new ReceivedResponse())).sendHead(request(method), true);
      return true;
    },
  };
};

function seenOf(response: ReceivedResponse): Omit<SeenAnswer, 'end'> {
  const { status, headers } = response.response!;
  return {
    informational: response.informationals.map((head) => head.status),
    status,
    fields: comparable(headers.flat, DROPPED),
    body: response.body,
    trailers: comparable(response.trailers?.flat ?? [], NO_TRAILERS),
  };
}

/** What Node's agent does to a socket that it keeps, and a Duplex has not. */
const KEPT = {
  setKeepAlive: () => undefined,
  setTimeout: () => undefined,
  ref: () => undefined,
  unref: () => undefined,
};

/** Node's client, which reads with llhttp. */
export const llhttp: OpenReader = (side) => {
  const answers: Omit<SeenAnswer, 'end'>[] = [];
  let refusal: string | undefined;
  let reusable = false;
  let dialled = false;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agent.createConnection = () => {
    if (dialled) throw new Error('llhttp asks on another connection');
    dialled = true;
    return Object.assign(asSocket(side), KEPT);
  };
  agent.on('free', () => {
    reusable = true;
  });
  const refuse = (error: Error): void => {
    refusal ??= error.message;
  };
  return {
    answers,
    get refusal() {
      return refusal;
    },
    get reusable() {
      return reusable && !side.destroyed;
    },
    ask: (method) => {
      if (dialled && (!reusable || side.destroyed)) return false;
      reusable = false;
      read(ask({ agent, method, path: '/', host: 'app', port: 80 }), answers, refuse);
      return true;
    },
  };
};

function read(asked: ClientRequest, answers: Omit<SeenAnswer, 'end'>[], refuse: (error: Error) => void): void {
  const informational: number[] = [];
  asked.on('information', ({ statusCode }) => informational.push(statusCode));
  asked.on('error', refuse);
  asked.on('response', (message) => {
    const parts: Buffer[] = [];
    message.on('data', (part: Buffer) => parts.push(part));
    message.on('error', refuse);
    message.on('end', () => {
      if (!message.complete) return;
      answers.push({
        informational,
        status: message.statusCode ?? 0,
        fields: comparable(message.rawHeaders, DROPPED),
        body: Buffer.concat(parts).toString('latin1'),
        trailers: comparable(message.rawTrailers, NO_TRAILERS),
      });
    });
  });
  asked.end();
}

/** Asks one after another on one connection, each answered in the given pieces, as long as the client goes on. */
export async function readAnswers(
  open: OpenReader,
  asked: readonly Asked[],
  cutsOf: (wire: Buffer) => readonly number[],
): Promise<AnswerReading> {
  const wire = openWire();
  const reader = open(wire.far);
  const ends: number[] = [];
  for (const one of asked) {
    if (!reader.ask(one.method)) break;
    const before = reader.answers.length;
    await settle(wire, () => 0);
    await answer(wire, one, cutsOf(one.wire), (at) => {
      if (reader.answers.length > before && ends.length === before) ends.push(at);
    });
    await settle(wire, () => reader.answers.length);
    if (reader.answers.length > before && ends.length === before) ends.push(one.wire.length);
    if (reader.answers.length === before) break;
  }
  const { refusal, reusable } = reader;
  const answers = reader.answers.map((seen, i) => ({ ...seen, end: ends[i]! }));
  wire.destroy();
  return { answers, refusal, reusable };
}

async function answer(wire: Wire, one: Asked, cuts: readonly number[], fed: (at: number) => void): Promise<void> {
  await feed(wire, one.wire, cuts, fed);
  if (!one.closes || wire.closed) return;
  wire.near.end();
}
