import type { GrpcServiceConfig } from '../http/call/grpc-call.ts';
import { ConfigProblem } from './problem.ts';
import { durationMs } from './values.ts';

export interface GrpcServiceJson {
  readonly envoy_grpc?: { readonly cluster_name?: string; readonly authority?: string };
  readonly google_grpc?: object;
  readonly timeout?: string;
  readonly initial_metadata?: readonly { readonly key?: string; readonly value?: string }[];
}

/** Unlike Envoy, which has a second client with connections of its own, the proxy calls services over its clusters alone. */
export function refuseGoogleGrpc(given: GrpcServiceJson | undefined, field: string): void {
  if (given?.google_grpc === undefined) return;
  throw new ConfigProblem(`${field}.google_grpc`, 'is not supported: name a cluster in envoy_grpc');
}

/** Reads envoy.config.core.v3.GrpcService. */
export function readGrpcService(
  given: GrpcServiceJson | undefined,
  field: string,
  defaultTimeoutMs: number,
): GrpcServiceConfig {
  refuseGoogleGrpc(given, field);
  const cluster = given?.envoy_grpc?.cluster_name;
  if (cluster === undefined || cluster === '')
    throw new ConfigProblem(field, 'only envoy_grpc with a cluster is supported');
  return {
    cluster,
    authority: given?.envoy_grpc?.authority ?? '',
    timeoutMs: durationMs(given?.timeout, `${field}.timeout`, defaultTimeoutMs),
    metadata: (given?.initial_metadata ?? []).map(({ key = '', value = '' }) => [key.toLowerCase(), value]),
  };
}
