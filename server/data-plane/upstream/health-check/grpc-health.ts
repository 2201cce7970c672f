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

/** Whether an answer is a grpc.health.v1.HealthCheckResponse that says SERVING, and nothing else is wrong with it. */
export function readServing({ head, body, trailers }: CheckAnswer): boolean {
  if (head.status !== 200 || !(head.headers.get('content-type') ?? '').startsWith('application/grpc')) return false;
  if ((trailers?.get('grpc-status') ?? head.headers.get('grpc-status')) !== '0') return false;
  if (body.length !== PREFIX + 2 || body[0] !== 0 || body.readUInt32BE(1) !== 2) return false;
  return body[PREFIX] === FIELD_STATUS && body[PREFIX + 1] === SERVING;
}
