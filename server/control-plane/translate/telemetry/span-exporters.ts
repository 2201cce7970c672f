import type { Any } from '#xds';
import type { MeshSnapshot } from '../../snapshot/mesh-snapshot.ts';
import { type ProviderCluster, providerCluster } from '../clusters/provider-cluster.ts';
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
  readonly http?: HttpSettings;
  readonly grpc?: { readonly timeout?: string; readonly initialMetadata?: readonly HttpHeader[] };
  readonly resourceDetectors?: { readonly environment?: object; readonly dynatrace?: object };
  readonly dynatraceSampler?: DynatraceSampler;
  readonly serviceAttributeEnrichment?: string;
}

interface DynatraceSampler {
  readonly tenant?: string;
  readonly clusterId?: number;
  readonly rootSpansPerMinute?: number;
  readonly httpService?: CollectorService & { readonly http?: HttpSettings };
}

interface HttpSettings {
  readonly path?: string;
  readonly timeout?: string;
  readonly headers?: readonly HttpHeader[];
}

const config = (name: string, fields: Readonly<Record<string, unknown>>): Any => ({
  '@type': `type.googleapis.com/envoy.config.trace.v3.${name}`,
  ...fields,
});

/**
 * What an extension provider makes of tracing; undefined when it cannot trace or its service is not known.
 * Source: configureFromProviderConfig in istio pilot.
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
  const sampler = kind === 'opentelemetry' ? samplerOf(snapshot, given, target) : {};
  if (sampler === undefined) return undefined;
  return {
    provider: {
      name: `envoy.tracers.${kind}`,
      typed_config: { ...CONFIGS[kind](given, target, proxy), ...sampler },
    },
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
  const enriched = given.serviceAttributeEnrichment === 'OTEL_SEMANTIC_CONVENTIONS';
  const own = detector('environment', 'EnvironmentResourceDetectorConfig');
  const detectors = [
    ...(environment ? [own] : []),
    ...(dynatrace ? [detector('dynatrace', 'DynatraceResourceDetectorConfig')] : []),
    ...(enriched && !environment ? [own] : []),
  ];
  const service_name = enriched ? conventionalName(proxy) : proxy.cluster;
  return config('OpenTelemetryConfig', {
    ...(given.http === undefined ? overGrpc(given, target) : overHttp(given.http, target)),
    ...(service_name !== '' && { service_name }),
    ...(detectors.length > 0 && { resource_detectors: detectors }),
  });
}

/** service.name by OpenTelemetry's conventions for Kubernetes. Source: otelServiceName in istio pilot. */
function conventionalName({ labels, metadata, id }: ProxyView): string {
  const annotations = metadata['ANNOTATIONS'] as Readonly<Record<string, string>> | undefined;
  const containers = String(metadata['APP_CONTAINERS'] ?? '').split(',');
  const [pod = ''] = (id.split('~')[2] ?? '').split('.');
  return (
    annotations?.['resource.opentelemetry.io/service.name'] ||
    labels['app.kubernetes.io/instance'] ||
    labels['app.kubernetes.io/name'] ||
    String(metadata['WORKLOAD_NAME'] ?? '') ||
    pod ||
    (containers.length === 1 ? containers[0] : '') ||
    'unknown_service'
  );
}

const SAMPLER = 'type.googleapis.com/envoy.extensions.tracers.opentelemetry.samplers.v3.DynatraceSamplerConfig';
const SAMPLING_PATH = 'api/v2/samplingConfiguration';

/** The sampler that Dynatrace steers, by a service of its own or by the one that takes the spans; undefined where there is none. */
function samplerOf(
  snapshot: MeshSnapshot,
  { dynatraceSampler, http }: OpenTelemetryProvider,
  collector: ProviderCluster,
): object | undefined {
  if (dynatraceSampler === undefined) return {};
  const { tenant, clusterId, rootSpansPerMinute, httpService } = dynatraceSampler;
  const target = httpService && providerCluster(snapshot, httpService.service ?? '', httpService.port ?? 0);
  const settings = httpService === undefined ? http && { ...http, path: SAMPLING_PATH } : (httpService.http ?? {});
  if (typeof target === 'string' || settings === undefined) return undefined;
  const typed_config = {
    '@type': SAMPLER,
    ...(tenant && { tenant }),
    ...(clusterId && { cluster_id: clusterId }),
    ...overHttp(settings, target ?? collector),
    ...(rootSpansPerMinute && { root_spans_per_minute: rootSpansPerMinute }),
  };
  return { sampler: { name: 'envoy.tracers.opentelemetry.samplers.dynatrace', typed_config } };
}

const overHttp = ({ path = '', timeout, headers }: HttpSettings, { hostname, cluster }: ProviderCluster) => ({
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
