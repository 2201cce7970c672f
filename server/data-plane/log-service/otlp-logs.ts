import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { encodeMessage } from '#xds';

/** KeyValue of OpenTelemetry in protobuf JSON. */
export interface KeyValueJson {
  readonly key: string;
  readonly value: object;
}

/** One LogRecord of OpenTelemetry (opentelemetry-proto, logs/v1). */
export interface OtlpRecord {
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  /** An AnyValue in protobuf JSON. */
  readonly body: object | undefined;
  readonly attributes: readonly KeyValueJson[];
  /** Lower-case hex; empty: no span. */
  readonly traceId: string;
  readonly spanId: string;
}

const ANY_VALUE = 'opentelemetry.proto.common.v1.AnyValue';
const KEY_VALUE = 'opentelemetry.proto.common.v1.KeyValue';

const TRACE_ID_DIGITS = 32;

export function encodeRecord({ time, body, attributes, traceId, spanId }: OtlpRecord): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Bit64).fixed64(time);
  if (body !== undefined) writer.tag(5, WireType.LengthDelimited).bytes(encodeMessage(ANY_VALUE, body));
  for (const each of attributes) writer.tag(6, WireType.LengthDelimited).bytes(encodeMessage(KEY_VALUE, each));
  if (traceId !== '') {
    writer.tag(9, WireType.LengthDelimited).bytes(Buffer.from(traceId.padStart(TRACE_ID_DIGITS, '0'), 'hex'));
    writer.tag(10, WireType.LengthDelimited).bytes(Buffer.from(spanId, 'hex'));
  }
  return writer.finish();
}

/** An ExportLogsServiceRequest: one resource, one scope without a name. */
export function encodeLogs(resource: readonly KeyValueJson[], records: readonly Uint8Array[]): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).fork();
  for (const each of resource) writer.tag(1, WireType.LengthDelimited).bytes(encodeMessage(KEY_VALUE, each));
  writer.join();
  writer.tag(2, WireType.LengthDelimited).fork();
  for (const each of records) writer.tag(2, WireType.LengthDelimited).bytes(each);
  return writer.join().join().finish();
}
