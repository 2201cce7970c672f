import { connect, type Http2Stream, performServerHandshake } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { CodecError } from '../../../server/data-plane/http/codec.ts';
import { Http2ClientConnection } from '../../../server/data-plane/http/h2/client-connection.ts';
import { createHttp2ServerConnection } from '../../../server/data-plane/http/h2/server-connection.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { systemClock } from '../../../server/system.ts';
import { feed, openWire, settle, turn } from '../data-plane-h1/fuzz.ts';
import { ReceivedRequest, ReceivedResponse } from '../data-plane-h1/harness.ts';
import { request } from '../data-plane-h1/pool-harness.ts';
import { asSocket } from '../data-plane-h1/request-readers.ts';

/** A message as far as it was read: `ended` when it is whole. Fields as `name: value`, in their order. */
export interface SeenMessage {
  readonly id: number;
  /** Of an answer: the heads of 1xx before it. */
  readonly informational: readonly string[][];
  readonly head: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  readonly state: 'open' | 'ended' | 'reset';
}

/** The streams that one side of a connection has read. */
export interface MessageReader {
  readonly messages: () => SeenMessage[];
  /** Streams whose message is whole, in the order of their ends. */
  readonly ended: readonly number[];
  /** Why it reads no further, or not one of the streams. */
  readonly refusal: () => string | undefined;
}

/** Floods are counted by the second: a busy machine must not make a trickle of one. */
const STILL = { ...systemClock(), monotonic: () => 0 };

export type OpenMessages = (side: Duplex) => MessageReader;

/** Our server. It answers 204 once a request is whole. */
export const ourServer: OpenMessages = (side) => {
  const requests: ReceivedRequest[] = [];
  const ended: number[] = [];
  let refusal: CodecError | undefined;
  createHttp2ServerConnection(asSocket(side), {
    clock: STILL,
    onProtocolError: (error) => {
      refusal ??= error;
    },
    onRequest: (stream, connection) => {
      const received = new ReceivedRequest(stream, connection);
      requests.push(received);
      received.onEnd = () => {
        ended.push(idOf(received));
        stream.sendHead({ status: 204, headers: new Headers() }, true);
      };
    },
  });
  return { messages: () => requests.map(seenRequest), ended, refusal: () => refusal?.details };
};

const idOf = ({ stream }: ReceivedRequest): number => (stream as unknown as { id: number }).id;

function seenRequest(received: ReceivedRequest): SeenMessage {
  const { stream, body, trailers, ended, resetReason } = received;
  const { method, scheme, path, authority, headers } = stream.head;
  return {
    id: idOf(received),
    informational: [],
    head: [`${method} ${scheme}://${authority}${path}`, ...linesOf(headers.flat)],
    body,
    trailers: linesOf(trailers?.flat ?? []),
    state: ended ? 'ended' : resetReason === undefined ? 'open' : 'reset',
  };
}

/** Node's server, which reads with nghttp2; it answers likewise. */
export const nodeServer: OpenMessages = (side) => {
  const messages: Collected[] = [];
  const ended: number[] = [];
  let refusal: string | undefined;
  // White space around a value is no reason for Envoy to refuse it.
  const session = performServerHandshake(side, { strictFieldWhitespaceValidation: false });
  session.on('error', (error) => {
    refusal ??= error.message;
  });
  session.on('stream', (stream, _headers, flags, raw) => {
    const message = new Collected(stream, requestLines(raw as unknown as string[]));
    messages.push(message);
    message.onEnd = (id) => {
      ended.push(id);
      if (!stream.destroyed && !stream.closed) stream.respond({ ':status': 204 }, { endStream: true });
    };
    if ((flags & 1) !== 0) stream.resume();
  });
  return { messages: () => messages.map((message) => message.seen()), ended, refusal: () => refusal };
};

/** A stream of Node's. */
class Collected {
  readonly #stream: Http2Stream;
  readonly #parts: Buffer[] = [];
  readonly #informational: string[][] = [];
  #head: string[] | undefined;
  #trailers: string[] = [];
  #state: SeenMessage['state'] = 'open';
  onEnd: (id: number) => void = () => undefined;

  constructor(stream: Http2Stream, head?: string[]) {
    this.#stream = stream;
    this.#head = head;
    stream.on('error', () => undefined);
    stream.on('data', (part: Buffer) => this.#parts.push(part));
    stream.on('trailers', (_fields, _flags, raw) => {
      this.#trailers = linesOf(passable(raw as unknown as string[]));
    });
    stream.on('end', () => {
      // Node ends the body of a stream that was reset without an error, too; that of an answer when the stream is closed.
      if ((head !== undefined && stream.closed) || (stream.rstCode ?? 0) !== 0 || stream.aborted) return;
      this.#state = 'ended';
      this.onEnd(stream.id ?? 0);
    });
    stream.on('close', () => {
      if (this.#state === 'open') this.#state = 'reset';
    });
  }

  set head(lines: string[]) {
    this.#head = lines;
  }

  get headSeen(): boolean {
    return this.#head !== undefined;
  }

  informational(lines: string[]): void {
    this.#informational.push(lines);
  }

  seen(): SeenMessage {
    return {
      id: this.#stream.id ?? 0,
      informational: this.#informational,
      head: this.#head ?? [],
      body: Buffer.concat(this.#parts).toString('latin1'),
      trailers: this.#trailers,
      state: this.#state,
    };
  }
}

/** Our client, which asks with each of these methods at once. */
export const ourClient =
  (methods: readonly string[]): OpenMessages =>
  (side) => {
    let refusal: string | undefined;
    const connection = new Http2ClientConnection(
      asSocket(side),
      undefined,
      {
        onCloseNotice: () => undefined,
        onAvailability: () => undefined,
        onGone: () => undefined,
        describe: () => '',
      },
      { clock: STILL },
    );
    const ended: number[] = [];
    const answers = methods.map((method, i) => {
      const id = 2 * i + 1;
      const response = new ReceivedResponse();
      connection.open(response, { onStreamEnd: () => undefined }).sendHead(request(method), true);
      void response.settled().then(() => {
        if (response.resetReason !== undefined) refusal ??= response.resetReason.detail;
        else ended.push(id);
      });
      return { id, response };
    });
    return {
      messages: () =>
        answers
          .filter(({ response }) => response.response !== undefined)
          .map(({ id, response }) => seenAnswer(id, response)),
      ended,
      refusal: () => refusal,
    };
  };

function seenAnswer(id: number, received: ReceivedResponse): SeenMessage {
  const { response, informationals, body, trailers, ended, resetReason } = received;
  return {
    id,
    informational: informationals.map(({ status, headers }) => [String(status), ...linesOf(headers.flat)]),
    head: [String(response!.status), ...linesOf(headers(response!.headers))],
    body,
    trailers: linesOf(trailers?.flat ?? []),
    state: resetReason !== undefined ? 'reset' : ended ? 'ended' : 'open',
  };
}

const headers = ({ flat }: Headers): string[] => flat;

/** Node's client, likewise. */
export const nodeClient =
  (methods: readonly string[]): OpenMessages =>
  (side) => {
    let refusal: string | undefined;
    const session = connect('http://app', { createConnection: () => side, strictFieldWhitespaceValidation: false });
    session.on('error', (error) => {
      refusal ??= error.message;
    });
    const ended: number[] = [];
    const answers = methods.map((method) => {
      const stream = session.request({ ':method': method, ':path': '/' }, { endStream: true });
      const message = new Collected(stream);
      message.onEnd = (id) => ended.push(id);
      stream.on('headers', (_fields, _flags, raw) => message.informational(answerLines(raw as unknown as string[])));
      stream.on('response', (_fields, _flags, raw) => {
        message.head = answerLines(raw as unknown as string[]);
      });
      return message;
    });
    return {
      messages: () => answers.filter(({ headSeen }) => headSeen).map((message) => message.seen()),
      ended,
      refusal: () => refusal,
    };
  };

/** What a reader made of some bytes. */
export interface MessageReading {
  readonly messages: SeenMessage[];
  /** Of each message that is whole, by its stream: the number of bytes that had been fed. */
  readonly ends: ReadonlyMap<number, number>;
  readonly refusal: string | undefined;
  /** What the reader wrote itself. */
  readonly sent: Buffer;
}

/** Feeds `bytes` in the given pieces, until the reader has closed or has nothing more to say. */
export async function readMessages(
  open: OpenMessages,
  bytes: Buffer,
  cuts: readonly number[],
): Promise<MessageReading> {
  const wire = openWire();
  const sent: Buffer[] = [];
  wire.near.on('data', (chunk: Buffer) => sent.push(Buffer.from(chunk)));
  const { messages, ended, refusal } = open(wire.far);
  const ends = new Map<number, number>();
  const note = (at: number): void => {
    while (ends.size < ended.length) ends.set(ended[ends.size]!, at);
  };
  await turn();
  await feed(wire, bytes, cuts, note);
  await settle(wire, () => ended.length);
  note(bytes.length);
  const reading = { messages: messages(), ends, refusal: refusal(), sent: Buffer.concat(sent) };
  wire.destroy();
  return reading;
}

const linesOf = (flat: readonly string[]): string[] =>
  flat.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${flat[i + 1]}`] : []));

/** The fields of a message as ours hands them on: the crumbs of `cookie` in one, and `te` where it says what it means. */
function ordinary(raw: readonly string[]): string[] {
  const flat: string[] = [];
  const crumbs: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const [name, value] = [raw[i]!, raw[i + 1]!];
    if (name === 'cookie') crumbs.push(value);
    else if (!name.startsWith(':') && (name !== 'te' || value === 'trailers')) flat.push(name, value);
  }
  if (crumbs.length > 0) flat.push('cookie', crumbs.join('; '));
  return flat;
}

const NO_TRAILERS = new Set([
  'content-length',
  'host',
  'content-encoding',
  'authorization',
  'set-cookie',
  'trailer',
  'te',
]);

const passable = (raw: readonly string[]): string[] =>
  raw.flatMap((name, i) => (i % 2 === 0 && !NO_TRAILERS.has(name) ? [name, raw[i + 1]!] : []));

function requestLines(raw: readonly string[]): string[] {
  const of = (name: string): string | undefined => {
    const at = raw.findIndex((text, i) => i % 2 === 0 && text === name);
    return at < 0 ? undefined : raw[at + 1];
  };
  const scheme = of(':scheme')?.toLowerCase() === 'https' ? 'https' : 'http';
  const flat = ordinary(raw);
  const kept = flat.flatMap((name, i) => (i % 2 === 0 && name !== 'host' ? [name, flat[i + 1]!] : []));
  return [`${of(':method')} ${scheme}://${of(':authority') ?? of('host')}${of(':path')}`, ...linesOf(kept)];
}

const answerLines = (raw: readonly string[]): string[] => [raw[raw.indexOf(':status') + 1]!, ...linesOf(ordinary(raw))];

/** Node gives up what it holds of a body when its stream is reset. */
export const lasting = (seen: SeenMessage): SeenMessage => (seen.state === 'reset' ? { ...seen, body: '' } : seen);

/** Of the messages that one reader took for whole, those that another one did. */
export function wholeOf(reading: MessageReading, others: readonly SeenMessage[]): SeenMessage[] {
  const ids = new Set(others.map(({ id }) => id));
  return reading.messages.filter(({ id, state }) => state === 'ended' && ids.has(id));
}
