import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { flagsOf, isOtlpError, resourceOf, SCOPE, STATUS_ERROR } from './otlp-facts.ts';
import type { Span } from './span.ts';

const KINDS = { SERVER: 2, CLIENT: 3 } as const;

type Fields = (writer: BinaryWriter) => void;

const nested = (writer: BinaryWriter, field: number, fields: Fields): void => {
  writer.tag(field, WireType.LengthDelimited).fork();
  fields(writer);
  writer.join();
};

const text = (writer: BinaryWriter, field: number, value: string): void => {
  writer.tag(field, WireType.LengthDelimited).string(value);
};

/** KeyValue with a string as its AnyValue. */
const attribute = (writer: BinaryWriter, field: number, key: string, value: string): void =>
  nested(writer, field, () => {
    text(writer, 1, key);
    nested(writer, 2, () => text(writer, 1, value));
  });

const nanos = (ms: number): bigint => BigInt(Math.round(ms * 1000)) * 1000n;

/** An ExportTraceServiceRequest as protobuf (opentelemetry-proto, collector/trace/v1): one resource a service, with these attributes, too. */
export function otlpBytes(spans: readonly Span[], attributes: Readonly<Record<string, string>> = {}): Uint8Array {
  const writer = new BinaryWriter();
  for (const [service, own] of Map.groupBy(spans, (span) => span.service))
    nested(writer, 1, () => {
      nested(writer, 1, () => {
        for (const [key, value] of Object.entries({ ...resourceOf(service), ...attributes }))
          attribute(writer, 1, key, value);
      });
      nested(writer, 2, () => {
        nested(writer, 1, () => {
          text(writer, 1, SCOPE.name);
          text(writer, 2, SCOPE.version);
        });
        for (const span of own) nested(writer, 2, () => writeSpan(writer, span));
      });
    });
  return writer.finish();
}

function writeSpan(writer: BinaryWriter, span: Span): void {
  const id = (field: number, hex: string): void => {
    writer.tag(field, WireType.LengthDelimited).bytes(Buffer.from(hex, 'hex'));
  };
  id(1, span.traceId);
  id(2, span.spanId);
  if (span.traceState !== '') text(writer, 3, span.traceState);
  if (span.parentSpanId !== undefined) id(4, span.parentSpanId);
  text(writer, 5, span.name);
  writer.tag(6, WireType.Varint).int32(KINDS[span.kind]);
  writer.tag(7, WireType.Bit64).fixed64(nanos(span.startMs));
  writer.tag(8, WireType.Bit64).fixed64(nanos(span.startMs + span.durationMs));
  for (const [key, value] of Object.entries(span.tags)) attribute(writer, 9, key, value);
  for (const { atMs, value } of span.notes)
    nested(writer, 11, () => {
      writer.tag(1, WireType.Bit64).fixed64(nanos(atMs));
      text(writer, 2, value);
    });
  if (isOtlpError(span)) nested(writer, 15, () => writer.tag(3, WireType.Varint).int32(STATUS_ERROR));
  writer.tag(16, WireType.Bit32).fixed32(flagsOf(span));
}
