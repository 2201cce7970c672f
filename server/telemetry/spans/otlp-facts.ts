import { readGrpcStatus } from '#domain';
import { isGrpcFailure, type Span } from './span.ts';

/** What makes the spans, as OpenTelemetry's conventions of resources and scopes name it. */
export const SCOPE = { name: 'meshwork', version: '0.1.0' } as const;

export const resourceOf = (service: string): Readonly<Record<string, string>> => ({
  'service.name': service,
  'telemetry.sdk.language': 'nodejs',
  'telemetry.sdk.name': SCOPE.name,
  'telemetry.sdk.version': SCOPE.version,
});

export const STATUS_ERROR = 2;

/** OpenTelemetry's rule: to a client, an answer of 4xx is an error, too, and so is every gRPC status but OK. Source: the OpenTelemetry tracer of Envoy. */
export const isOtlpError = ({ kind, tags }: Span): boolean => {
  const grpc = tags['grpc.status_code'];
  if (Number(tags['http.status_code'] ?? 0) >= (kind === 'CLIENT' ? 400 : 500)) return true;
  // What is no number is no error.
  return kind === 'CLIENT' ? (readGrpcStatus(grpc ?? '') ?? 0) !== 0 : isGrpcFailure(grpc);
};

/** SpanFlags: sampled; it is known whether the parent is another program's. */
const SAMPLED = 0x1;
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

export const flagsOf = ({ parentIsRemote }: Span): number => SAMPLED | HAS_IS_REMOTE | (parentIsRemote ? IS_REMOTE : 0);
