import type { HttpConnectionManager } from '#xds';
import type { KeepaliveOptions } from '../http/h2/keepalive.ts';
import { type Http2Fields, readKeepalive } from './http2-options.ts';
import { httpLogTimes, type LogTimes } from './log-times.ts';
import { ConfigProblem } from './problem.ts';
import { durationMs, readNumber } from './values.ts';

/** How an HTTP connection manager treats connections and requests, apart from routing. Times in milliseconds, 0 means never. */
export interface HttpServing {
  readonly codec: 'AUTO' | 'HTTP1' | 'HTTP2';
  /** Without a request under way. */
  readonly idleTimeoutMs: number;
  /** Without a byte of a request that is under way, in either direction. */
  readonly streamIdleTimeoutMs: number;
  /** From a request's head to its last byte. */
  readonly requestTimeoutMs: number;
  readonly requestHeadersTimeoutMs: number;
  readonly maxStreamDurationMs: number;
  readonly maxConnectionDurationMs: number;
  /** Between the notice that a connection ends and its end. */
  readonly drainTimeoutMs: number;
  readonly delayedCloseMs: number;
  /** 0: no limit. */
  readonly maxRequestsPerConnection: number;
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
  readonly acceptHttp10: boolean;
  /** A URL in a request line is a path that begins with no slash (`allow_absolute_url: false`). */
  readonly refusesUrls: boolean;
  /** The host of requests of HTTP/1.0 that name none. */
  readonly defaultHost: string | undefined;
  /** Header names keep their capitals (`preserve_case`). */
  readonly keepsSpelling: boolean;
  /** Lower-case values of Upgrade that may leave HTTP; `connect` allows CONNECT. */
  readonly upgrades: ReadonlySet<string>;
  /** Extended CONNECT over HTTP/2. */
  readonly extendedConnect: boolean;
  readonly maxConcurrentStreams: number | undefined;
  readonly keepalive: KeepaliveOptions | undefined;
  /** A log tells how many bytes requests and answers took on the wire. */
  readonly metered: boolean;
  readonly logTimes: LogTimes;
  /** What becomes of headers with underscores in their names. */
  readonly underscores: 'ALLOW' | 'REJECT_REQUEST' | 'DROP_HEADER';
}

interface Fields {
  codec_type?: string;
  common_http_protocol_options?: {
    idle_timeout?: string;
    max_connection_duration?: string;
    max_stream_duration?: string;
    max_headers_count?: number;
    max_requests_per_connection?: number;
    headers_with_underscores_action?: HttpServing['underscores'];
  };
  http_protocol_options?: {
    accept_http_10?: boolean;
    allow_absolute_url?: boolean;
    default_host_for_http_10?: string;
  } & Http1Spelling;
  http2_protocol_options?: Http2Fields & { allow_connect?: boolean };
  stream_idle_timeout?: string;
  request_timeout?: string;
  drain_timeout?: string;
  delayed_close_timeout?: string;
  request_headers_timeout?: string;
  max_request_headers_kb?: number;
  upgrade_configs?: { upgrade_type: string; enabled?: boolean }[];
}

/** Http1ProtocolOptions, as far as it says how names are written. */
export interface Http1Spelling {
  readonly header_key_format?: {
    readonly stateful_formatter?: { readonly typed_config?: { readonly '@type'?: string } };
  };
}

const PRESERVE_CASE =
  'type.googleapis.com/envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig';

/** Whether names are to keep their capitals. */
export const keepsSpelling = (options: Http1Spelling | undefined): boolean =>
  options?.header_key_format?.stateful_formatter?.typed_config?.['@type'] === PRESERVE_CASE;

const METERED = /(?:WIRE|HEADER)_BYTES_(?:SENT|RECEIVED)|HttpGrpcAccessLogConfig/;

/** Reads the parts of an HttpConnectionManager that concern connections, with Envoy's defaults. */
export function readHttpServing(config: HttpConnectionManager): HttpServing {
  const fields: Fields = config;
  const common = fields.common_http_protocol_options;
  const upgrades = (fields.upgrade_configs ?? []).filter(({ enabled }) => enabled !== false);
  const named = new Set<string>();
  for (const { upgrade_type: type = '' } of fields.upgrade_configs ?? []) {
    if (named.has(type.toLowerCase()))
      throw new ConfigProblem('upgrade_configs', `Error: multiple upgrade configs with the same name: '${type}'`);
    named.add(type.toLowerCase());
  }
  return {
    logTimes: httpLogTimes(config),
    metered: METERED.test(JSON.stringify(config.access_log ?? '')),
    codec: fields.codec_type === 'HTTP1' || fields.codec_type === 'HTTP2' ? fields.codec_type : 'AUTO',
    idleTimeoutMs: durationMs(common?.idle_timeout, 'common_http_protocol_options.idle_timeout', 3_600_000),
    streamIdleTimeoutMs: durationMs(fields.stream_idle_timeout, 'stream_idle_timeout', 300_000),
    requestTimeoutMs: durationMs(fields.request_timeout, 'request_timeout', 0),
    requestHeadersTimeoutMs: durationMs(fields.request_headers_timeout, 'request_headers_timeout', 0),
    maxStreamDurationMs: durationMs(common?.max_stream_duration, 'common_http_protocol_options.max_stream_duration', 0),
    maxConnectionDurationMs: durationMs(
      common?.max_connection_duration,
      'common_http_protocol_options.max_connection_duration',
      0,
    ),
    drainTimeoutMs: durationMs(fields.drain_timeout, 'drain_timeout', 5000),
    delayedCloseMs: durationMs(fields.delayed_close_timeout, 'delayed_close_timeout', 1000),
    maxRequestsPerConnection: readNumber(common?.max_requests_per_connection, 0),
    maxHeadBytes: readNumber(fields.max_request_headers_kb, 60) * 1024,
    maxHeaders: readNumber(common?.max_headers_count, 100),
    underscores: common?.headers_with_underscores_action ?? 'ALLOW',
    keepsSpelling: keepsSpelling(fields.http_protocol_options),
    defaultHost: fields.http_protocol_options?.default_host_for_http_10 || undefined,
    refusesUrls: fields.http_protocol_options?.allow_absolute_url === false,
    acceptHttp10: fields.http_protocol_options?.accept_http_10 === true,
    upgrades: new Set(upgrades.map(({ upgrade_type = '' }) => upgrade_type.toLowerCase())),
    extendedConnect: fields.http2_protocol_options?.allow_connect === true,
    maxConcurrentStreams: fields.http2_protocol_options?.max_concurrent_streams,
    keepalive: readKeepalive(fields.http2_protocol_options?.connection_keepalive),
  };
}
