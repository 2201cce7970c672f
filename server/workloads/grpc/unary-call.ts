import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '#domain';

/** Source: statuscodes.md of gRPC. */
const OK = 0;
const DEADLINE_EXCEEDED = 4;
const RESOURCE_EXHAUSTED = 8;
const UNAVAILABLE = 14;
const MAX_MESSAGE_BYTES = 4 << 20;

/** How an RPC ended. */
export interface RpcOutcome {
  readonly status: number;
  readonly details: string;
  readonly message: Buffer;
  /** Of the answer's head. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface UnaryCall {
  /** `/helloworld.Greeter/SayHello` */
  readonly path: string;
  readonly authority: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly message: Buffer;
  readonly timeoutMs: number;
}

export const failed = (status: number, details: string): RpcOutcome => ({
  status,
  details,
  message: Buffer.alloc(0),
  headers: {},
});

export const unavailable = (details: string): RpcOutcome => failed(UNAVAILABLE, details);

export const deadlineExceeded = (details: string): RpcOutcome => failed(DEADLINE_EXCEEDED, details);

/** An HTTP/2 connection for RPCs over a socket that is open. */
export const connectionOver = (socket: Socket, authority: string): ClientHttp2Session =>
  connect(`http://${authority}`, { createConnection: () => socket });

/** One unary RPC. Never rejects: what goes wrong is a status. Source: PROTOCOL-HTTP2.md of gRPC. */
export function callUnary(session: ClientHttp2Session, call: UnaryCall, clock: Clock): Promise<RpcOutcome> {
  return new Promise((resolve) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': call.path,
      ':authority': call.authority,
      ...call.headers,
      te: 'trailers',
      'content-type': 'application/grpc',
      'grpc-timeout': `${Math.max(1, Math.ceil(call.timeoutMs))}m`,
    });
    const chunks: Buffer[] = [];
    let size = 0;
    let head: IncomingHttpHeaders = {};
    let told: IncomingHttpHeaders = {};
    const timer = clock.after(call.timeoutMs, () => end(deadlineExceeded('Deadline exceeded')));
    const end = (outcome: RpcOutcome): void => {
      timer.cancel();
      stream.destroy();
      resolve(outcome);
    };
    // A failure before any message comes with the response headers alone.
    stream.on('response', (headers) => {
      head = headers;
      told = { ...headers, ...told };
    });
    stream.on('trailers', (trailers) => {
      told = { ...told, ...trailers };
    });
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_MESSAGE_BYTES) end(failed(RESOURCE_EXHAUSTED, 'the answer is longer than 4 MB'));
      else chunks.push(chunk);
    });
    stream.on('error', (error) => end(unavailable(error.message)));
    stream.on('close', () => end(unavailable('the connection was lost')));
    stream.on('end', () => end({ ...outcomeOf(told, Buffer.concat(chunks)), headers: plain(head) }));
    stream.end(framed(call.message));
  });
}

function outcomeOf(told: IncomingHttpHeaders, body: Buffer): RpcOutcome {
  const status = told['grpc-status'];
  if (status === undefined) return unavailable(`HTTP status ${told[':status'] ?? 'unknown'} and no grpc-status`);
  const details = decodeURIComponentSafely(String(told['grpc-message'] ?? ''));
  return Number(status) === OK
    ? { status: OK, details, message: body.subarray(5), headers: {} }
    : failed(Number(status), details);
}

const plain = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith(':') || value === undefined ? [] : [[name, [value].flat().join(',')]],
    ),
  );

/** Source: PROTOCOL-HTTP2.md: one byte for the compression, four for the length. */
function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
