import { type HopRecord, type HopTry, readGrpcStatus, type SpanNote } from '#domain';

const NO_NOTES: readonly SpanNote[] = [];

/** A hop, or a part of it, as tracing systems know it. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** The parent is a span of another program. */
  readonly parentIsRemote: boolean;
  /** W3C tracestate; empty: none. */
  readonly traceState: string;
  readonly kind: 'CLIENT' | 'SERVER';
  /** `reviews.default.svc.cluster.local:9080/*`, as Istio names operations. */
  readonly name: string;
  /** What Zipkin's tracer calls it: without an operation, the host that was asked for. */
  readonly zipkinName: string;
  /** `productpage.default`: Istio's name for the workload that the proxy stands for. */
  readonly service: string;
  /** It may have the id of its client's span. */
  readonly shared?: boolean;
  /** Milliseconds since 1970, with a fraction. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly failed: boolean;
  /** What happened meanwhile, where spans are verbose. */
  readonly notes: readonly SpanNote[];
  /** Envoy's span tags and the configuration's own. */
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * The spans of a sampled hop: one, or where calls to hosts have spans of their own, that of the request and that of the call below it.
 * Names and tags follow HttpTracerUtility in Envoy. `shownAs` gives the name by which statistics call the cluster, where it has one.
 */
export function spansOf(hop: HopRecord, shownAs?: string): Span[] {
  const copy = hop.tracing?.copy;
  if (copy !== undefined)
    return [trySpan(hop, { each: copy, parentSpanId: hop.parentSpanId, shownAs: shownAs || hop.cluster })];
  const entry = hop.tracing?.entrySpanId;
  const answer = answerTags(hop, shownAs || hop.cluster);
  const kind = serves(hop) ? 'SERVER' : 'CLIENT';
  if (entry === undefined) return [requestSpan(hop, hop.spanId, kind, answer)];
  const request = requestSpan(hop, entry, 'SERVER', answer);
  // In the order in which they end.
  const tries = hop.tracing?.tries?.map((each) =>
    trySpan(hop, { each, parentSpanId: entry, shownAs: shownAs || hop.cluster }),
  );
  return [...(tries ?? []).map(numbered), request];
}

const serves = ({ direction, tracing }: HopRecord): boolean => direction === 'inbound' || tracing?.serves === true;

/** gRPC statuses that are the server's fault: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const GRPC_FAILURES: ReadonlySet<number | undefined> = new Set([2, 4, 12, 13, 14, 15]);

export const isGrpcFailure = (status = ''): boolean => GRPC_FAILURES.has(readGrpcStatus(status));

type Shared = Pick<Span, 'traceId' | 'traceState' | 'service' | 'startMs' | 'durationMs' | 'failed'>;

const sharedOf = (hop: HopRecord): Shared => ({
  traceId: hop.traceId,
  traceState: hop.tracing?.traceState ?? '',
  service: `${hop.proxy.service}.${hop.proxy.namespace}`,
  startMs: hop.tracing?.startMs ?? hop.startMs,
  durationMs: hop.durationMs,
  failed: hasFailed(hop),
});

const hasFailed = ({ response, tracing }: HopRecord): boolean =>
  response.status >= 500 ||
  (response.status === 0 && response.flags.length > 0) ||
  isGrpcFailure(tracing?.tags['grpc.status_code']);

const failureTag = (hop: HopRecord): Span['tags'] => (hasFailed(hop) ? { error: 'true' } : {});

function requestSpan(hop: HopRecord, spanId: string, kind: Span['kind'], answer: Span['tags']): Span {
  const { proxy, request, response, tracing } = hop;
  const asked = tracing?.asked ?? request;
  const path = asked.path.slice(0, tracing?.maxPathLength);
  return {
    ...sharedOf(hop),
    spanId,
    parentSpanId: hop.parentSpanId,
    parentIsRemote: hop.parentSpanId !== undefined,
    kind,
    ...(kind === 'SERVER' && tracing?.sharesSpans === true && { shared: true }),
    notes: tracing?.notes ?? NO_NOTES,
    zipkinName: hop.operation ?? request.authority,
    name: hop.operation ?? (serves(hop) ? 'ingress' : `egress ${request.authority}`),
    tags: {
      component: 'proxy',
      ...(proxy.node !== undefined && { node_id: proxy.node, zone: '' }),
      ...(hop.requestId !== '' && { 'guid:x-request-id': hop.requestId }),
      'http.url': `${tracing?.scheme || 'http'}://${asked.authority}${path}`,
      'http.method': request.method,
      user_agent: tracing?.userAgent || '-',
      downstream_cluster: '-',
      ...(tracing !== undefined && { 'peer.address': tracing.peerIp }),
      request_size: String(request.bytes),
      response_size: String(response.bytes),
      ...answer,
      ...failureTag(hop),
      ...tracing?.tags,
    },
  };
}

interface TryOf {
  readonly each: HopTry;
  readonly parentSpanId: string | undefined;
  /** Name of the cluster in statistics. */
  readonly shownAs: string;
}

/** One call to a host below the span of its request. Source: UpstreamRequest and HttpTracerUtility::finalizeUpstreamSpan in Envoy. */
function trySpan(hop: HopRecord, { each, parentSpanId, shownAs }: TryOf): Span {
  const name = each.operation ?? `router ${shownAs} egress`;
  const isBad = each.status === 0 || each.status >= 500 || isGrpcFailure(each.grpcStatus);
  // A host may break off behind a good status.
  const failed = isBad || each.reason !== '';
  return {
    ...sharedOf(hop),
    startMs: each.startMs,
    durationMs: each.durationMs,
    spanId: each.spanId,
    parentSpanId,
    parentIsRemote: false,
    kind: 'CLIENT',
    name,
    zipkinName: name,
    notes: each.notes,
    tags: {
      component: 'proxy',
      ...(each.host !== '' && { upstream_address: each.host, 'peer.address': each.host }),
      'http.protocol': each.protocol,
      'http.status_code': String(each.status),
      response_flags: each.flags || '-',
      upstream_cluster: hop.cluster,
      'upstream_cluster.name': shownAs,
      ...(each.grpcStatus !== undefined && { 'grpc.status_code': each.grpcStatus }),
      ...(each.grpcMessage !== undefined && { 'grpc.message': each.grpcMessage }),
      ...(failed && { error: 'true' }),
      ...(each.reason !== '' && { 'error.reason': each.reason }),
      ...(each.canceled && { canceled: 'true' }),
      ...each.tags,
    },
  };
}

/** The first try has no number. */
const numbered = (span: Span, before: number): Span =>
  before === 0 ? span : { ...span, tags: { ...span.tags, 'retry.count': String(before) } };

/** A route leads to it, and it is there, whether or not a host of it was asked. */
const hasCluster = ({ cluster, response }: HopRecord): boolean => cluster !== '' && !response.flags.includes('NC');

/** What both sides of a proxy tell of the answer. Source: setCommonTags of HttpTracerUtility in Envoy. */
const answerTags = (hop: HopRecord, shownAs: string): Span['tags'] => ({
  'http.protocol': hop.request.protocol,
  'http.status_code': String(hop.response.status),
  response_flags: hop.response.flags.join(',') || '-',
  ...(hasCluster(hop) && { upstream_cluster: hop.cluster, 'upstream_cluster.name': shownAs }),
});
