import type { LogText } from '#domain';
import { extensionTypes, type HttpConnectionManager } from '#xds';
import type { FormatSubject } from '../../format/subject.ts';
import { compileEntry, type EntryFormat, type Format } from '../../format/template.ts';
import { type FormatString, furtherCommands, textOfFormat } from '../format-string.ts';
import { unknownExtension, within } from '../problem.ts';
import { type AccessLogFilter, readAccessLogFilter } from './filter.ts';
import { compileJsonFormat } from './json-format.ts';
import { readLogService } from './log-service.ts';

/** Writes one entry, without its newline; undefined where the log does not want it, or has sent it elsewhere. It is good until the next entry is written. */
export type AccessLogger = (subject: FormatSubject) => LogText | undefined;

/** Istio's default text format, without the newline. Source: EnvoyTextLogFormat in istio pilot/pkg/model/telemetry_logging.go. */
export const ISTIO_LOG_FORMAT = [
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS%',
  '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED%',
  '%BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%"',
  '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS%',
  '%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%',
].join(' ');

/** What Envoy writes where a log names no format, without the newline. Source: DEFAULT_FORMAT of Envoy's substitution formatter. */
const ENVOY_LOG_FORMAT = [
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS%',
  '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%"',
  '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"',
].join(' ');

const istioEntry = compileEntry(ISTIO_LOG_FORMAT, 'access_log');

export const istioLogFormat: Format = (subject) => String(istioEntry(subject));

export type AccessLogs = NonNullable<HttpConnectionManager['access_log']>;

interface FormatJson {
  readonly log_format?: FormatString;
  readonly format?: string;
  readonly json_format?: FormatString['json_format'];
  readonly typed_json_format?: FormatString['json_format'];
}

/** Reads the `access_log` of a filter. */
export const readAccessLogs = (logs: AccessLogs): AccessLogger[] =>
  logs.map((log, i) => within(`access_log[${i}]`, () => readAccessLog(log)));

const STREAMS = 'type.googleapis.com/envoy.extensions.access_loggers.stream.v3';

/** Loggers that write what the proxy's container prints. */
const WRITERS: ReadonlySet<string | undefined> = new Set([
  extensionTypes.fileAccessLog,
  `${STREAMS}.StdoutAccessLog`,
  `${STREAMS}.StderrAccessLog`,
]);

function readAccessLog(log: AccessLogs[number]): AccessLogger {
  const write = readWriter(log);
  const { filter } = log;
  if (filter === undefined) return write;
  const wants = within('filter', () => readAccessLogFilter(filter as AccessLogFilter));
  return (subject) => (wants(subject) ? write(subject) : undefined);
}

function readWriter({ name, typed_config }: AccessLogs[number]): AccessLogger {
  if (WRITERS.has(typed_config?.['@type'])) {
    return readFormatOf(typed_config as FormatJson);
  }
  const send = within('typed_config', () => readLogService(typed_config));
  if (send === undefined) throw unknownExtension('typed_config', name, typed_config);
  return (subject) => {
    send(subject);
    return undefined;
  };
}

/** `log_format`, or one of the fields of a file's logger that came before it. */
function readFormatOf({ log_format, format, json_format, typed_json_format }: FormatJson): EntryFormat {
  if (log_format !== undefined) return within('log_format', () => readFormat(log_format));
  return readFormat({
    ...(format && { text_format: format }),
    ...((json_format ?? typed_json_format) && { json_format: json_format ?? typed_json_format! }),
  });
}

function readFormat(given: FormatString): EntryFormat {
  const omitsEmpty = given.omit_empty_values === true;
  const further = furtherCommands(given);
  if (given.json_format !== undefined) return compileJsonFormat(given.json_format, omitsEmpty, 'json_format', further);
  const text = textOfFormat(given);
  if (text === undefined) return compileEntry(ENVOY_LOG_FORMAT, 'log_format');
  return compileEntry(text, 'text_format_source', omitsEmpty ? '' : '-', further);
}
