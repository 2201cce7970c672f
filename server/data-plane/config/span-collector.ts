import type { GrpcServiceJson } from './grpc-service.ts';
import { durationMs } from './values.ts';

/** Where the spans of a connection manager go, and how they are written. */
export interface SpanCollector {
  readonly format: 'zipkin' | 'otlp-http' | 'otlp-grpc';
  readonly cluster: string;
  readonly authority: string;
  readonly path: string;
  readonly timeoutMs: number;
  readonly headers: readonly (readonly [string, string])[];
}

interface HeaderOption {
  readonly header?: { readonly key?: string; readonly value?: string };
}

interface HttpServiceJson {
  readonly http_uri?: { readonly uri?: string; readonly cluster?: string; readonly timeout?: string };
  readonly request_headers_to_add?: readonly HeaderOption[];
}

interface ProviderJson {
  readonly collector_cluster?: string;
  readonly collector_endpoint?: string;
  readonly collector_hostname?: string;
  readonly collector_service?: HttpServiceJson;
  readonly http_service?: HttpServiceJson;
  readonly grpc_service?: GrpcServiceJson & {
    readonly initial_metadata?: readonly { readonly key?: string; readonly value?: string }[];
  };
}

export interface TracingProvider {
  readonly name?: string;
  readonly typed_config?: Readonly<Record<string, unknown>>;
}

const DEFAULT_TIMEOUT_MS = 5000;
const OTLP_METHOD = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

/** Reads `tracing.provider`: Zipkin and OpenTelemetry. Undefined: spans are made and sent nowhere. */
export function readSpanCollector(provider: TracingProvider | undefined): SpanCollector | undefined {
  const config = provider?.typed_config as ProviderJson | undefined;
  if (provider?.name === 'envoy.tracers.zipkin') return readZipkin(config);
  if (provider?.name !== 'envoy.tracers.opentelemetry') return undefined;
  const grpc = config?.grpc_service;
  const cluster = grpc?.envoy_grpc?.cluster_name;
  if (cluster === undefined) return overHttp('otlp-http', config?.http_service);
  return {
    format: 'otlp-grpc',
    cluster,
    authority: grpc?.envoy_grpc?.authority || cluster,
    path: OTLP_METHOD,
    timeoutMs: durationMs(grpc?.timeout, 'grpc_service.timeout', DEFAULT_TIMEOUT_MS),
    headers: (grpc?.initial_metadata ?? []).map(({ key = '', value = '' }) => [key.toLowerCase(), value]),
  };
}

/** By a service, or by the names of cluster, path and host, which came before. */
function readZipkin(config: ProviderJson | undefined): SpanCollector | undefined {
  if (config?.collector_service !== undefined) return overHttp('zipkin', config.collector_service);
  const { collector_cluster: cluster, collector_endpoint: path = '', collector_hostname: host } = config ?? {};
  return overHttp('zipkin', { http_uri: { uri: `${host || cluster}${path}`, ...(cluster && { cluster }) } });
}

function overHttp(format: SpanCollector['format'], service: HttpServiceJson | undefined): SpanCollector | undefined {
  const { uri = '', cluster, timeout } = service?.http_uri ?? {};
  if (cluster === undefined) return undefined;
  const [, authority = '', path = ''] = /^(?:https?:\/\/)?([^/]*)(.*)$/.exec(uri) ?? [];
  return {
    format,
    cluster,
    authority,
    path: path === '' ? '/' : path,
    timeoutMs: durationMs(timeout, 'http_uri.timeout', DEFAULT_TIMEOUT_MS),
    headers: (service?.request_headers_to_add ?? []).map(({ header }) => [
      (header?.key ?? '').toLowerCase(),
      header?.value ?? '',
    ]),
  };
}
