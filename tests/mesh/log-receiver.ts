import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition, Server, ServerCredentials, type ServiceClientConstructor } from '@grpc/grpc-js';
import { fromJSON, loadSync, type PackageDefinition } from '@grpc/proto-loader';

/** Envoy's .proto files, as another project ships them. */
const PROTOS = join(dirname(fileURLToPath(import.meta.resolve('@grpc/grpc-js-xds/package.json'))), 'deps');
const OPTIONS = { keepCase: true, enums: String, longs: String, bytes: String, defaults: false } as const;

type Fields = Readonly<Record<string, readonly [type: string, number: number] | readonly [string, number, 'repeated']>>;

const message = (fields: Fields): object => ({
  fields: Object.fromEntries(
    Object.entries(fields).map(([name, [type, id, rule]]) => [name, { type, id, ...(rule !== undefined && { rule }) }]),
  ),
});

const COMMON = 'opentelemetry.proto.common.v1';
const LOGS = 'opentelemetry.proto.logs.v1';

/** What an OpenTelemetry collector reads of logs: common.v1, resource.v1, logs.v1 and collector.logs.v1 of opentelemetry-proto. */
const OTLP = {
  common: {
    AnyValue: {
      oneofs: { value: { oneof: ['string_value', 'int_value', 'array_value', 'kvlist_value'] } },
      ...message({
        string_value: ['string', 1],
        int_value: ['int64', 3],
        array_value: ['ArrayValue', 5],
        kvlist_value: ['KeyValueList', 6],
      }),
    },
    ArrayValue: message({ values: ['AnyValue', 1, 'repeated'] }),
    KeyValueList: message({ values: ['KeyValue', 1, 'repeated'] }),
    KeyValue: message({ key: ['string', 1], value: ['AnyValue', 2] }),
    InstrumentationScope: message({ name: ['string', 1], version: ['string', 2] }),
  },
  resource: { Resource: message({ attributes: [`${COMMON}.KeyValue`, 1, 'repeated'] }) },
  logs: {
    LogRecord: message({
      time_unix_nano: ['fixed64', 1],
      severity_number: ['int32', 2],
      severity_text: ['string', 3],
      body: [`${COMMON}.AnyValue`, 5],
      attributes: [`${COMMON}.KeyValue`, 6, 'repeated'],
      flags: ['fixed32', 8],
      trace_id: ['bytes', 9],
      span_id: ['bytes', 10],
      observed_time_unix_nano: ['fixed64', 11],
    }),
    ScopeLogs: message({
      scope: [`${COMMON}.InstrumentationScope`, 1],
      log_records: ['LogRecord', 2, 'repeated'],
      schema_url: ['string', 3],
    }),
    ResourceLogs: message({
      resource: ['opentelemetry.proto.resource.v1.Resource', 1],
      scope_logs: ['ScopeLogs', 2, 'repeated'],
      schema_url: ['string', 3],
    }),
  },
  collector: {
    ExportLogsServiceRequest: message({ resource_logs: [`${LOGS}.ResourceLogs`, 1, 'repeated'] }),
    ExportLogsServiceResponse: message({}),
    LogsService: {
      methods: { Export: { requestType: 'ExportLogsServiceRequest', responseType: 'ExportLogsServiceResponse' } },
    },
  },
};

const nested = (members: object): object => ({ nested: members });

function otlpDefinition(): PackageDefinition {
  const version = (members: object): object => nested({ v1: nested(members) });
  const proto = nested({
    common: version(OTLP.common),
    resource: version(OTLP.resource),
    logs: version(OTLP.logs),
    collector: nested({ logs: version(OTLP.collector) }),
  });
  return fromJSON(nested({ opentelemetry: nested({ proto }) }) as Parameters<typeof fromJSON>[0], OPTIONS);
}

const alsDefinition = (): PackageDefinition =>
  loadSync('envoy/service/accesslog/v3/als.proto', {
    ...OPTIONS,
    includeDirs: ['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate'].map((dir) => join(PROTOS, dir)),
  });

const ALS = 'envoy.service.accesslog.v3.AccessLogService';
const OTLP_LOGS = 'opentelemetry.proto.collector.logs.v1.LogsService';

const serviceOf = (definition: PackageDefinition, name: string): ServiceClientConstructor['service'] =>
  (
    name
      .split('.')
      .reduce(
        (at, part) => (at as Record<string, never>)[part],
        loadPackageDefinition(definition) as unknown,
      ) as ServiceClientConstructor
  ).service;

/** One message of a log: StreamAccessLogsMessage, or ExportLogsServiceRequest. */
export interface LogMessage {
  readonly kind: 'als' | 'otlp';
  /** Which stream, or call, it came on; 0 is the first. */
  readonly call: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly message: Readonly<Record<string, unknown>>;
}

export interface LogReceiver {
  readonly messages: readonly LogMessage[];
  /** Ends every open stream with UNAVAILABLE. */
  breakOff(): void;
  stop(): void;
}

/** Takes access logs as Envoy's service of them and as an OpenTelemetry collector: grpc-js with protobuf.js, nothing of it is ours. */
export async function startLogReceiver(address: string): Promise<LogReceiver> {
  const messages: LogMessage[] = [];
  const open = new Set<{ emit(event: 'error', error: object): unknown }>();
  let calls = 0;
  const server = new Server();
  const takeStream = (stream: LogStream): void => {
    const call = calls++;
    open.add(stream);
    stream.on('data', (given: Record<string, unknown>) =>
      messages.push({ kind: 'als', call, metadata: stream.metadata.getMap(), message: given }),
    );
    for (const event of ['end', 'error', 'cancelled'] as const) stream.on(event, () => open.delete(stream));
  };
  const takeExport = (given: UnaryCall, reply: (error: null, answer: object) => void): void => {
    messages.push({ kind: 'otlp', call: calls++, metadata: given.metadata.getMap(), message: given.request });
    reply(null, {});
  };
  server.addService(serviceOf(alsDefinition(), ALS), { StreamAccessLogs: takeStream });
  server.addService(serviceOf(otlpDefinition(), OTLP_LOGS), { Export: takeExport });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(address, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())),
  );
  return {
    messages,
    breakOff() {
      for (const stream of open) stream.emit('error', { code: 14, details: 'going away' });
    },
    stop: () => server.forceShutdown(),
  };
}

interface Told {
  readonly metadata: { getMap(): Record<string, unknown> };
}

interface UnaryCall extends Told {
  readonly request: Record<string, unknown>;
}

interface LogStream extends Told {
  on(event: 'data', listener: (given: Record<string, unknown>) => void): unknown;
  on(event: 'end' | 'error' | 'cancelled', listener: () => void): unknown;
  emit(event: 'error', error: object): unknown;
}
