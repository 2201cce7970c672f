import type { CheckAnswer } from './http-exchange.ts';

/** Bytes before each message of gRPC: compression flag and length. */
const PREFIX = 5;
const SERVING = 1;
const FIELD_SERVICE = 0x0a;
const FIELD_STATUS = 0x08;

/** grpc.health.v1.HealthCheckRequest, framed. Its one field is a text whose length fits into one byte, or into two. */
export function servingRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const length = name.length < 0x80 ? [name.length] : [(name.length & 0x7f) | 0x80, name.length >> 7];
  const message = service === '' ? Buffer.alloc(0) : Buffer.concat([Buffer.from([FIELD_SERVICE, ...length]), name]);
  const frame = Buffer.alloc(PREFIX + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX);
  return frame;
}

const IS_GRPC = /^application\/grpc(?:\+|$)/;

/** Whether an answer is a grpc.health.v1.HealthCheckResponse that says SERVING, and nothing else is wrong with it. */
export function readServing({ head, body, trailers }: CheckAnswer): boolean {
  if (head.status !== 200 || !IS_GRPC.test(head.headers.get('content-type') ?? '')) return false;
  if ((trailers?.get('grpc-status') ?? head.headers.get('grpc-status')) !== '0') return false;
  if (body.length < PREFIX || body[0] !== 0 || body.readUInt32BE(1) !== body.length - PREFIX) return false;
  return statusOf(body.subarray(PREFIX)) === SERVING;
}

/** The one field that counts, the last where it comes again; fields that nobody knows are skipped. Undefined: no message at all. */
function statusOf(message: Buffer): number | undefined {
  let status = 0;
  for (let at = 0; at < message.length; ) {
    const key = message[at]!;
    // A field number beyond 15 takes a second byte, whose wire type stands in the first.
    const tag = key < 0x80 ? 1 : skipNumber(message, at) - at;
    const end = endOfValue(message, at + tag, key & 7);
    if (end === undefined || end > message.length) return undefined;
    if (key === FIELD_STATUS) status = end === at + 2 ? message[at + 1]! : Number.NaN;
    at = end;
  }
  return status;
}

/** Where a value of this wire type ends; undefined for groups and types that do not exist. */
function endOfValue(message: Buffer, at: number, type: number): number | undefined {
  if (type === 0) return skipNumber(message, at);
  if (type === 1) return at + 8;
  if (type === 5) return at + 4;
  if (type !== 2) return undefined;
  let length = 0;
  const end = skipNumber(message, at);
  for (let i = Math.min(end, message.length) - 1; i >= at; i--) length = length * 128 + (message[i]! & 0x7f);
  return end + length;
}

/** Where a number ends that begins here; beyond the message where it is cut off. */
function skipNumber(message: Buffer, at: number): number {
  let end = at;
  while (end < message.length && message[end]! >= 0x80) end++;
  return end + 1;
}
