import type { Headers } from './headers.ts';

const CONTENT_TYPE = 'application/grpc';

/** The gRPC status that stands for an HTTP status which a proxy answers by itself (Envoy: Grpc::Utility::httpToGrpcStatus). */
const STATUSES: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};
const UNKNOWN = 2;

/** Whether a message is gRPC: its content type is `application/grpc`, or that with a `+` and a format. */
export function isGrpc(headers: Headers): boolean {
  const type = headers.get('content-type');
  if (type === undefined || !type.startsWith(CONTENT_TYPE)) return false;
  return type.length === CONTENT_TYPE.length || type[CONTENT_TYPE.length] === '+';
}

export const grpcStatusOf = (httpStatus: number): number => STATUSES[httpStatus] ?? UNKNOWN;

/** The HTTP status that stands for a gRPC status (Envoy: Grpc::Utility::grpcToHttpStatus). */
const HTTP_STATUSES = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

export const httpStatusOf = (grpcStatus: number): number => HTTP_STATUSES[grpcStatus] ?? 500;

/** Text as `grpc-message` carries it: bytes beyond visible ASCII, `~` and `%` are percent-encoded, as Envoy does. */
export function encodeGrpcMessage(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text)) {
    const plain = byte >= 0x20 && byte < 0x7e && byte !== 0x25;
    encoded += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 };

const MAX_TIMEOUT = 99_999_999;

/** A time limit as `grpc-timeout` carries it: at most eight digits, in the smallest unit in which it fits. */
export function grpcTimeout(ms: number): string {
  if (ms <= MAX_TIMEOUT) return `${ms}m`;
  const seconds = Math.floor(ms / 1000);
  if (seconds <= MAX_TIMEOUT) return `${seconds}S`;
  const minutes = Math.floor(seconds / 60);
  return minutes <= MAX_TIMEOUT ? `${minutes}M` : `${Math.min(MAX_TIMEOUT, Math.floor(minutes / 60))}H`;
}

/** The value of `grpc-timeout` in whole milliseconds, rounded up; undefined when there is none that can be read. */
export function grpcTimeoutMs(headers: Headers): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(headers.get('grpc-timeout') ?? '');
  return match === null ? undefined : Math.ceil(Number(match[1]) * UNIT_MS[match[2]!]!);
}
