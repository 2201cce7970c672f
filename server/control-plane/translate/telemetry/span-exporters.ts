import type { Any } from '#xds';
import type { MeshSnapshot } from '../../snapshot/mesh-snapshot.ts';
import { type ProviderCluster, providerCluster } from '../provider-cluster.ts';
import type { ProxyView } from '../proxy-view.ts';

/** Where the spans of a proxy go, as an HCM says it. */
export interface SpanExporter {
  readonly provider: { readonly name: string; readonly typed_config: Any };
  readonly max_path_tag_length?: number;
  readonly spawn_upstream_span?: boolean;
  /** The exporter draws by itself which spans it keeps. */
  readonly samples: boolean;
}

interface HttpHeader {
  readonly name?: string;
  readonly value?: string;
}

interface CollectorService {
  readonly service?: string;
  readonly port?: number;
  readonly maxTagLength?: number;
}

interface ZipkinProvider extends CollectorService {
  readonly path?: string;
  readonly enable64bitTraceId?: boolean;
  readonly traceContextOption?: string;
  readonly timeout?: string;
  readonly headers?: readonly HttpHeader[];
}

interface OpenTelemetryProvider extends CollectorService {
  readonly http?: { readonly path?: string; readonly timeout?: string; readonly headers?: readonly HttpHeader[] };
  readonly grpc?: { readonly timeout?: string; readonly initialMetadata?: readonly HttpHeader[] };
  readonly resourceDetectors?: { readonly environment?: object; readonly dynatrace?: object };
  readonly dynatraceSampler?: object;
}

const config = (name: string, fields: Readonly<Record<string, unknown>>): Any => ({
  '@type': `type.googleapis.com/envoy.config.trace.v3.${name}`,
  ...fields,
});

/**
 * What an extension provider makes of tracing; undefined when it cannot trace or its service is not known.
 * Unlike istiod, OpenTelemetry's Dynatrace sampler is left out. Source: configureFromProviderConfig in istio pilot.
 */
export function spanExporter(
  snapshot: MeshSnapshot,
  proxy: ProxyView,
  provider: Readonly<Record<string, unknown>>,
): SpanExporter | undefined {
  const kind = (['zipkin', 'opentelemetry', 'datadog', 'skywalking'] as const).find(
    (name) => provider[name] !== undefined,
  );
  if (kind === undefined) return undefined;
  const given = provider[kind] as CollectorService;
  const target = providerCluster(snapshot, given.service ?? '', given.port ?? 0);
  if (typeof target === 'string') return undefined;
  return {
    provider: { name: `envoy.tracers.${kind}`, typed_config: CONFIGS[kind](given, target, proxy) },
    ...(given.maxTagLength && kind !== 'skywalking' && { max_path_tag_length: given.maxTagLength }),
    ...((kind === 'skywalking' || proxy.role === 'router') && { spawn_upstream_span: true }),
    samples: (given as OpenTelemetryProvider).dynatraceSampler !== undefined,
  };
}

const CONFIGS = {
  zipkin,
  opentelemetry,
  datadog: (_: CollectorService, { hostname, cluster }: ProviderCluster, proxy: ProxyView): Any =>
    config('DatadogConfig', {
      collector_cluster: cluster,
      ...(proxy.cluster !== '' && { service_name: proxy.cluster }),
      collector_hostname: hostname,
    }),
  skywalking: (_: CollectorService, { hostname, cluster }: ProviderCluster): Any =>
    config('SkyWalkingConfig', {
      grpc_service: { envoy_grpc: { cluster_name: cluster, authority: hostname } },
    }),
};

function zipkin(given: ZipkinProvider, { hostname, cluster }: ProviderCluster): Any {
  return config('ZipkinConfig', {
    ...(given.enable64bitTraceId !== true && { trace_id_128bit: true }),
    shared_span_context: false,
    collector_endpoint_version: 'HTTP_JSON',
    ...(given.traceContextOption === 'USE_B3_WITH_W3C_PROPAGATION' && {
      trace_context_option: given.traceContextOption,
    }),
    collector_service: {
      http_uri: {
        uri: `http://${hostname}${given.path || '/api/v2/spans'}`,
        cluster,
        timeout: given.timeout ?? '5s',
      },
      ...headersToAdd(given.headers),
    },
  });
}

function opentelemetry(given: OpenTelemetryProvider, target: ProviderCluster, proxy: ProxyView): Any {
  const { environment, dynatrace } = given.resourceDetectors ?? {};
  const detectors = [
    ...(environment ? [detector('environment', 'EnvironmentResourceDetectorConfig')] : []),
    ...(dynatrace ? [detector('dynatrace', 'DynatraceResourceDetectorConfig')] : []),
  ];
  return config('OpenTelemetryConfig', {
    ...(given.http === undefined ? overGrpc(given, target) : overHttp(given.http, target)),
    ...(proxy.cluster !== '' && { service_name: proxy.cluster }),
    ...(detectors.length > 0 && { resource_detectors: detectors }),
  });
}

const overHttp = (
  { path = '', timeout, headers }: NonNullable<OpenTelemetryProvider['http']>,
  { hostname, cluster }: ProviderCluster,
) => ({
  http_service: {
    http_uri: {
      uri: `${hostname}/${path}`.replace(/\/{2,}/g, '/'),
      cluster,
      ...(timeout !== undefined && { timeout }),
    },
    ...headersToAdd(headers),
  },
});

const overGrpc = ({ grpc }: OpenTelemetryProvider, { hostname, cluster }: ProviderCluster) => ({
  grpc_service: {
    envoy_grpc: { cluster_name: cluster, authority: hostname },
    ...(grpc?.timeout !== undefined && { timeout: grpc.timeout }),
    ...(grpc?.initialMetadata?.length && {
      initial_metadata: grpc.initialMetadata.map(({ name, value }) => ({ key: name, value })),
    }),
  },
});

const detector = (name: string, type: string) => ({
  name: `envoy.tracers.opentelemetry.resource_detectors.${name}`,
  typed_config: {
    '@type': `type.googleapis.com/envoy.extensions.tracers.opentelemetry.resource_detectors.v3.${type}`,
  },
});

const headersToAdd = (headers: readonly HttpHeader[] | undefined) =>
  headers?.length
    ? {
        request_headers_to_add: headers.map(({ name, value }) => ({
          header: { key: name, value },
          append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
        })),
      }
    : {};
