import { constants, createBrotliDecompress, createGunzip, createZstdDecompress } from 'node:zlib';
import type { DecompressedWay, DecompressorConfig } from '../../config/filters/decompressor.ts';
import type { BodyCoder, BodyOut } from '../answer-filters.ts';
import type { Exchange } from '../exchange.ts';
import { Headers } from '../headers.ts';
import type { FilterParts } from './filter-parts.ts';
import { type Zip, ZipCoder } from './zip-coder.ts';

/** What is cut off gives what it holds. */
const MAKERS: Readonly<Record<DecompressorConfig['encoding'], () => Zip>> = {
  gzip: () => createGunzip({ finishFlush: constants.Z_SYNC_FLUSH }),
  br: () => createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: () => createZstdDecompress({ finishFlush: constants.ZSTD_e_flush }),
};

type Way = 'request' | 'response';

/** Envoy's decompressor filter: bodies of requests and answers in one encoding are unpacked. */
export function decompressor(config: DecompressorConfig): FilterParts {
  const { scope } = config;
  return {
    figures: { [`${scope}request.`]: FIGURES, [`${scope}response.`]: FIGURES },
    decode(exchange) {
      const { head, stream } = exchange;
      const { values } = exchange.runtime;
      if (config.advertises && values.isOn(config.response.enabled)) advertise(head.headers, config.encoding);
      if (!stream.hasBody) return 'next';
      if (begins(exchange, config, 'request', head.headers)) {
        exchange.recodeBody((out) => unpack(exchange, config, 'request', out));
      }
      return 'next';
    },
    encode(exchange, head, endStream) {
      if (endStream || !begins(exchange, config, 'response', head.headers)) return undefined;
      return (out) => unpack(exchange, config, 'response', out);
    },
  };
}

const FIGURES = ['decompressed', 'not_decompressed', 'total_compressed_bytes', 'total_uncompressed_bytes'] as const;

/** Source: addEncodingToAcceptEncoding in Envoy. */
function advertise(headers: Headers, encoding: string): void {
  const given = (headers.joined('accept-encoding') ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '' && each.split(';')[0]?.trim().toLowerCase() !== encoding);
  headers.put('accept-encoding', [...given, encoding].join(','));
}

/** Whether the body is unpacked; then its headers no longer say that it is packed. */
function begins(exchange: Exchange, config: DecompressorConfig, way: Way, headers: Headers): boolean {
  const fit = exchange.runtime.values.isOn(config[way].enabled) && isFit(config[way], config.encoding, headers);
  count(exchange, config, `${way}.${fit ? '' : 'not_'}decompressed`, 1);
  if (!fit) return false;
  exchange.steps.add('http_filter', 'applied', 'envoy.filters.http.decompressor', () => ({
    detail: `the body of the ${way} came in ${config.encoding} and is unpacked here`,
  }));
  headers.remove('content-length');
  const rest = (headers.joined('content-encoding') ?? '').split(',').slice(1).join(',').trim();
  if (rest === '') headers.remove('content-encoding');
  else headers.set('content-encoding', rest);
  return true;
}

function isFit({ ignoresNoTransform }: DecompressedWay, encoding: string, headers: Headers): boolean {
  const first = headers.joined('content-encoding')?.split(',')[0]?.trim().toLowerCase();
  if (first !== encoding) return false;
  const directives = (headers.joined('cache-control') ?? '').split(',').map((each) => each.trim().toLowerCase());
  return ignoresNoTransform || !directives.includes('no-transform');
}

function unpack(exchange: Exchange, config: DecompressorConfig, way: Way, out: BodyOut): BodyCoder {
  const { maxRatio, trailerPrefix, errorFigures } = config;
  // As in Envoy, its library's figures come with the first body.
  const library = 'decompressor_library.';
  exchange.runtime.stats.declare(`http.${exchange.config.statPrefix}.${config.scope}${library}`, errorFigures);
  // As in Envoy, trailers of its own are for HTTP/2.
  const told = way === 'request' ? goesToHttp2(exchange) : exchange.head.protocol === 'HTTP/2';
  return new ZipCoder(MAKERS[config.encoding](), out, {
    read: `${way}.total_compressed_bytes`,
    written: `${way}.total_uncompressed_bytes`,
    count: (figure, by) => count(exchange, config, figure, by),
    maxRatio,
    failsAgain: config.encoding === 'br',
    onError: () => count(exchange, config, `${library}${errorFigures[0]}`, 1),
    ...(told && {
      trailers: (given: Headers | undefined, read: number, written: number) => {
        const trailers = given ?? Headers.of({});
        trailers.add(`${trailerPrefix}compressed-bytes`, String(read));
        trailers.add(`${trailerPrefix}uncompressed-bytes`, String(written));
        return trailers;
      },
    }),
  });
}

function goesToHttp2({ head, info, runtime }: Exchange): boolean {
  const protocol = runtime.clusters.get(info.cluster)?.config.http.protocol;
  return protocol === 'http2' || (protocol === 'downstream' && head.protocol === 'HTTP/2');
}

function count({ config, runtime }: Exchange, { scope }: DecompressorConfig, figure: string, by: number): void {
  runtime.stats.stat(`http.${config.statPrefix}.${scope}${figure}`).value += by;
}
