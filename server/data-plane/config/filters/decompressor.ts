import type { Any } from '#xds';
import { ConfigProblem } from '../problem.ts';
import { type Fields, readNumber, readSwitch, record, type Switch } from '../values.ts';

/** envoy.extensions.filters.http.decompressor.v3.Decompressor. */
export interface DecompressorConfig {
  readonly encoding: 'gzip' | 'br' | 'zstd';
  /** Of its statistics. */
  readonly scope: string;
  /** Names of what its library counts; the first counts bodies that cannot be read. */
  readonly errorFigures: readonly [string, ...string[]];
  /** Bytes that one byte may become at most. */
  readonly maxRatio: number;
  /** Begins the names of trailers that tell how many bytes there were. */
  readonly trailerPrefix: string;
  readonly request: DecompressedWay;
  readonly response: DecompressedWay;
  /** Hosts hear that answers may come compressed. */
  readonly advertises: boolean;
}

export interface DecompressedWay {
  readonly enabled: Switch;
  /** `no-transform` does not count. */
  readonly ignoresNoTransform: boolean;
}

interface Library {
  readonly encoding: DecompressorConfig['encoding'];
  readonly stat: string;
  readonly errorFigures: readonly [string, ...string[]];
}

const PREFIX = 'type.googleapis.com/envoy.extensions.compression.';
const LIBRARIES: Readonly<Record<string, Library>> = {
  [`${PREFIX}gzip.decompressor.v3.Gzip`]: {
    encoding: 'gzip',
    stat: 'gzip',
    errorFigures: [
      'zlib_data_error',
      'zlib_buf_error',
      'zlib_errno',
      'zlib_mem_error',
      'zlib_stream_error',
      'zlib_version_error',
    ],
  },
  [`${PREFIX}brotli.decompressor.v3.Brotli`]: {
    encoding: 'br',
    stat: 'brotli',
    errorFigures: ['brotli_error', 'brotli_output_overflow', 'brotli_redundant_input'],
  },
  [`${PREFIX}zstd.decompressor.v3.Zstd`]: {
    encoding: 'zstd',
    stat: 'zstd',
    errorFigures: ['zstd_generic_error', 'zstd_checksum_wrong_error', 'zstd_dictionary_error', 'zstd_memory_error'],
  },
};
const MAX_RATIO = 100;

export function readDecompressor(config: Any): DecompressorConfig {
  const library = record(config['decompressor_library']);
  if (library === undefined) throw new ConfigProblem('decompressor_library', 'value is required');
  const own = record(library['typed_config']);
  const found = LIBRARIES[String(own?.['@type'])];
  const name = String(library['name'] ?? '');
  if (found === undefined) {
    const why = `Didn't find a registered implementation for '${name}' with type URL: '${String(own?.['@type'] ?? '')}'`;
    throw new ConfigProblem('decompressor_library', why);
  }
  const request = record(config['request_direction_config']);
  return {
    encoding: found.encoding,
    scope: `decompressor.${name}.${found.stat}.`,
    errorFigures: found.errorFigures,
    maxRatio: readNumber(own?.['max_inflate_ratio'], MAX_RATIO),
    trailerPrefix: `x-envoy-decompressor-${name.toLowerCase()}-`,
    request: readWay(request),
    response: readWay(record(config['response_direction_config'])),
    advertises: request?.['advertise_accept_encoding'] !== false,
  };
}

function readWay(given: Fields | undefined): DecompressedWay {
  const common = record(given?.['common_config']);
  return {
    enabled: readSwitch(common?.['enabled']),
    ignoresNoTransform: common?.['ignore_no_transform_header'] === true,
  };
}
