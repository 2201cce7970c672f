import { fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { StructSchema } from '@bufbuild/protobuf/wkt';
import { decodeFields } from '../net/grpc-server.ts';
import type { Entry, Limit, Unit } from './limits.ts';

/** One descriptor of a request. */
export interface AskedDescriptor {
  readonly entries: readonly Entry[];
  /** A limit that the request brings along, in place of the configured one. */
  readonly limit: { readonly unit: Unit; readonly requestsPerUnit: number } | undefined;
  readonly hits: number | undefined;
}

/** envoy.service.ratelimit.v3.RateLimitRequest. */
export interface RateLimitRequest {
  readonly domain: string;
  readonly descriptors: readonly AskedDescriptor[];
  /** Of descriptors that say nothing of it: at least one. */
  readonly hits: number;
  /** As the request says it; 0: it does not. */
  readonly toldHits: number;
}

/** envoy.service.ratelimit.v3.RateLimitResponse. */
export interface RateLimitResponse {
  readonly over: boolean;
  readonly statuses: readonly DescriptorStatus[];
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** A Struct. */
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
}

/** What is answered about one descriptor. */
export interface DescriptorStatus {
  readonly over: boolean;
  readonly limit?: Limit;
  readonly remaining?: number;
  readonly resetSeconds?: number;
}

/** Numbers of RateLimitResponse.RateLimit.Unit and of RateLimitUnit. */
export const UNIT_NUMBERS: Readonly<Record<Unit, number>> = {
  second: 1,
  minute: 2,
  hour: 3,
  day: 4,
  month: 5,
  year: 6,
  week: 7,
};
const OK = 1;
const OVER_LIMIT = 2;

const utf8 = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('utf8');

const textAt = (bytes: Uint8Array, field: number): string =>
  utf8(decodeFields(bytes).find((each) => each.field === field)?.bytes);

/** The number in a varint field; 0 when it is absent. */
function numberAt(bytes: Uint8Array, wanted: number): number {
  const reader = new BinaryReader(bytes);
  let found = 0;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === wanted && wireType === WireType.Varint) found = Number(reader.uint64());
    else reader.skip(wireType, field);
  }
  return found;
}

export function readRequest(bytes: Uint8Array): RateLimitRequest {
  const toldHits = numberAt(bytes, 3);
  return {
    domain: textAt(bytes, 1),
    descriptors: decodeFields(bytes).flatMap((each) => (each.field === 2 ? [readDescriptor(each.bytes)] : [])),
    hits: Math.max(1, toldHits),
    toldHits,
  };
}

function readDescriptor(bytes: Uint8Array): AskedDescriptor {
  const fields = decodeFields(bytes);
  const [limit, hits] = [2, 3].map((wanted) => fields.find(({ field }) => field === wanted)?.bytes);
  return {
    entries: fields.flatMap((each) =>
      each.field === 1 ? [{ key: textAt(each.bytes, 1), value: textAt(each.bytes, 2) }] : [],
    ),
    limit: limit && readOverride(limit),
    hits: hits && numberAt(hits, 1),
  };
}

function readOverride(bytes: Uint8Array): AskedDescriptor['limit'] {
  const number = numberAt(bytes, 2);
  const unit = (Object.keys(UNIT_NUMBERS) as Unit[]).find((each) => UNIT_NUMBERS[each] === number);
  return unit && { unit, requestsPerUnit: numberAt(bytes, 1) };
}

export function writeResponse({ over, statuses, headers, metadata }: RateLimitResponse): Buffer {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Varint).uint32(over ? OVER_LIMIT : OK);
  for (const status of statuses) {
    writer.tag(2, WireType.LengthDelimited).fork();
    writeStatus(writer, status);
    writer.join();
  }
  for (const header of headers) {
    writer.tag(3, WireType.LengthDelimited).fork();
    for (const [i, text] of header.entries()) writer.tag(i + 1, WireType.LengthDelimited).string(text);
    writer.join();
  }
  if (metadata !== undefined)
    writer
      .tag(6, WireType.LengthDelimited)
      .bytes(toBinary(StructSchema, fromJson(StructSchema, metadata as JsonObject)));
  return Buffer.from(writer.finish());
}

function writeStatus(writer: BinaryWriter, { over, limit, remaining = 0, resetSeconds = 0 }: DescriptorStatus): void {
  writer.tag(1, WireType.Varint).uint32(over ? OVER_LIMIT : OK);
  if (limit !== undefined) {
    writer.tag(2, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.Varint).uint32(limit.requestsPerUnit);
    writer.tag(2, WireType.Varint).uint32(UNIT_NUMBERS[limit.unit]);
    if (limit.name !== '') writer.tag(3, WireType.LengthDelimited).string(limit.name);
    writer.join();
  }
  if (remaining > 0) writer.tag(3, WireType.Varint).uint32(remaining);
  if (resetSeconds <= 0) return;
  writer.tag(4, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.Varint).int64(resetSeconds);
  writer.join();
}
