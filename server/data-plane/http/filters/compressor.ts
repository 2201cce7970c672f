import {
  type BrotliCompress,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  type Gzip,
  type ZstdCompress,
} from 'node:zlib';
import { type CompressorConfig, overrideCompressor } from '../../config/filters/compressor.ts';
import type { BodyCoder, BodyOut } from '../answer-filters.ts';
import type { ResponseHead } from '../codec.ts';
import type { Exchange } from '../exchange.ts';
import type { Headers } from '../headers.ts';
import type { FilterParts } from './filter-parts.ts';
import { perRoute } from './per-route.ts';

type Zip = Gzip | BrotliCompress | ZstdCompress;

const MAKERS: Readonly<Record<CompressorConfig['encoding'], () => Zip>> = {
  gzip: createGzip,
  br: createBrotliCompress,
  zstd: createZstdCompress,
};

/** What the client takes, as it was asked before other filters changed it. */
const asked = new WeakMap<Exchange, string | undefined>();

/** Envoy's compressor filter, for answers. Several in one chain each look for their own encoding. */
export function compressor(name: string, own: CompressorConfig): FilterParts {
  const configOf = perRoute<CompressorConfig | undefined>(name, own, (given) => overrideCompressor(own, given));
  return {
    decode(exchange) {
      const { headers } = exchange.head;
      if (!asked.has(exchange)) asked.set(exchange, headers.joined('accept-encoding'));
      if (configOf(exchange)?.hidesAccept === true) headers.remove('accept-encoding');
      counterOf(exchange, own)('request.not_compressed');
      return 'next';
    },
    encode(exchange, head, endStream) {
      const config = configOf(exchange);
      const count = counterOf(exchange, own);
      const way = own.directed ? 'response.' : '';
      const ofWay: Count = (figure, by) => count(way + figure, by);
      const long = config?.enabled === true && isLongEnough(config, head.headers, endStream ? NO_COUNT : ofWay);
      const accepted = long && !endStream && accepts(asked.get(exchange), config, head.headers, count);
      const fit = long && isCompressible(config, head, ofWay);
      if (fit) addVary(head.headers);
      if (!fit || !accepted) {
        ofWay('not_compressed');
        return undefined;
      }
      ofWay('compressed');
      encodeHead(config, head.headers);
      return (out) => new Compression(MAKERS[config.encoding](), out, ofWay);
    },
  };
}

const NO_COUNT: Count = () => undefined;

const counterOf =
  ({ config, runtime }: Exchange, { scope }: CompressorConfig): Count =>
  (figure, by = 1) => {
    runtime.stats.stat(`http.${config.statPrefix}.${scope}${figure}`).value += by;
  };

type Count = (figure: string, by?: number) => void;

function isLongEnough({ minLength }: CompressorConfig, headers: Headers, count: Count): boolean {
  const length = headers.get('content-length');
  if (length === undefined || Number(length) >= minLength) return true;
  count('content_length_too_small');
  return false;
}

function isCompressible(config: CompressorConfig, { headers, status }: ResponseHead, count: Count): boolean {
  if (config.statusesLeft.has(status) || status === 206) return false;
  if (headers.has('content-encoding') || !isTypeAllowed(config, headers)) return false;
  if (/no-transform/i.test(headers.joined('cache-control') ?? '')) return false;
  if (!config.leavesEtags || !headers.has('etag')) return true;
  count('not_compressed_etag');
  return false;
}

function isTypeAllowed({ types }: CompressorConfig, headers: Headers): boolean {
  const type = headers.get('content-type');
  return type === undefined || types.has((type.split(';')[0] ?? '').trim().toLowerCase());
}

/** Whether the client prefers this encoding to none. As in Envoy, it is offered none for types that are not compressed. */
function accepts(header: string | undefined, config: CompressorConfig, headers: Headers, count: Count): boolean {
  const { encoding } = config;
  if (header === undefined) {
    count('no_accept_header');
    return false;
  }
  const offers = header.split(',').map((offer) => {
    const [name = '', ...parameters] = offer.split(';').map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    return { name, quality: quality === undefined ? 1 : Number(quality) };
  });
  const own = offers.find(({ name }) => name === encoding);
  const any = offers.find(({ name }) => name === '*');
  const plain = offers.find(({ name }) => name === 'identity')?.quality ?? 0;
  const chosen = own ?? any;
  if (chosen === undefined || !(chosen.quality > 0) || !isTypeAllowed(config, headers)) {
    count('header_not_valid');
    return false;
  }
  if (plain > chosen.quality) {
    count('header_identity');
    return false;
  }
  count(own === undefined ? 'header_wildcard' : 'header_compressor_used');
  return true;
}

function addVary(headers: Headers): void {
  const vary = headers.joined('vary');
  if (vary === undefined || vary === '') headers.set('vary', 'Accept-Encoding');
  else if (!/(^|,)\s*accept-encoding\s*(,|$)/i.test(vary)) headers.set('vary', `${vary}, Accept-Encoding`);
}

function encodeHead({ encoding, weakensEtags }: CompressorConfig, headers: Headers): void {
  headers.remove('content-length');
  headers.set('content-encoding', encoding);
  const etag = headers.get('etag');
  if (etag === undefined || /^w\//i.test(etag)) return;
  if (weakensEtags) headers.set('etag', `W/${etag}`);
  else headers.remove('etag');
}

/** One body on its way through zlib, with both sides' back-pressure. */
class Compression implements BodyCoder {
  readonly #zip: Zip;
  #over = false;

  constructor(zip: Zip, out: BodyOut, count: Count) {
    this.#zip = zip;
    zip.on('data', (chunk: Buffer) => {
      count('total_compressed_bytes', chunk.length);
      if (!this.#over && !out.data(chunk)) zip.pause();
    });
    zip.on('drain', () => out.drain());
    zip.on('end', () => {
      if (!this.#over) out.end(this.#trailers);
    });
    zip.on('error', () => undefined);
    this.#count = count;
  }

  readonly #count: Count;
  #trailers: Headers | undefined;

  data(chunk: Buffer): boolean {
    this.#count('total_uncompressed_bytes', chunk.length);
    const room = this.#zip.write(chunk);
    // As in Envoy, the client has all that the host has said so far.
    this.#zip.flush();
    return room;
  }

  end(trailers: Headers | undefined): void {
    this.#trailers = trailers;
    this.#zip.end();
  }

  resume(): void {
    if (this.#zip.isPaused()) this.#zip.resume();
  }

  cancel(): void {
    this.#over = true;
    this.#zip.destroy();
  }
}
