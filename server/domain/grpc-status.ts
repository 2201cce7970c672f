/** gRPC's status codes by name; the place of a name is its number. */
export const GRPC_STATUS_NAMES: readonly string[] = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

const NUMBER = /^\s*\+?0*(\d{1,20})\s*$/;
const MOST = 2n ** 64n;

/** The number of a `grpc-status`; undefined for a text that is none, as numbers of 64 bits are read. Source: Grpc::Common::getGrpcStatus in Envoy. */
export function readGrpcStatus(text: string): number | undefined {
  const digits = NUMBER.exec(text)?.[1];
  return digits === undefined || BigInt(digits) >= MOST ? undefined : Number(digits);
}
