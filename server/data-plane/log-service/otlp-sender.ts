import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type { HttpTarget } from '../config/span-collector.ts';
import { type AsyncAnswer, callAsync } from '../http/call/async-call.ts';
import { type GrpcServiceConfig, grpcFrame, grpcHead, grpcMessage } from '../http/call/grpc-call.ts';
import { Headers } from '../http/headers.ts';
import type { ProxyRuntime } from '../runtime.ts';
import type { LogFigures, LogSender } from './log-target.ts';
import { encodeLogs, type KeyValueJson } from './otlp-logs.ts';

const METHOD = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';
const USER_AGENT = 'OTel-OTLP-Exporter-Meshwork/0.1.0';
/** Bytes on their way at most. */
const MOST_UNDER_WAY = 4 * 1024 * 1024;

export interface OtlpSenderOptions {
  readonly runtime: ProxyRuntime;
  readonly figures: LogFigures;
  readonly resource: readonly KeyValueJson[];
  readonly service: { readonly grpc: GrpcServiceConfig } | { readonly http: HttpTarget };
}

/** Exports log records to a collector of OpenTelemetry: one call for each batch. Whether records count as written is the collector's to say. */
export class OtlpSender implements LogSender {
  readonly #options: OtlpSenderOptions;
  #underWay = 0;

  constructor(options: OtlpSenderOptions) {
    this.#options = options;
  }

  send(entries: readonly Uint8Array[]): boolean {
    if (this.#underWay >= MOST_UNDER_WAY) return false;
    const { runtime, resource, service, figures } = this.#options;
    const payload = encodeLogs(resource, entries);
    this.#underWay += payload.length;
    const { length } = entries;
    callAsync({
      runtime,
      ...('grpc' in service
        ? overGrpc(service.grpc, payload, runtime.self.ip)
        : overHttp(service.http, payload, runtime.self.ip)),
      onDone: (answer) => {
        this.#underWay -= payload.length;
        const refused = typeof answer === 'string' ? length : refusedOf(answer, length, 'grpc' in service);
        figures.count('logs_written', length - refused);
        figures.count('logs_dropped', refused);
      },
    });
    return true;
  }
}

type Call = Pick<Parameters<typeof callAsync>[0], 'cluster' | 'google' | 'timeoutMs' | 'head' | 'body'>;

const overGrpc = (service: GrpcServiceConfig, payload: Uint8Array, ip: string): Call => ({
  cluster: service.cluster,
  google: service.google,
  timeoutMs: service.timeoutMs,
  head: grpcHead(METHOD, service, ip),
  body: grpcFrame(payload),
});

function overHttp({ cluster, timeoutMs, authority, path, headers }: HttpTarget, payload: Uint8Array, ip: string): Call {
  const body = Buffer.from(payload);
  const own = {
    'content-type': 'application/x-protobuf',
    'user-agent': USER_AGENT,
    'content-length': String(body.length),
    'x-envoy-internal': 'true',
    'x-forwarded-for': ip,
  };
  const head = { method: 'POST', path, authority, scheme: 'http', protocol: 'HTTP/1.1' } as const;
  return {
    cluster,
    timeoutMs,
    body,
    head: { ...head, headers: Headers.of({ ...own, ...Object.fromEntries(headers) }) },
  };
}

/** How many of the records the collector has not taken. */
function refusedOf(answer: AsyncAnswer, length: number, grpc: boolean): number {
  if (!grpc) return answer.head.status === 200 ? 0 : length;
  const message = grpcMessage(answer);
  return typeof message === 'string' ? length : Math.min(length, rejectedIn(message));
}

/** ExportLogsServiceResponse.partial_success.rejected_log_records. */
function rejectedIn(message: Uint8Array): number {
  const partial = fieldOne(new BinaryReader(message), WireType.LengthDelimited, (reader) => reader.bytes());
  return partial === undefined
    ? 0
    : Number(fieldOne(new BinaryReader(partial), WireType.Varint, (reader) => reader.int64()) ?? 0);
}

function fieldOne<Value>(
  reader: BinaryReader,
  wire: WireType,
  read: (reader: BinaryReader) => Value,
): Value | undefined {
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === 1 && type === wire) return read(reader);
    reader.skip(type);
  }
  return undefined;
}
