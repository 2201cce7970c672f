import type { Cluster } from '#xds';
import type { KeepaliveOptions } from '../http/h2/keepalive.ts';
import { type AnswerTest, readErrorMatcher } from './answer-match.ts';
import { readUpstreamFilters, type UpstreamFilter } from './filters/upstream-filters.ts';
import { type Http1Spelling, keepsSpelling } from './http-serving.ts';
import { type Http2Fields, readKeepalive } from './http2-options.ts';
import { ConfigProblem } from './problem.ts';
import { durationMs, readNumber } from './values.ts';

/** How a cluster speaks HTTP to its hosts. */
export interface UpstreamProtocol {
  /** `downstream`: as the client speaks to this proxy. `alpn`: as the handshake agrees. */
  readonly protocol: 'http1' | 'http2' | 'downstream' | 'alpn';
  /** Streams at a time on one connection of HTTP/2. */
  readonly maxConcurrentStreams: number | undefined;
  /** PINGs on connections of HTTP/2. */
  readonly keepalive: KeepaliveOptions | undefined;
  /** 0: no limit. */
  readonly maxRequestsPerConnection: number;
  readonly idleTimeoutMs: number;
  /** Names in answers of HTTP/1.1 keep their capitals. */
  readonly keepsSpelling: boolean;
  /** How old a connection may grow, busy or not; 0: no limit. */
  readonly maxConnectionDurationMs: number;
  /** How long a try may last from when it has a connection; 0: no limit. */
  readonly maxStreamDurationMs: number;
  readonly answers: AnswerLimits;
  /** TLS takes its names from the host that a request names; undefined: from its own settings. */
  readonly autoNames: AutoNames | undefined;
  /** What runs for each try of a request; undefined: what the router says. */
  readonly filters: readonly UpstreamFilter[] | undefined;
  /** What outlier detection takes for an error; undefined: statuses of 5xx. */
  readonly isOutlierError: AnswerTest | undefined;
}

/** How large the head of an answer may be; absent: as large as the codec takes. */
export interface AnswerLimits {
  readonly maxHeaders?: number | undefined;
  readonly maxHeadBytes?: number | undefined;
}

/** What the host that a request names is for. */
export interface AutoNames {
  /** The server is asked for it. */
  readonly sni: boolean;
  /** The server's certificate must have it. */
  readonly san: boolean;
}

const NAME = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

interface CommonFields {
  max_requests_per_connection?: number;
  idle_timeout?: string;
  max_connection_duration?: string;
  max_stream_duration?: string;
  max_headers_count?: number;
  max_response_headers_kb?: number;
}

interface ProtocolFields {
  http_protocol_options?: Http1Spelling;
  http2_protocol_options?: Http2Fields;
}

/** Reads envoy.extensions.upstreams.http.v3.HttpProtocolOptions, or the cluster's own fields where there are none. */
export function readUpstreamProtocol(resource: Cluster): UpstreamProtocol {
  const options = resource.typed_extension_protocol_options?.[NAME] ?? ownOptions(resource);
  const explicit = options?.['explicit_http_config'] as ProtocolFields | undefined;
  const downstream = options?.['use_downstream_protocol_config'] as ProtocolFields | undefined;
  const auto = options?.['auto_config'] as ProtocolFields | undefined;
  const http2 = (explicit ?? downstream ?? auto)?.http2_protocol_options;
  const common = options?.['common_http_protocol_options'] as CommonFields | undefined;
  const maxHeadKb = common?.max_response_headers_kb;
  return {
    protocol: protocolOf(explicit, downstream, auto),
    maxConcurrentStreams: http2?.max_concurrent_streams,
    keepalive: readKeepalive(http2?.connection_keepalive),
    maxRequestsPerConnection: readNumber(
      common?.max_requests_per_connection,
      readNumber(resource.max_requests_per_connection, 0),
    ),
    idleTimeoutMs: durationMs(common?.idle_timeout, 'common_http_protocol_options.idle_timeout', 3_600_000),
    maxConnectionDurationMs: durationMs(
      common?.max_connection_duration,
      'common_http_protocol_options.max_connection_duration',
      0,
    ),
    maxStreamDurationMs: durationMs(common?.max_stream_duration, 'common_http_protocol_options.max_stream_duration', 0),
    answers: {
      maxHeaders: common?.max_headers_count,
      maxHeadBytes: maxHeadKb === undefined ? undefined : maxHeadKb * 1024,
    },
    keepsSpelling: keepsSpelling((explicit ?? downstream ?? auto)?.http_protocol_options),
    filters: readUpstreamFilters(options?.['http_filters'], 'http_filters'),
    isOutlierError: readErrorMatcher(options?.['outlier_detection']),
    autoNames: readAutoNames(options?.['upstream_http_protocol_options']),
  };
}

/** The same of the fields that clusters had before: EnvoyFilters still write them. Source: createOptions in upstream_impl.cc. */
function ownOptions(resource: Cluster): Record<string, unknown> {
  const { http_protocol_options: http1, http2_protocol_options: http2, protocol_selection } = resource;
  const { common_http_protocol_options, upstream_http_protocol_options } = resource;
  const follows = protocol_selection === 'USE_DOWNSTREAM_PROTOCOL';
  if (!follows && http1 !== undefined && http2 !== undefined) {
    const message =
      "may only be configured together with http_protocol_options with non-default 'protocol_selection' values";
    throw new ConfigProblem('http2_protocol_options', message);
  }
  const fields = { ...(http1 && { http_protocol_options: http1 }), ...(http2 && { http2_protocol_options: http2 }) };
  const protocols = follows
    ? { use_downstream_protocol_config: fields }
    : { explicit_http_config: http2 === undefined ? { http_protocol_options: http1 ?? {} } : fields };
  return { ...protocols, common_http_protocol_options, upstream_http_protocol_options };
}

function readAutoNames(given: unknown): AutoNames | undefined {
  const { auto_sni, auto_san_validation } = (given ?? {}) as { auto_sni?: boolean; auto_san_validation?: boolean };
  const names = { sni: auto_sni === true, san: auto_san_validation === true };
  return names.sni || names.san ? names : undefined;
}

function protocolOf(
  explicit: ProtocolFields | undefined,
  downstream: ProtocolFields | undefined,
  auto: ProtocolFields | undefined,
): UpstreamProtocol['protocol'] {
  if (downstream !== undefined) return downstream.http2_protocol_options === undefined ? 'http1' : 'downstream';
  if (auto !== undefined) return 'alpn';
  if (explicit !== undefined && Object.keys(explicit).length === 0) {
    throw new ConfigProblem('explicit_http_config.protocol_config', 'is required');
  }
  return explicit?.http2_protocol_options === undefined ? 'http1' : 'http2';
}
