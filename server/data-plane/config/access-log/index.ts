import type { LogText } from '#domain';
import { extensionTypes, type HttpConnectionManager } from '#xds';
import type { FormatSubject } from '../../format/subject.ts';
import { compileEntry, type EntryFormat, type Format } from '../../format/template.ts';
import { unknownExtension, within } from '../problem.ts';
import { type AccessLogFilter, readAccessLogFilter } from './filter.ts';
import { compileJsonFormat } from './json-format.ts';

/** Writes one entry, without its newline; undefined where the log does not want it. It is good until the next entry is written. */
export type AccessLogger = (subject: FormatSubject) => LogText | undefined;

/** Istio's default text format, without the newline. Source: EnvoyTextLogFormat in istio pilot/pkg/model/telemetry_logging.go. */
export const ISTIO_LOG_FORMAT = [
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS%',
  '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED%',
  '%BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%"',
  '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS%',
  '%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%',
].join(' ');

const istioEntry = compileEntry(ISTIO_LOG_FORMAT, 'access_log');

export const istioLogFormat: Format = (subject) => String(istioEntry(subject));

export type AccessLogs = NonNullable<HttpConnectionManager['access_log']>;

interface LogFormat {
  readonly text_format_source?: { readonly inline_string?: string };
  readonly json_format?: Readonly<Record<string, unknown>>;
  readonly omit_empty_values?: boolean;
}

/** Reads the `access_log` of a filter. */
export const readAccessLogs = (logs: AccessLogs): AccessLogger[] =>
  logs.map((log, i) => within(`access_log[${i}]`, () => readAccessLog(log)));

function readAccessLog(log: AccessLogs[number]): AccessLogger {
  if (log.typed_config?.['@type'] !== extensionTypes.fileAccessLog) {
    throw unknownExtension('typed_config', log.name, log.typed_config);
  }
  const write = within('log_format', () => readFormat((log.typed_config['log_format'] ?? {}) as LogFormat));
  const { filter } = log;
  if (filter === undefined) return write;
  const wants = within('filter', () => readAccessLogFilter(filter as AccessLogFilter));
  return (subject) => (wants(subject) ? write(subject) : undefined);
}

function readFormat({ text_format_source, json_format, omit_empty_values }: LogFormat): EntryFormat {
  if (json_format !== undefined) return compileJsonFormat(json_format, omit_empty_values === true, 'json_format');
  const text = text_format_source?.inline_string;
  if (text === undefined) return istioEntry;
  return compileEntry(text.replace(/\n$/, ''), 'text_format_source', omit_empty_values === true ? '' : '-');
}
