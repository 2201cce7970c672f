import type { GrpcServiceConfig } from '../http/call/grpc-call.ts';
import { type GoogleGrpcJson, readGoogleGrpc } from './google-grpc.ts';
import { ConfigProblem } from './problem.ts';
import { durationMs } from './values.ts';

export interface GrpcServiceJson {
  readonly envoy_grpc?: { readonly cluster_name?: string; readonly authority?: string };
  readonly google_grpc?: GoogleGrpcJson;
  readonly timeout?: string;
  readonly initial_metadata?: readonly { readonly key?: string; readonly value?: string }[];
}

/** Reads envoy.config.core.v3.GrpcService. */
export function readGrpcService(
  given: GrpcServiceJson | undefined,
  field: string,
  defaultTimeoutMs: number,
): GrpcServiceConfig {
  const google = given?.google_grpc && readGoogleGrpc(given.google_grpc, `${field}.google_grpc`);
  const cluster = google?.behind.name ?? given?.envoy_grpc?.cluster_name;
  if (cluster === undefined || cluster === '')
    throw new ConfigProblem(field, 'names neither a cluster in envoy_grpc nor a service in google_grpc');
  return {
    cluster,
    google,
    authority: google?.authority ?? given?.envoy_grpc?.authority ?? '',
    timeoutMs: durationMs(given?.timeout, `${field}.timeout`, defaultTimeoutMs),
    metadata: (given?.initial_metadata ?? []).map(({ key = '', value = '' }) => [key.toLowerCase(), value]),
  };
}
