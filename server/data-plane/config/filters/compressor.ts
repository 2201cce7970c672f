import type { Any } from '#xds';
import { ConfigProblem } from '../problem.ts';
import { readNumber, readSwitch, type Switch } from '../values.ts';

/** envoy.extensions.filters.http.compressor.v3.Compressor. */
export interface CompressorConfig {
  readonly encoding: 'gzip' | 'br' | 'zstd';
  /** Of its statistics. */
  readonly scope: string;
  readonly enabled: Switch;
  readonly minLength: number;
  readonly types: ReadonlySet<string>;
  /** Which bodies of requests are compressed; undefined: none. */
  readonly request: Pick<CompressorConfig, 'enabled' | 'minLength' | 'types'> | undefined;
  readonly statusesLeft: ReadonlySet<number>;
  readonly leavesEtags: boolean;
  readonly weakensEtags: boolean;
  /** The host is not to compress by itself. */
  readonly hidesAccept: boolean;
  /** Answers tell why they were compressed, or were not. */
  readonly tellsStatus: boolean;
  /** Where a client likes several encodings alike, this one. */
  readonly first: boolean;
  /** Figures of answers stand under `response.`. */
  readonly directed: boolean;
}

const LIBRARIES: Readonly<Record<string, { readonly encoding: CompressorConfig['encoding']; readonly stat: string }>> =
  {
    'type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip': { encoding: 'gzip', stat: 'gzip' },
    'type.googleapis.com/envoy.extensions.compression.brotli.compressor.v3.Brotli': { encoding: 'br', stat: 'brotli' },
    'type.googleapis.com/envoy.extensions.compression.zstd.compressor.v3.Zstd': { encoding: 'zstd', stat: 'zstd' },
  };

/** Envoy's default list. */
const TYPES = [
  'text/html',
  'text/plain',
  'text/css',
  'application/javascript',
  'application/x-javascript',
  'text/javascript',
  'text/x-javascript',
  'text/ecmascript',
  'text/js',
  'text/jscript',
  'text/x-js',
  'application/ecmascript',
  'application/x-json',
  'application/xml',
  'application/json',
  'image/svg+xml',
  'text/xml',
  'application/xhtml+xml',
];
const MIN_LENGTH = 30;

interface Common {
  readonly enabled?: { readonly default_value?: boolean };
  readonly min_content_length?: number;
  readonly content_type?: readonly string[];
}

interface LibraryJson {
  readonly name?: string;
  readonly typed_config?: Any;
}

/** What compresses. Throws ConfigProblem. */
export function readLibrary(
  { name = '', typed_config: config }: LibraryJson,
  field: string,
): (typeof LIBRARIES)[string] {
  const type = config?.['@type'] ?? '';
  const found = LIBRARIES[type];
  if (found !== undefined) return found;
  throw new ConfigProblem(field, `Didn't find a registered implementation for '${name}' with type URL: '${type}'`);
}

export function readCompressor(config: Any): CompressorConfig {
  const library = (config['compressor_library'] ?? {}) as LibraryJson;
  const found = readLibrary(library, 'compressor_library');
  const request = config['request_direction_config'] as { readonly common_config?: Common } | undefined;
  const response = (config['response_direction_config'] ?? {}) as Readonly<Record<string, unknown>>;
  const common = (response['common_config'] ?? {}) as Common;
  const types = common.content_type ?? (config['content_type'] as readonly string[] | undefined) ?? [];
  const weakensEtags = response['weaken_etag_on_compress'] === true;
  const has = (name: string): boolean => response[name] === true || config[name] === true;
  return {
    encoding: found.encoding,
    scope: `compressor.${library.name ?? ''}.${found.stat}.`,
    enabled: readSwitch(common.enabled),
    minLength: readLength(common.min_content_length ?? config['content_length']),
    types: typesOf(types),
    request: request && readRequest(request.common_config ?? {}),
    statusesLeft: new Set((response['uncompressible_response_codes'] ?? []) as number[]),
    leavesEtags: has('disable_on_etag_header') && !weakensEtags,
    weakensEtags,
    hidesAccept: has('remove_accept_encoding_header'),
    tellsStatus: response['status_header_enabled'] === true,
    first: config['choose_first'] === true,
    directed: config['response_direction_config'] !== undefined,
  };
}

const readRequest = ({ content_type, enabled, min_content_length }: Common): CompressorConfig['request'] => ({
  enabled: readSwitch(enabled),
  minLength: readLength(min_content_length),
  types: typesOf(content_type ?? []),
});

/** As in Envoy, 0 stands for the default. */
const readLength = (given: unknown): number => readNumber(given, MIN_LENGTH) || MIN_LENGTH;

const typesOf = (given: readonly string[]): ReadonlySet<string> =>
  new Set((given.length === 0 ? TYPES : given).map((type) => type.toLowerCase()));

const ON: Switch = { on: true, runtimeKey: undefined };

/** Reads CompressorPerRoute; undefined: nothing is compressed. */
export function overrideCompressor(own: CompressorConfig, config: Any): CompressorConfig | undefined {
  if (config['disabled'] === true) return undefined;
  const overrides = (config['overrides'] ?? {}) as Readonly<Record<string, unknown>>;
  const response = overrides['response_direction_config'] as
    | { readonly remove_accept_encoding_header?: boolean }
    | undefined;
  const library = overrides['compressor_library'] as LibraryJson | undefined;
  return {
    ...own,
    ...(library !== undefined && { encoding: readLibrary(library, 'overrides.compressor_library').encoding }),
    enabled: response === undefined ? own.enabled : ON,
    hidesAccept: response?.remove_accept_encoding_header ?? own.hidesAccept,
  };
}
