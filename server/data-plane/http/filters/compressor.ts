import { createBrotliCompress, createGzip, createZstdCompress } from 'node:zlib';
import { type CompressorConfig, overrideCompressor } from '../../config/filters/compressor.ts';
import type { ResponseHead } from '../codec.ts';
import type { Exchange } from '../exchange.ts';
import type { Headers } from '../headers.ts';
import { isChosen, isTypeAllowed, seeRequest } from './encoding-choice.ts';
import type { FilterParts } from './filter-parts.ts';
import { perRoute } from './per-route.ts';
import { type Zip, ZipCoder } from './zip-coder.ts';

const MAKERS: Readonly<Record<CompressorConfig['encoding'], () => Zip>> = {
  gzip: createGzip,
  br: createBrotliCompress,
  zstd: createZstdCompress,
};

/** Envoy's compressor filter. Several in one chain choose together which of them the client prefers. */
export function compressor(name: string, own: CompressorConfig): FilterParts {
  const configOf = perRoute<CompressorConfig | undefined>(
    { name, type: 'compressor.v3.CompressorPerRoute' },
    own,
    (given) => overrideCompressor(own, given),
  );
  return {
    figures: figuresOf(own),
    decode(exchange) {
      const { headers } = exchange.head;
      const config = configOf(exchange);
      seeRequest(exchange, { own, config: config ?? own, accept: headers.joined('accept-encoding') });
      if (config?.hidesAccept === true && exchange.runtime.values.isOn(config.enabled))
        headers.remove('accept-encoding');
      compressRequest(exchange, own);
      return 'next';
    },
    encode(exchange, head, endStream) {
      const config = configOf(exchange);
      const count = counterOf(exchange, own);
      const way = own.directed ? 'response.' : '';
      const ofWay: Count = (figure, by) => count(way + figure, by);
      const counts = { count, ofWay };
      if (config === undefined || !exchange.runtime.values.isOn(config.enabled)) {
        ofWay('not_compressed');
        return undefined;
      }
      const isWanted = (): boolean =>
        isAccepted(isChosen(exchange, { own, config }, head.headers.get('content-type')), count);
      const { fit, accepted } =
        config.tellsStatus && !endStream
          ? judgeAloud(config, head, { ...counts, isWanted })
          : judge(config, head, { ...counts, isWanted, endStream });
      if (fit) addVary(head.headers);
      if (!accepted) {
        ofWay('not_compressed');
        return undefined;
      }
      ofWay('compressed');
      encodeHead(config, head.headers);
      return (out) =>
        new ZipCoder(MAKERS[config.encoding](), out, {
          read: 'total_uncompressed_bytes',
          written: 'total_compressed_bytes',
          count: ofWay,
        });
    },
  };
}

interface Counts {
  readonly count: Count;
  readonly ofWay: Count;
}

interface Judgement {
  /** Somebody might get it compressed. */
  readonly fit: boolean;
  /** This client does. */
  readonly accepted: boolean;
}

type Asked = Counts & { readonly isWanted: () => boolean };

function judge(
  config: CompressorConfig,
  head: ResponseHead,
  { count, endStream, isWanted, ofWay }: Asked & { readonly endStream: boolean },
): Judgement {
  const long = isLongEnough(config, head.headers, ofWay);
  const fit = long && isCompressible(config, head, count);
  const wanted = long && !endStream && isWanted();
  return { fit, accepted: fit && wanted };
}

/** Tells in the answer what comes of it. */
function judgeAloud(config: CompressorConfig, head: ResponseHead, { isWanted, ...counts }: Asked): Judgement {
  const unfit = unfitBecause(config, head, counts);
  const fit = unfit === undefined;
  const accepted = fit && isWanted();
  const length = head.headers.get('content-length') ?? '';
  const status = accepted ? `Compressed;OriginalLength=${length}` : unfit;
  if (status) head.headers.add('x-envoy-compression-status', `${config.encoding};${status}`);
  return { fit, accepted };
}

/** As the filter's own configuration says: routes speak of answers alone. */
function compressRequest(exchange: Exchange, own: CompressorConfig): void {
  const { head, stream } = exchange;
  const { headers } = head;
  const all = counterOf(exchange, own);
  const count: Count = (figure, by) => all(`request.${figure}`, by);
  const way = own.request;
  const fit =
    way !== undefined &&
    exchange.runtime.values.isOn(way.enabled) &&
    stream.hasBody &&
    !stream.tunnel &&
    isLongEnough(way, headers, count) &&
    isTypeAllowed(way, headers.get('content-type'));
  if (!fit || headers.has('content-encoding')) {
    count('not_compressed');
    return;
  }
  headers.remove('content-length');
  headers.set('content-encoding', own.encoding);
  count('compressed');
  const { encoding } = own;
  exchange.steps.add('http_filter', 'applied', 'envoy.filters.http.compressor', () => ({
    detail: `the body of the request goes on in ${encoding}`,
  }));
  exchange.recodeBody(
    (out) =>
      new ZipCoder(MAKERS[encoding](), out, {
        read: 'total_uncompressed_bytes',
        written: 'total_compressed_bytes',
        count,
      }),
  );
}

const OF_ACCEPT: readonly string[] = [
  ...['header_compressor_overshadowed', 'header_compressor_used', 'header_identity', 'header_not_valid'],
  ...['header_wildcard', 'no_accept_header', 'not_compressed_etag'],
];
const OF_BODIES: readonly string[] = [
  ...['compressed', 'content_length_too_small', 'not_compressed', 'total_compressed_bytes'],
  'total_uncompressed_bytes',
];

const figuresOf = ({ scope, directed }: CompressorConfig): Readonly<Record<string, readonly string[]>> => ({
  [scope]: directed ? OF_ACCEPT : [...OF_ACCEPT, ...OF_BODIES],
  [`${scope}request.`]: OF_BODIES,
  ...(directed && { [`${scope}response.`]: OF_BODIES }),
});

const counterOf =
  ({ config, runtime }: Exchange, { scope }: CompressorConfig): Count =>
  (figure, by = 1) => {
    runtime.stats.stat(`http.${config.statPrefix}.${scope}${figure}`).value += by;
  };

type Count = (figure: string, by?: number) => void;

function isLongEnough({ minLength }: Pick<CompressorConfig, 'minLength'>, headers: Headers, count: Count): boolean {
  const length = headers.get('content-length');
  if (length === undefined || Number(length) >= minLength) return true;
  count('content_length_too_small');
  return false;
}

/** Also where somebody else compresses the answer, this is counted. */
function isAccepted({ chosen, figure }: ReturnType<typeof isChosen>, count: Count): boolean {
  count(figure);
  return chosen;
}

function isCompressible(config: CompressorConfig, { headers, status }: ResponseHead, count: Count): boolean {
  if (config.statusesLeft.has(status) || !isTypeAllowed(config, headers.get('content-type'))) return false;
  return !staysAsItIs(headers) && mayLoseEtag(config, headers, count) && !headers.has('content-encoding');
}

/**
 * Why an answer is not compressed, in the order in which Envoy looks for what it tells; '': nothing is told of that. Undefined: it may be.
 * The length is looked at twice, and counted so.
 */
function unfitBecause(
  config: CompressorConfig,
  { headers, status }: ResponseHead,
  { count, ofWay }: Counts,
): string | undefined {
  if (staysAsItIs(headers) || headers.has('content-encoding')) return '';
  if (!isLongEnough(config, headers, (figure) => ofWay(figure, 2))) return 'ContentLengthTooSmall';
  if (!isTypeAllowed(config, headers.get('content-type'))) return 'ContentTypeNotAllowed';
  if (!mayLoseEtag(config, headers, count)) return 'EtagNotAllowed';
  return config.statusesLeft.has(status) ? 'StatusCodeNotAllowed' : undefined;
}

const staysAsItIs = (headers: Headers): boolean => /no-transform/i.test(headers.joined('cache-control') ?? '');

function mayLoseEtag({ leavesEtags }: CompressorConfig, headers: Headers, count: Count): boolean {
  if (!leavesEtags || !headers.has('etag')) return true;
  count('not_compressed_etag');
  return false;
}

function addVary(headers: Headers): void {
  const vary = headers.joined('vary');
  if (vary === undefined || vary === '') headers.put('vary', 'Accept-Encoding');
  // As in Envoy, only the name as Envoy writes it is found there.
  else if (!/(^|,)\s*Accept-Encoding\s*(,|$)/.test(vary)) headers.put('vary', `${vary}, Accept-Encoding`);
}

function encodeHead({ encoding, weakensEtags }: CompressorConfig, headers: Headers): void {
  headers.remove('content-length');
  headers.set('content-encoding', encoding);
  const etag = headers.get('etag');
  if (etag === undefined || /^w\//i.test(etag)) return;
  if (weakensEtags) headers.set('etag', `W/${etag}`);
  else headers.remove('etag');
}
