import { errorMessage } from '#domain';
import { decodeMessage, encodeMessage } from '#xds';
import type { GoogleGrpcService } from '../../config/google-grpc.ts';
import type { ProxyRuntime } from '../../runtime.ts';
import type { RequestHead } from '../codec.ts';
import { Headers } from '../headers.ts';
import { type AsyncAnswer, callAsync } from './async-call.ts';

/** A method of a gRPC service, by the full names of its messages. */
export interface GrpcMethod {
  /** `/envoy.service.auth.v3.Authorization/Check` */
  readonly path: string;
  readonly request: string;
  readonly response: string;
}

export interface GrpcCallOptions {
  readonly runtime: ProxyRuntime;
  readonly method: GrpcMethod;
  readonly service: GrpcServiceConfig;
  readonly message: object;
  /** Called once: with the answer in protobuf JSON, or with the reason why there is none. */
  readonly onDone: (answer: object | string) => void;
}

/** envoy.config.core.v3.GrpcService. */
export interface GrpcServiceConfig {
  readonly cluster: string;
  /** Its connections are its own; absent: those of the cluster. */
  readonly google?: GoogleGrpcService | undefined;
  /** Empty: the cluster's name. */
  readonly authority: string;
  readonly timeoutMs: number;
  /** Further headers; names in lower case. */
  readonly metadata: readonly (readonly [name: string, value: string])[];
}

/** Bytes before each message: compression flag and length. */
const PREFIX = 5;

/** Calls a unary gRPC method over a cluster. Returns a function that gives the call up. */
export function callGrpc({ runtime, method, service, message, onDone }: GrpcCallOptions): () => void {
  const body = grpcFrame(encodeMessage(method.request, message));
  return callAsync({
    runtime,
    cluster: service.cluster,
    google: service.google,
    timeoutMs: service.timeoutMs,
    body,
    head: grpcHead(method.path, service, runtime.self.ip),
    onDone: (answer) => onDone(typeof answer === 'string' ? answer : readAnswer(answer, method.response)),
  });
}

/** As Envoy's second client, which is gRPC's own, introduces itself. */
const GOOGLE_AGENT = 'grpc-c++/1.83.0 grpc-c/56.0.0 (linux; chttp2)';

const googleHead = (path: string, { google, authority, metadata, timeoutMs }: GrpcServiceConfig): RequestHead => ({
  method: 'POST',
  path,
  authority,
  scheme: google?.scheme ?? 'http',
  protocol: 'HTTP/2',
  headers: Headers.of({
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-accept-encoding': 'identity, deflate, gzip',
    ...(timeoutMs > 0 && { 'grpc-timeout': `${Math.ceil(timeoutMs)}m` }),
    'user-agent': GOOGLE_AGENT,
    ...Object.fromEntries(metadata),
  }),
});

/** The head of a call that this proxy makes itself. */
export const grpcHead = (path: string, service: GrpcServiceConfig, ownIp: string): RequestHead =>
  service.google === undefined ? envoyHead(path, service, ownIp) : googleHead(path, service);

const envoyHead = (path: string, service: GrpcServiceConfig, ownIp: string): RequestHead => ({
  method: 'POST',
  path,
  authority: service.authority === '' ? service.cluster : service.authority,
  scheme: 'http',
  protocol: 'HTTP/2',
  headers: Headers.of({
    'content-type': 'application/grpc',
    te: 'trailers',
    ...Object.fromEntries(service.metadata),
    'x-envoy-internal': 'true',
    'x-forwarded-for': ownIp,
    ...(service.timeoutMs > 0 && { 'grpc-timeout': `${Math.ceil(service.timeoutMs)}m` }),
  }),
});

/** A message with its prefix, not compressed. */
export function grpcFrame(payload: Uint8Array): Buffer {
  const frame = Buffer.alloc(PREFIX + payload.length);
  frame.writeUInt32BE(payload.length, 1);
  frame.set(payload, PREFIX);
  return frame;
}

/** The message in an answer, or why there is none. */
function readAnswer({ head, body, trailers }: AsyncAnswer, type: string): object | string {
  const message = grpcMessage({ head, body, trailers });
  if (typeof message === 'string') return message;
  try {
    return decodeMessage(type, message);
  } catch (thrown) {
    // Whatever the service has sent, it is no such message.
    return errorMessage(thrown);
  }
}

/** The bytes of the one message in an answer, or why there are none. */
export function grpcMessage({ head, body, trailers }: AsyncAnswer): Buffer | string {
  if (head.status !== 200) return `answered ${head.status} instead of gRPC`;
  const status = trailers?.get('grpc-status') ?? head.headers.get('grpc-status');
  if (status !== '0') return `gRPC status ${status ?? 'missing'}`;
  if (body.length < PREFIX || body[0] !== 0 || body.readUInt32BE(1) !== body.length - PREFIX) {
    return 'the answer is no single gRPC message';
  }
  return body.subarray(PREFIX);
}
