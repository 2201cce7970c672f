import type { HopRecord } from '#domain';

/** A hop as tracing systems know it. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly kind: 'CLIENT' | 'SERVER';
  /** `reviews.default.svc.cluster.local:9080/*`, as Istio names operations; else method and path. */
  readonly name: string;
  /** `productpage.default`: Istio's name for the workload that the proxy stands for. */
  readonly service: string;
  /** Milliseconds since 1970, with a fraction. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly failed: boolean;
  /** Envoy's and Istio's span tags. */
  readonly tags: Readonly<Record<string, string>>;
}

/** The span of a hop. Tag names follow Envoy's (source/common/tracing) and Istio's. */
export function spanOf(hop: HopRecord): Span {
  const { proxy, request, response } = hop;
  return {
    traceId: hop.traceId,
    spanId: hop.spanId,
    parentSpanId: hop.parentSpanId,
    kind: hop.direction === 'outbound' ? 'CLIENT' : 'SERVER',
    name: hop.operation ?? (request.method === '' ? 'tcp' : `${request.method} ${request.path}`),
    service: `${proxy.service}.${proxy.namespace}`,
    startMs: hop.startMs,
    durationMs: hop.durationMs,
    failed: response.status >= 500 || (response.status === 0 && response.flags.length > 0),
    tags: {
      component: 'proxy',
      node_id: `${proxy.role === 'gateway' ? 'router' : 'sidecar'}~${proxy.pod}.${proxy.namespace}`,
      ...(hop.requestId !== '' && { 'guid:x-request-id': hop.requestId }),
      ...(request.method !== '' && {
        'http.method': request.method,
        'http.protocol': request.protocol,
        'http.url': `http://${request.authority}${request.path}`,
        'http.status_code': String(response.status),
      }),
      request_size: String(request.bytes),
      response_size: String(response.bytes),
      response_flags: response.flags.join(',') || '-',
      upstream_cluster: hop.cluster,
      ...(hop.upstreamHost !== '' && { 'upstream_cluster.address': hop.upstreamHost }),
      'istio.canonical_service': proxy.service,
      'istio.canonical_revision': proxy.version,
      'istio.mesh_id': 'cluster.local',
      'istio.namespace': proxy.namespace,
    },
  };
}
