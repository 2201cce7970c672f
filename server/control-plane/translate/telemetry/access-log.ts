import { type Any, extensionTypes } from '#xds';
import type { MeshConfig } from '../../doors.ts';

/** Istio's default text format (EnvoyTextLogFormat), one entry per line. */
export const DEFAULT_TEXT_FORMAT = `${[
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS%',
  '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED%',
  '%BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%"',
  '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS%',
  '%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%',
].join(' ')}\n`;

type JsonFormat = Readonly<Record<string, unknown>>;

/** Istio's default JSON format: the same facts, each under its name. */
const JSON_FORMAT: JsonFormat = {
  start_time: '%START_TIME%',
  route_name: '%ROUTE_NAME%',
  method: '%REQ(:METHOD)%',
  path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
  protocol: '%PROTOCOL%',
  response_code: '%RESPONSE_CODE%',
  response_flags: '%RESPONSE_FLAGS%',
  response_code_details: '%RESPONSE_CODE_DETAILS%',
  connection_termination_details: '%CONNECTION_TERMINATION_DETAILS%',
  bytes_received: '%BYTES_RECEIVED%',
  bytes_sent: '%BYTES_SENT%',
  duration: '%DURATION%',
  upstream_service_time: '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%',
  x_forwarded_for: '%REQ(X-FORWARDED-FOR)%',
  user_agent: '%REQ(USER-AGENT)%',
  request_id: '%REQ(X-REQUEST-ID)%',
  authority: '%REQ(:AUTHORITY)%',
  upstream_host: '%UPSTREAM_HOST%',
  upstream_cluster: '%UPSTREAM_CLUSTER_RAW%',
  upstream_local_address: '%UPSTREAM_LOCAL_ADDRESS%',
  downstream_local_address: '%DOWNSTREAM_LOCAL_ADDRESS%',
  downstream_remote_address: '%DOWNSTREAM_REMOTE_ADDRESS%',
  requested_server_name: '%REQUESTED_SERVER_NAME%',
  upstream_transport_failure_reason: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
};

/** Where Istio's built-in provider writes, and where a provider does that names no file. */
export const STANDARD_OUTPUT = '/dev/stdout';

/** One entry of a filter's `access_log`. */
export interface AccessLog {
  readonly name: string;
  readonly typed_config: Any;
  readonly filter?: Readonly<Record<string, unknown>>;
}

/** How the lines of a log read; an absent text or no labels are Istio's own. */
export type LogFormat = ({ readonly text: string } | { readonly labels: JsonFormat }) & {
  readonly omitEmptyValues?: boolean;
};

/** The access log of a filter; none when meshConfig.accessLogFile is empty. */
export function accessLog(mesh: MeshConfig): { access_log?: AccessLog[] } {
  return mesh.accessLogFile === '' ? {} : { access_log: [fileAccessLog(mesh.accessLogFile, meshLogFormat(mesh))] };
}

/** What accessLogEncoding and accessLogFormat say; JSON that cannot be read is taken for none, as istiod does. */
export function meshLogFormat({ accessLogEncoding, accessLogFormat }: MeshConfig): LogFormat {
  if (accessLogEncoding !== 'JSON') return { text: accessLogFormat };
  return { labels: (accessLogFormat === '' ? undefined : readObject(accessLogFormat)) ?? JSON_FORMAT };
}

function readObject(text: string): JsonFormat | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonFormat) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A log written to a file, one entry a line. */
export function fileAccessLog(path: string, format: LogFormat): AccessLog {
  const shape =
    'text' in format
      ? { text_format_source: { inline_string: textFormat(format.text) } }
      : { json_format: Object.keys(format.labels).length === 0 ? JSON_FORMAT : format.labels, json_format_options: {} };
  return {
    name: 'envoy.access_loggers.file',
    typed_config: {
      '@type': extensionTypes.fileAccessLog,
      path,
      log_format: {
        ...shape,
        ...(format.omitEmptyValues === true && { omit_empty_values: true }),
        ...requestFormatters(JSON.stringify(shape)),
      },
    },
  };
}

/** The formatters that a format's text needs. */
export const requestFormatters = (text: string): { formatters?: object[] } =>
  text.includes('%REQ_WITHOUT_QUERY') ? { formatters: [REQUEST_WITHOUT_QUERY] } : {};

const REQUEST_WITHOUT_QUERY = {
  name: 'envoy.formatter.req_without_query',
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery' },
};

function textFormat(text: string): string {
  if (text === '') return DEFAULT_TEXT_FORMAT;
  return text.endsWith('\n') ? text : `${text}\n`;
}
