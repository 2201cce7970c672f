import { randomUUID } from 'node:crypto';
import type { SocketAddress } from '#domain';
import { encodeMessage } from '#xds';
import type { SpanTag } from '../config/tracing-config.ts';
import { peersOf } from '../format/cel-attributes.ts';
import { requestHeadersBytes, responseHeadersBytes } from '../format/messages.ts';
import { accessLogType } from '../format/stream.ts';
import type { FormatSubject } from '../format/subject.ts';
import type { Headers } from '../http/headers.ts';
import type { StreamTimes } from '../http/stream-info.ts';
import { wallTime } from '../http/tracing/wall-time.ts';
import { flagsJson } from './response-flags.ts';
import { tlsProperties } from './tls-properties.ts';
import { told } from './told.ts';

/** What of CommonGrpcAccessLogConfig decides what an entry says. */
export interface EntryOptions {
  readonly tags: readonly SpanTag[];
  readonly fixedTags: Readonly<Record<string, string>>;
  readonly filterState: readonly string[];
}

/** And of HttpGrpcAccessLogConfig; names in lower case. */
export interface HttpEntryOptions extends EntryOptions {
  readonly requestHeaders: readonly string[];
  readonly responseHeaders: readonly string[];
  readonly responseTrailers: readonly string[];
}

const VERSIONS: Readonly<Record<string, string>> = { 'HTTP/1.0': 'HTTP10', 'HTTP/1.1': 'HTTP11', 'HTTP/2': 'HTTP2' };
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);

/** An HTTPAccessLogEntry. Source: HttpGrpcAccessLog of Envoy. */
export function httpEntry(subject: FormatSubject, options: HttpEntryOptions): Uint8Array {
  return encodeMessage('envoy.data.accesslog.v3.HTTPAccessLogEntry', {
    common_properties: commonProperties(subject, options),
    ...told({ protocol_version: VERSIONS[subject.head.protocol] }),
    request: requestProperties(subject, options),
    response: responseProperties(subject, options),
  });
}

/** A TCPAccessLogEntry. Source: TcpGrpcAccessLog of Envoy. */
export function tcpEntry(subject: FormatSubject, options: EntryOptions): Uint8Array {
  const { bytesReceived, bytesSent } = subject.info;
  return encodeMessage('envoy.data.accesslog.v3.TCPAccessLogEntry', {
    common_properties: commonProperties(subject, options),
    connection_properties: told({ received_bytes: bytesReceived, sent_bytes: bytesSent }),
  });
}

/** Source: extractCommonAccessLogProperties, Envoy's grpc_access_log_utils. */
function commonProperties(subject: FormatSubject, options: EntryOptions): object {
  const { connection, info } = subject;
  const { downstreamBytes, upstreamBytes } = info;
  // Only entries of a type of their own come before the end; those of listeners have none.
  const over = info.logType === '' || info.logType === 'NotSet';
  return told({
    downstream_remote_address: addressJson(subject.remoteAddress ?? connection.remoteAddress),
    downstream_local_address: addressJson(connection.localAddress),
    downstream_direct_remote_address: addressJson(connection.directAddress ?? connection.remoteAddress),
    tls_properties: tlsProperties(connection),
    start_time: timestamp(startOf(subject)),
    ...(over && { duration: duration(info.durationMs) }),
    ...durations(subject),
    upstream_remote_address: parsedAddress(info.upstreamHost),
    upstream_local_address: parsedAddress(info.upstreamLocalAddress),
    upstream_cluster: info.upstreamHost === '' ? '' : info.cluster,
    response_flags: flagsJson(info.flags),
    metadata: metadataJson(subject),
    upstream_transport_failure_reason: info.transportFailure,
    downstream_transport_failure_reason: info.downstreamTransportFailure,
    route_name: info.routeName,
    filter_state_objects: filterState(subject, options.filterState),
    custom_tags: customTags(subject, options),
    upstream_request_attempt_count: info.attempts,
    connection_termination_details: info.connectionTerminationDetails,
    stream_id: streamId(subject),
    intermediate_log_entry: !over,
    downstream_wire_bytes_sent: downstreamBytes?.wireSent,
    downstream_wire_bytes_received: downstreamBytes?.wireReceived,
    upstream_wire_bytes_sent: upstreamBytes?.wireSent,
    upstream_wire_bytes_received: upstreamBytes?.wireReceived,
    access_log_type: accessLogType(subject),
  });
}

/** Of a request its id, which it gets before anything reads it; a connection has one of its own. */
const streamId = ({ head }: FormatSubject): string | undefined =>
  head.headers.get('x-request-id') ?? (head.protocol === '' ? randomUUID() : undefined);

const TIMES: readonly (readonly [field: string, at: keyof StreamTimes])[] = [
  ['time_to_last_rx_byte', 'requestReceived'],
  ['time_to_first_upstream_tx_byte', 'requestBegun'],
  ['time_to_last_upstream_tx_byte', 'requestSent'],
  ['time_to_first_upstream_rx_byte', 'responseBegun'],
  ['time_to_last_upstream_rx_byte', 'responseReceived'],
  ['time_to_first_downstream_tx_byte', 'answerBegun'],
  ['time_to_last_downstream_tx_byte', 'answerSent'],
];

function durations({ info: { times } }: FormatSubject): object {
  if (times === undefined) return {};
  return Object.fromEntries(
    TIMES.flatMap(([field, at]) => {
      const ms = times[at];
      const unsent = at === 'requestSent' && times.requestBegun === undefined;
      return ms === undefined || unsent ? [] : [[field, duration(ms)]];
    }),
  );
}

function requestProperties(subject: FormatSubject, { requestHeaders }: HttpEntryOptions): object {
  const { head, info } = subject;
  const { headers } = head;
  const given = (name: string): string | undefined => headers.get(name);
  return told({
    request_method: METHODS.has(head.method) ? head.method : '',
    scheme: head.scheme,
    authority: head.authority,
    path: head.path,
    user_agent: given('user-agent'),
    referer: given('referer'),
    forwarded_for: headers.joined('x-forwarded-for'),
    request_id: given('x-request-id'),
    original_path: given('x-envoy-original-path'),
    request_headers_bytes: requestHeadersBytes(subject),
    request_body_bytes: info.bytesReceived,
    request_headers: listed(headers, requestHeaders, {
      ':method': head.method,
      ':path': head.path,
      ':authority': head.authority,
      ':scheme': head.scheme,
      host: head.authority,
    }),
    upstream_header_bytes_sent: info.upstreamBytes?.headerSent,
    downstream_header_bytes_received: info.downstreamBytes?.headerReceived,
  });
}

function responseProperties(subject: FormatSubject, options: HttpEntryOptions): object {
  const { info, responseHead, responseTrailers } = subject;
  return told({
    ...(info.status > 0 && { response_code: info.status }),
    response_headers_bytes: responseHeadersBytes(subject),
    response_body_bytes: info.bytesSent,
    response_headers: listed(responseHead?.headers, options.responseHeaders, {
      ':status': responseHead === undefined ? '' : String(responseHead.status),
    }),
    response_trailers: listed(responseTrailers, options.responseTrailers, {}),
    response_code_details: info.details,
    upstream_header_bytes_received: info.upstreamBytes?.headerReceived,
    downstream_header_bytes_sent: info.downstreamBytes?.headerSent,
  });
}

/** The values of these headers; undefined where none of them is there. */
function listed(
  headers: Headers | undefined,
  names: readonly string[],
  pseudo: Readonly<Record<string, string>>,
): Record<string, string> | undefined {
  const found = names.flatMap((name): [string, string][] => {
    const value = pseudo[name] || headers?.joined(name);
    return value === undefined ? [] : [[name, value]];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

function metadataJson({ dynamicMetadata }: FormatSubject): object | undefined {
  const all = dynamicMetadata?.all() ?? {};
  return Object.keys(all).length === 0 ? undefined : { filter_metadata: all };
}

function filterState(subject: FormatSubject, names: readonly string[]): object | undefined {
  if (names.length === 0) return undefined;
  const state = peersOf(subject) as Readonly<Record<string, unknown>>;
  const found = names.flatMap((name): [string, object][] => {
    const text = subject.filterState?.of(name);
    if (text !== undefined)
      return [[name, { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: text }]];
    const value = state[name];
    return value === undefined ? [] : [[name, { '@type': 'type.googleapis.com/google.protobuf.Struct', value }]];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** The tags of an entry, which are those that spans may have; undefined where there are none. */
export function customTags(
  subject: FormatSubject,
  { tags, fixedTags }: EntryOptions,
): Record<string, string> | undefined {
  if (tags.length === 0) return Object.keys(fixedTags).length === 0 ? undefined : fixedTags;
  const own = tags.flatMap(({ name, read }): [string, string][] => {
    const value = read(subject);
    return value === undefined ? [] : [[name, value]];
  });
  return { ...fixedTags, ...Object.fromEntries(own) };
}

const addressJson = ({ ip, port }: SocketAddress): object => ({ socket_address: { address: ip, port_value: port } });

function parsedAddress(text: string): object | undefined {
  const colon = text.lastIndexOf(':');
  return colon < 0 ? undefined : addressJson({ ip: text.slice(0, colon), port: Number(text.slice(colon + 1)) });
}

/** Wall time of the beginning in milliseconds, with a fraction. */
export const startOf = ({ info, runtime }: FormatSubject): number =>
  runtime?.clock === undefined ? info.startMs : wallTime(runtime.clock, info.startedAt);

/** Milliseconds as protobuf JSON writes a Duration. */
const duration = (ms: number): string => `${(Math.max(0, ms) / 1000).toFixed(6)}s`;

/** Milliseconds since 1970, with a fraction, as protobuf JSON writes a Timestamp. */
function timestamp(ms: number): string {
  const whole = Math.floor(ms);
  const micros = Math.floor((ms - whole) * 1000);
  return `${new Date(whole).toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}
