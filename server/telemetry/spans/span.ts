import type { HopRecord } from '#domain';

/** A hop, or a part of it, as tracing systems know it. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly kind: 'CLIENT' | 'SERVER';
  /** `reviews.default.svc.cluster.local:9080/*`, as Istio names operations. */
  readonly name: string;
  /** `productpage.default`: Istio's name for the workload that the proxy stands for. */
  readonly service: string;
  /** Milliseconds since 1970, with a fraction. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly failed: boolean;
  /** Envoy's span tags and the configuration's own. */
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * The spans of a sampled hop: one, or where calls to hosts have spans of their own, that of the request and that of the call below it.
 * Names and tags follow HttpTracerUtility in Envoy.
 */
export function spansOf(hop: HopRecord): Span[] {
  const entry = hop.tracing?.entrySpanId;
  if (entry === undefined) return [requestSpan(hop, hop.spanId, hop.direction === 'outbound' ? 'CLIENT' : 'SERVER')];
  const request = requestSpan(hop, entry, 'SERVER');
  return hop.attempts === 0 ? [request] : [request, callSpan(hop, entry)];
}

type Shared = Pick<Span, 'traceId' | 'service' | 'startMs' | 'durationMs' | 'failed'>;

const sharedOf = ({ traceId, proxy, startMs, durationMs, response }: HopRecord): Shared => ({
  traceId,
  service: `${proxy.service}.${proxy.namespace}`,
  startMs,
  durationMs,
  failed: response.status >= 500 || (response.status === 0 && response.flags.length > 0),
});

function requestSpan(hop: HopRecord, spanId: string, kind: Span['kind']): Span {
  const { proxy, request, response, tracing } = hop;
  const path = request.path.slice(0, tracing?.maxPathLength);
  return {
    ...sharedOf(hop),
    spanId,
    parentSpanId: hop.parentSpanId,
    kind,
    name: hop.operation ?? (hop.direction === 'outbound' ? `egress ${request.authority}` : 'ingress'),
    tags: {
      component: 'proxy',
      ...(proxy.node !== undefined && { node_id: proxy.node }),
      ...(hop.requestId !== '' && { 'guid:x-request-id': hop.requestId }),
      'http.url': `${tracing?.scheme || 'http'}://${request.authority}${path}`,
      'http.method': request.method,
      user_agent: tracing?.userAgent || '-',
      downstream_cluster: '-',
      ...(tracing !== undefined && { 'peer.address': tracing.peerIp }),
      request_size: String(request.bytes),
      response_size: String(response.bytes),
      ...answerTags(hop),
      ...tracing?.tags,
    },
  };
}

/** The call to a host below the span of its request. */
function callSpan(hop: HopRecord, parentSpanId: string): Span {
  return {
    ...sharedOf(hop),
    spanId: hop.spanId,
    parentSpanId,
    kind: 'CLIENT',
    name: `router ${hop.cluster} egress`,
    tags: {
      component: 'proxy',
      ...(hop.upstreamHost !== '' && { upstream_address: hop.upstreamHost, 'peer.address': hop.upstreamHost }),
      ...answerTags(hop),
      ...hop.tracing?.tags,
    },
  };
}

/** What both sides of a proxy tell of the answer; a request that was not sent has no cluster. */
const answerTags = ({ request, response, cluster, upstreamHost }: HopRecord): Record<string, string> => ({
  'http.protocol': request.protocol,
  'http.status_code': String(response.status),
  response_flags: response.flags.join(',') || '-',
  ...(cluster !== '' && upstreamHost !== '' && { upstream_cluster: cluster, 'upstream_cluster.name': cluster }),
});
