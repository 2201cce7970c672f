import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SentSpan } from './pairs/sent-spans.ts';

/** A field of a protobuf message: what was read of it by its wire type. */
type Field = readonly [number: number, value: bigint | Buffer];

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => {
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    if (wire === VARINT) fields.push([tag >> 3, varint()]);
    else if (wire === FIXED64) fields.push([tag >> 3, take(8).readBigUInt64LE()]);
    else if (wire === FIXED32) fields.push([tag >> 3, BigInt(take(4).readUInt32LE())]);
    else if (wire === BYTES) fields.push([tag >> 3, take(Number(varint()))]);
    else throw new Error(`wire type ${wire}`);
  }
  return fields;
}

const all = (fields: readonly Field[], number: number): Buffer[] =>
  fields.flatMap(([found, value]) => (found === number && typeof value !== 'bigint' ? [value] : []));
const text = (fields: readonly Field[], number: number): string => String(all(fields, number)[0] ?? '');
const hex = (fields: readonly Field[], number: number): string => all(fields, number)[0]?.toString('hex') ?? '';
const number = (fields: readonly Field[], wanted: number): bigint =>
  (fields.find(([found]) => found === wanted)?.[1] as bigint | undefined) ?? 0n;

/** KeyValue: values that are no text with the number of their kind before them. */
const attributesOf = (fields: readonly Field[], at: number): Record<string, string> =>
  Object.fromEntries(
    all(fields, at).map((pair) => {
      const entry = fieldsOf(pair);
      const [kind, value] = fieldsOf(all(entry, 2)[0] ?? Buffer.alloc(0))[0] ?? [0, Buffer.alloc(0)];
      return [text(entry, 1), kind === 1 ? String(value) : `${kind}:${String(value)}`];
    }),
  );

/** A span as OTLP has it, with what its resource and its scope say. */
export interface OtlpSpan extends SentSpan {
  readonly traceState: string;
  readonly status: string;
  readonly flags: bigint;
  readonly resource: Readonly<Record<string, string>>;
}

function spanOf(message: Buffer, resource: OtlpSpan['resource']): OtlpSpan {
  const fields = fieldsOf(message);
  const parentId = hex(fields, 4);
  const status = fieldsOf(all(fields, 15)[0] ?? Buffer.alloc(0));
  return {
    traceId: hex(fields, 1),
    id: hex(fields, 2),
    ...(parentId !== '' && { parentId }),
    traceState: text(fields, 3),
    name: text(fields, 5),
    kind: String(number(fields, 6)),
    timestamp: Number(number(fields, 7) / 1000n),
    duration: Number((number(fields, 8) - number(fields, 7)) / 1000n),
    tags: attributesOf(fields, 9),
    annotations: all(fields, 11).map((event) => ({
      timestamp: Number(number(fieldsOf(event), 1) / 1000n),
      value: text(fieldsOf(event), 2),
    })),
    status: `${number(status, 3)} ${text(status, 2)}`,
    flags: number(fields, 16),
    resource,
  };
}

/** Reads ExportTraceServiceRequest. */
function spansIn(message: Buffer): OtlpSpan[] {
  return all(fieldsOf(message), 1).flatMap((one) => {
    const ofResource = fieldsOf(one);
    const resource = attributesOf(fieldsOf(all(ofResource, 1)[0] ?? Buffer.alloc(0)), 1);
    return all(ofResource, 2).flatMap((scoped) => all(fieldsOf(scoped), 2).map((span) => spanOf(span, resource)));
  });
}

/** A collector of OTLP over HTTP. */
export async function startOtlpCollector(ip: string): Promise<{
  readonly port: number;
  readonly spans: readonly OtlpSpan[];
  stop(): Promise<void>;
}> {
  const spans: OtlpSpan[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    spans.push(...spansIn(Buffer.concat(chunks)));
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, ip, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    spans,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
