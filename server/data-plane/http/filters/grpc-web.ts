import type { AnswerFilter, BodyCoder, BodyOut } from '../answer-filters.ts';
import type { RequestHead, ResponseHead } from '../codec.ts';
import type { Exchange } from '../exchange.ts';
import { encodeGrpcMessage, grpcStatusOf } from '../grpc.ts';
import type { Headers } from '../headers.ts';
import { peekBody } from '../peek-body.ts';
import type { FilterParts } from './filter-parts.ts';

/** What browsers send, and whether its body is written in base64. */
const TYPES: ReadonlyMap<string, { readonly text: boolean }> = new Map([
  ['application/grpc-web', { text: false }],
  ['application/grpc-web+proto', { text: false }],
  ['application/grpc-web-text', { text: true }],
  ['application/grpc-web-text+proto', { text: true }],
]);
/** What hosts answer calls with. */
const IS_CALL = /^application\/grpc($|[+;]|-web($|\+proto| *;))/;
const MAX_MESSAGE_BYTES = 16_384;
const TRAILERS_FRAME = 0x80;
/** Calls of browsers are single messages; what is longer is refused. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024;

/** How the client of an exchange wants its answer. */
const wanted = new WeakMap<Exchange, WebCall>();

interface WebCall {
  readonly text: boolean;
  /** `service.method`; undefined where the path names none. */
  readonly call: string | undefined;
}

/** Envoy's grpc_web filter: calls of browsers become gRPC, and trailers of their answers the last bytes of the body. */
export const grpcWeb: FilterParts = {
  decode(exchange) {
    const { head } = exchange;
    const type = TYPES.get(head.headers.get('content-type') ?? '');
    if (type === undefined) return 'next';
    wanted.set(exchange, { text: acceptsText(head), call: callOf(head.path) });
    // Answers of this proxy are plain ones for browsers.
    exchange.cameAsGrpc = false;
    head.headers.set('content-type', 'application/grpc');
    head.headers.set('te', 'trailers');
    if (!head.headers.has('grpc-accept-encoding')) head.headers.set('grpc-accept-encoding', 'identity');
    head.headers.remove('content-length');
    if (!type.text || !exchange.stream.hasBody) return 'next';
    peekBody(exchange, MAX_TEXT_BYTES, (body, complete) => {
      if (!complete) {
        exchange.stats.count('downstream_rq_too_large');
        exchange.reply({ status: 413, details: 'request_payload_too_large', body: 'Payload Too Large' });
        return;
      }
      const decoded = decodeText(body.toString('latin1'));
      if (decoded === undefined) {
        const details = `grpc_base_64_decode_failed${body.length % 4 === 0 ? '' : '_bad_size'}`;
        exchange.reply({ status: 400, details, body: 'Bad gRPC-web request, invalid base64 data.' });
        return;
      }
      exchange.holdBody([decoded], decoded.length);
      exchange.proceed();
    });
    return 'wait';
  },
  encode: (exchange, head, endStream) => encode(exchange, head, endStream),
};

const encode: AnswerFilter = (exchange, head, endStream) => {
  const how = wanted.get(exchange);
  if (how === undefined) return undefined;
  const { headers } = head;
  const isCall = head.status === 200 && IS_CALL.test(headers.get('content-type') ?? '');
  count(exchange, how, headers);
  headers.put('content-type', `application/grpc-web${how.text ? '-text' : ''}+proto`);
  headers.remove('content-length');
  if (!isCall && !endStream && exchange.answerFilters !== undefined) {
    exchange.answerFilters.holds = true;
    return () => new MessageOfBody(exchange, head);
  }
  return (out) => new WebBody(out, how.text, (trailers) => count(exchange, how, trailers));
};

const acceptsText = ({ headers }: RequestHead): boolean => TYPES.get(headers.get('accept') ?? '')?.text === true;

const callOf = (path: string): string | undefined => {
  const [, service, method] = /^\/([^/?]+)\/([^/?]+)/.exec(path) ?? [];
  return service && method && `${service}.${method}`;
};

/** Calls of browsers have figures of their own under their cluster. */
function count({ info, runtime }: Exchange, { call }: WebCall, trailers: Headers): void {
  const cluster = runtime.clusters.get(info.cluster);
  const status = trailers.get('grpc-status');
  if (cluster === undefined || call === undefined || status === undefined) return;
  for (const figure of [status, status === '0' ? 'success' : 'failure', 'total']) {
    cluster.stats.count(`grpc-web.${call}.${figure}`);
  }
}

/** Pieces of base64 may each end with their own `=`. Undefined: that is no base64. */
function decodeText(text: string): Buffer | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/=]*$/.test(text)) return undefined;
  return Buffer.concat((text.match(/[^=]+=*/g) ?? []).map((piece) => Buffer.from(piece, 'base64')));
}

/** An answer that is no call's becomes one that failed: its body is the message. */
class MessageOfBody implements BodyCoder {
  readonly #exchange: Exchange;
  readonly #head: ResponseHead;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(exchange: Exchange, head: ResponseHead) {
    this.#exchange = exchange;
    this.#head = head;
  }

  data(chunk: Buffer): boolean {
    if (this.#bytes < MAX_MESSAGE_BYTES) this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    return true;
  }

  end(): void {
    const body = Buffer.concat(this.#chunks);
    const { headers, status } = this.#head;
    // As in Envoy, what comes in one piece is not shortened.
    const message = this.#chunks.length === 1 ? body : body.subarray(0, MAX_MESSAGE_BYTES);
    headers.set('grpc-message', encodeGrpcMessage(message.toString()));
    headers.set('grpc-status', String(grpcStatusOf(status)));
    headers.set('content-length', '0');
    this.#exchange.passHead(this.#head, true);
  }

  resume(): void {
    // Nothing is held back.
  }

  cancel(): void {
    // Nothing is at work.
  }
}

const FRAME_HEAD = 5;

/** Writes a body as grpc-web has it; in base64 each message by itself. */
class WebBody implements BodyCoder {
  readonly #out: BodyOut;
  readonly #text: boolean;
  readonly #onTrailers: (trailers: Headers) => void;
  #rest = Buffer.alloc(0);

  constructor(out: BodyOut, text: boolean, onTrailers: (trailers: Headers) => void) {
    this.#out = out;
    this.#text = text;
    this.#onTrailers = onTrailers;
  }

  data(chunk: Buffer): boolean {
    if (!this.#text) return this.#out.data(chunk);
    this.#rest = Buffer.concat([this.#rest, chunk]);
    let room = true;
    while (this.#rest.length >= FRAME_HEAD) {
      const end = FRAME_HEAD + this.#rest.readUInt32BE(1);
      if (this.#rest.length < end) break;
      room = this.#write(this.#rest.subarray(0, end));
      this.#rest = this.#rest.subarray(end);
    }
    return room;
  }

  end(trailers: Headers | undefined): void {
    if (trailers !== undefined) {
      this.#onTrailers(trailers);
      const lines = trailers.entries().map(([name, value]) => `${name}:${value}\r\n`);
      const text = Buffer.from(lines.join(''), 'latin1');
      const head = Buffer.alloc(FRAME_HEAD);
      head[0] = TRAILERS_FRAME;
      head.writeUInt32BE(text.length, 1);
      this.#write(Buffer.concat([head, text]));
    }
    this.#out.end(undefined);
  }

  #write(bytes: Buffer): boolean {
    return this.#out.data(this.#text ? Buffer.from(bytes.toString('base64')) : bytes);
  }

  resume(): void {
    // Nothing is held back.
  }

  cancel(): void {
    // Nothing is at work.
  }
}
