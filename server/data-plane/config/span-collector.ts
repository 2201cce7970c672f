import type { Tracer } from '../http/tracing/propagation.ts';
import { type GoogleGrpcService, readGoogleGrpc } from './google-grpc.ts';
import type { GrpcServiceJson } from './grpc-service.ts';
import { durationMs } from './values.ts';

/** Where the spans of a connection manager go, and how they are written. */
export interface SpanCollector {
  readonly format: 'zipkin' | 'otlp-http' | 'otlp-grpc';
  readonly cluster: string;
  /** What is asked in its place. */
  readonly google?: GoogleGrpcService | undefined;
  readonly authority: string;
  readonly path: string;
  readonly timeoutMs: number;
  readonly headers: readonly (readonly [string, string])[];
  /** `service.name` of the spans; undefined: that of the proxy. */
  readonly service: string | undefined;
  /** Spans tell what OTEL_RESOURCE_ATTRIBUTES in the proxy's environment says. */
  readonly detectsEnvironment: boolean;
}

/** What the provider says besides how to reach it. */
type About = Pick<SpanCollector, 'service' | 'detectsEnvironment'>;

interface HeaderOption {
  readonly header?: { readonly key?: string; readonly value?: string };
}

/** envoy.config.core.v3.HttpService */
export interface HttpServiceJson {
  readonly http_uri?: { readonly uri?: string; readonly cluster?: string; readonly timeout?: string };
  readonly request_headers_to_add?: readonly HeaderOption[];
}

interface ProviderJson {
  readonly service_name?: string;
  readonly resource_detectors?: readonly { readonly name?: string }[];
  readonly collector_cluster?: string;
  readonly collector_endpoint?: string;
  readonly collector_hostname?: string;
  readonly collector_service?: HttpServiceJson;
  readonly http_service?: HttpServiceJson;
  readonly grpc_service?: GrpcServiceJson;
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
  const google = grpc?.google_grpc && readGoogleGrpc(grpc.google_grpc, 'tracing.provider.grpc_service.google_grpc');
  const cluster = google?.behind.name ?? grpc?.envoy_grpc?.cluster_name;
  const about = {
    service: config?.service_name || undefined,
    detectsEnvironment: (config?.resource_detectors ?? []).some(({ name }) => name?.endsWith('.environment')),
  };
  if (cluster === undefined) return overHttp('otlp-http', config?.http_service, about);
  return {
    ...about,
    format: 'otlp-grpc',
    cluster,
    google,
    authority: google?.authority ?? (grpc?.envoy_grpc?.authority || cluster),
    path: OTLP_METHOD,
    timeoutMs: durationMs(grpc?.timeout, 'grpc_service.timeout', DEFAULT_TIMEOUT_MS),
    headers: (grpc?.initial_metadata ?? []).map(({ key = '', value = '' }) => [key.toLowerCase(), value]),
  };
}

/** By which headers a provider joins spans; undefined: nothing here speaks its own. */
export function readTracer(provider: TracingProvider | undefined): Tracer | undefined {
  if (provider?.name === 'envoy.tracers.opentelemetry')
    return { propagation: 'w3c', shortTraceIds: false, sharesSpans: false };
  if (provider?.name !== 'envoy.tracers.zipkin') return undefined;
  const { shared_span_context, trace_context_option, trace_id_128bit } = provider.typed_config ?? {};
  return {
    propagation: trace_context_option === 'USE_B3_WITH_W3C_PROPAGATION' ? 'b3-w3c' : 'b3',
    shortTraceIds: trace_id_128bit !== true,
    sharesSpans: shared_span_context !== false,
  };
}

/** By a service, or by the names of cluster, path and host, which came before. */
function readZipkin(config: ProviderJson | undefined): SpanCollector | undefined {
  if (config?.collector_service !== undefined) return overHttp('zipkin', config.collector_service);
  const { collector_cluster: cluster, collector_endpoint: path = '', collector_hostname: host } = config ?? {};
  return overHttp('zipkin', { http_uri: { uri: `${host || cluster}${path}`, ...(cluster && { cluster }) } });
}

function overHttp(
  format: SpanCollector['format'],
  service: HttpServiceJson | undefined,
  about: About = { service: undefined, detectsEnvironment: false },
): SpanCollector | undefined {
  const target = readHttpService(service);
  return target && { ...about, format, ...target };
}

/** How a service is asked over HTTP. */
export interface HttpTarget {
  readonly cluster: string;
  readonly authority: string;
  readonly path: string;
  readonly timeoutMs: number;
  readonly headers: readonly (readonly [string, string])[];
}

/** Undefined where it names no cluster. */
export function readHttpService(service: HttpServiceJson | undefined): HttpTarget | undefined {
  const { uri = '', cluster, timeout } = service?.http_uri ?? {};
  if (cluster === undefined) return undefined;
  const [, authority = '', path = ''] = /^(?:https?:\/\/)?([^/]*)(.*)$/.exec(uri) ?? [];
  return {
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
