import type { Any } from '#xds';
import type { FormatSubject } from '../../format/subject.ts';
import { compileFormat, type FurtherCommands } from '../../format/template.ts';
import { AccessLogStream } from '../../log-service/access-log-stream.ts';
import type { LogTarget } from '../../log-service/log-target.ts';
import { encodeRecord, type KeyValueJson } from '../../log-service/otlp-logs.ts';
import { OtlpSender, type OtlpSenderOptions } from '../../log-service/otlp-sender.ts';
import { customTags, type EntryOptions, httpEntry, startOf, tcpEntry } from '../../log-service/stream-entry.ts';
import type { ProxySelf } from '../../runtime.ts';
import { type FormatString, furtherCommands } from '../format-string.ts';
import { type GrpcServiceJson, readGrpcService } from '../grpc-service.ts';
import { ConfigProblem, within } from '../problem.ts';
import { type HttpServiceJson, readHttpService } from '../span-collector.ts';
import { readTags, type TagJson } from '../tracing-config.ts';
import { durationMs, readNumber } from '../values.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.access_loggers';

/** Sends one entry where it belongs. */
type LogService = (subject: FormatSubject) => void;

/** Reads a log that leaves the proxy over the network; undefined for others. */
export function readLogService(config: Any | undefined): LogService | undefined {
  switch (config?.['@type']) {
    case `${TYPE}.grpc.v3.HttpGrpcAccessLogConfig`:
      return httpService(config as unknown as HttpJson);
    case `${TYPE}.grpc.v3.TcpGrpcAccessLogConfig`:
      return tcpService(config as unknown as HttpJson);
    case `${TYPE}.open_telemetry.v3.OpenTelemetryAccessLogConfig`:
      return openTelemetryService(config as unknown as OpenTelemetryJson);
    default:
      return undefined;
  }
}

interface Buffering {
  readonly buffer_flush_interval?: string;
  readonly buffer_size_bytes?: number | string;
}

interface CommonJson extends Buffering {
  readonly log_name?: string;
  readonly grpc_service?: GrpcServiceJson;
  readonly transport_api_version?: string;
  readonly filter_state_objects_to_log?: readonly string[];
  readonly custom_tags?: readonly TagJson[];
}

interface HttpJson {
  readonly common_config?: CommonJson;
  readonly additional_request_headers_to_log?: readonly string[];
  readonly additional_response_headers_to_log?: readonly string[];
  readonly additional_response_trailers_to_log?: readonly string[];
}

const lower = (names: readonly string[] = []): string[] => names.map((name) => name.toLowerCase());

function httpService(config: HttpJson): LogService {
  const target = streamTarget(config.common_config, 'http');
  const options = {
    ...entryOptions(config.common_config ?? {}),
    requestHeaders: lower(config.additional_request_headers_to_log),
    responseHeaders: lower(config.additional_response_headers_to_log),
    responseTrailers: lower(config.additional_response_trailers_to_log),
  };
  return (subject) => subject.runtime?.logServices?.take(target, httpEntry(subject, options));
}

function tcpService(config: HttpJson): LogService {
  const target = streamTarget(config.common_config, 'tcp');
  const options = entryOptions(config.common_config ?? {});
  return (subject) => subject.runtime?.logServices?.take(target, tcpEntry(subject, options));
}

const entryOptions = ({ custom_tags, filter_state_objects_to_log = [] }: CommonJson): EntryOptions => ({
  ...readTags(custom_tags),
  filterState: filter_state_objects_to_log,
});

const DEFAULT_FLUSH_MS = 1000;
const DEFAULT_BUFFER_BYTES = 16 * 1024;

function buffering({
  buffer_flush_interval,
  buffer_size_bytes,
}: Buffering): Pick<LogTarget, 'bufferBytes' | 'flushMs'> {
  const flushMs = durationMs(buffer_flush_interval, 'buffer_flush_interval', DEFAULT_FLUSH_MS);
  if (flushMs <= 0) throw new ConfigProblem('buffer_flush_interval', 'value must be greater than 0s');
  return { flushMs, bufferBytes: readNumber(buffer_size_bytes, DEFAULT_BUFFER_BYTES) };
}

function checkVersion({ transport_api_version }: CommonJson): void {
  if (transport_api_version === 'V3') return;
  const version = transport_api_version ?? 'AUTO';
  throw new ConfigProblem(
    'transport_api_version',
    `V2 (and AUTO) xDS transport protocol versions are deprecated (${version})`,
  );
}

function streamTarget(common: CommonJson | undefined, kind: 'http' | 'tcp'): LogTarget {
  if (common === undefined) throw new ConfigProblem('common_config', 'value is required');
  return within('common_config', () => {
    const { log_name: logName = '' } = common;
    if (logName === '') throw new ConfigProblem('log_name', 'value length must be at least 1 characters');
    checkVersion(common);
    const service = readGrpcService(common.grpc_service, 'grpc_service', 0);
    return {
      key: `${kind} ${JSON.stringify(common)}`,
      figures: 'access_logs.grpc_access_log.',
      writtenWhen: kind === 'http' ? 'taken' : 'never',
      ...buffering(common),
      open: (runtime) => new AccessLogStream({ runtime, service, logName, kind }),
    };
  });
}

interface KeyValues {
  readonly values?: readonly { readonly key?: string; readonly value?: AnyValueJson }[];
}

interface AnyValueJson {
  readonly string_value?: string;
  readonly kvlist_value?: KeyValues;
  readonly array_value?: { readonly values?: readonly AnyValueJson[] };
}

interface OpenTelemetryJson extends Buffering, Pick<FormatString, 'formatters'> {
  readonly common_config?: CommonJson;
  readonly log_name?: string;
  readonly grpc_service?: GrpcServiceJson;
  readonly http_service?: HttpServiceJson;
  readonly disable_builtin_labels?: boolean;
  readonly resource_attributes?: { readonly values?: readonly KeyValueJson[] };
  readonly body?: AnyValueJson;
  readonly attributes?: KeyValues;
  readonly stat_prefix?: string;
  readonly filter_state_objects_to_log?: readonly string[];
  readonly custom_tags?: readonly TagJson[];
}

type ValueFormat = (subject: FormatSubject) => object;

const NANOS_PER_US = 1000n;

/** Source: AccessLog of Envoy's open_telemetry logger. */
function openTelemetryService(config: OpenTelemetryJson): LogService {
  const target = openTelemetryTarget(config);
  const further = furtherCommands(config);
  const body = config.body && isSet(config.body) ? valueFormat(config.body, 'body', further) : undefined;
  const attributes = fieldFormats(config.attributes, 'attributes', further);
  const options = { ...readTags(config.custom_tags), filterState: [] };
  return (subject) => {
    const { tracerSpan } = subject;
    const tags = Object.entries(customTags(subject, options) ?? {});
    const record = encodeRecord({
      time: BigInt(Math.floor(startOf(subject) * 1000)) * NANOS_PER_US,
      body: body?.(subject),
      attributes: [...attributes(subject), ...tags.map(([key, value]) => ({ key, value: { string_value: value } }))],
      traceId: tracerSpan?.traceId ?? '',
      spanId: tracerSpan?.spanId ?? '',
    });
    subject.runtime?.logServices?.take(target, record);
  };
}

const isSet = ({ string_value, kvlist_value, array_value }: AnyValueJson): boolean =>
  (string_value ?? kvlist_value ?? array_value) !== undefined;

function valueFormat(value: AnyValueJson | undefined, field: string, further?: FurtherCommands): ValueFormat {
  if (value?.string_value !== undefined) {
    const write = compileFormat(value.string_value, field, '-', further);
    return (subject) => ({ string_value: write(subject) });
  }
  if (value?.kvlist_value !== undefined) {
    const fields = fieldFormats(value.kvlist_value, field, further);
    return (subject) => ({ kvlist_value: { values: fields(subject) } });
  }
  if (value?.array_value !== undefined) {
    const items = (value.array_value.values ?? []).map((item, i) =>
      valueFormat(item, `${field}.values[${i}]`, further),
    );
    return (subject) => ({ array_value: { values: items.map((write) => write(subject)) } });
  }
  throw new ConfigProblem(
    field,
    'Only string values, nested key value lists and array values are supported in OpenTelemetry access log format.',
  );
}

function fieldFormats(
  { values = [] }: KeyValues = {},
  field: string,
  further?: FurtherCommands,
): (subject: FormatSubject) => KeyValueJson[] {
  const formats = values.map(({ key = '', value }, i) => ({
    key,
    write: valueFormat(value, `${field}.values[${i}]`, further),
  }));
  return (subject) => formats.map(({ key, write }) => ({ key, value: write(subject) }));
}

function openTelemetryTarget(config: OpenTelemetryJson): LogTarget {
  const { common_config: common = {}, stat_prefix = '', resource_attributes, disable_builtin_labels } = config;
  const service = openTelemetryServer(config);
  const logName = config.log_name || (common.log_name ?? '');
  return {
    key: `otlp ${JSON.stringify(config)}`,
    figures: `access_logs.open_telemetry_access_log.${stat_prefix}`,
    writtenWhen: 'sent',
    ...buffering({ ...common, ...config }),
    open: (runtime, figures) => {
      const labels = disable_builtin_labels === true ? [] : builtInLabels(logName, runtime.self);
      return new OtlpSender({
        runtime,
        figures,
        service,
        resource: [...labels, ...(resource_attributes?.values ?? [])],
      });
    },
  };
}

function openTelemetryServer(config: OpenTelemetryJson): OtlpSenderOptions['service'] {
  const { common_config: common, grpc_service, http_service } = config;
  if (http_service !== undefined) {
    const http = within('http_service', () => readHttpService(http_service));
    if (http === undefined) throw new ConfigProblem('http_service.http_uri', 'names no cluster');
    return { http };
  }
  if (grpc_service === undefined && common !== undefined) checkVersion(common);
  return { grpc: readGrpcService(grpc_service ?? common?.grpc_service, 'grpc_service', 0) };
}

const builtInLabels = (logName: string, { node }: ProxySelf): KeyValueJson[] =>
  Object.entries({ log_name: logName, zone_name: '', cluster_name: node.cluster, node_name: node.id }).map(
    ([key, value]) => ({ key, value: { string_value: value } }),
  );
