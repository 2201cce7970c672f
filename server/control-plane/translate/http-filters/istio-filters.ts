import type { Any, HttpConnectionManager } from '#xds';

type HttpFilter = NonNullable<HttpConnectionManager['http_filters']>[number];

const typedStruct = (type_url: string, value: Record<string, unknown>): Any => ({
  '@type': 'type.googleapis.com/udpa.type.v1.TypedStruct',
  type_url: `type.googleapis.com/${type_url}`,
  value,
});

const EXCHANGE = 'istio.metadata_exchange';

/** The ALPN by which proxies agree to introduce themselves. */
export const PEER_EXCHANGE = 'istio-peer-exchange';

/** Tells the peer of a connection who this workload is, and learns who the peer is. */
export const TCP_METADATA_EXCHANGE = {
  name: EXCHANGE,
  typed_config: typedStruct('envoy.tcp.metadataexchange.config.MetadataExchange', {
    enable_discovery: true,
    protocol: PEER_EXCHANGE,
  }),
};

/** The same by headers of a request. */
export function peerMetadataFilter(side: 'outbound' | 'inbound' | 'gateway', inMesh: boolean): HttpFilter {
  const skips = inMesh && side !== 'inbound';
  const [discovery, propagation] =
    side === 'inbound'
      ? ['downstream_discovery', 'downstream_propagation']
      : ['upstream_discovery', 'upstream_propagation'];
  return {
    name: EXCHANGE,
    typed_config: typedStruct('io.istio.http.peer_metadata.Config', {
      [discovery]: [{ istio_headers: {} }, { workload_discovery: {} }],
      [propagation]: [{ istio_headers: skips ? { skip_external_clusters: true } : {} }],
    }),
  };
}

export const GRPC_STATS_FILTER: HttpFilter = {
  name: 'envoy.filters.http.grpc_stats',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.grpc_stats.v3.FilterConfig',
    emit_filter_state: true,
    stats_for_all_methods: false,
  },
};

/** Puts the version of HTTP that the client speaks into the names that mTLS offers. */
export const ALPN_FILTER: HttpFilter = {
  name: 'istio.alpn',
  typed_config: {
    '@type': 'type.googleapis.com/istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig',
    alpn_override: [
      { alpn_override: ['istio-http/1.0', 'istio', 'http/1.0'] },
      { upstream_protocol: 'HTTP11', alpn_override: ['istio-http/1.1', 'istio', 'http/1.1'] },
      { upstream_protocol: 'HTTP2', alpn_override: ['istio-h2', 'istio', 'h2'] },
    ],
  },
};

/** Request ids that carry the decision to trace. */
export const UUID_EXTENSION = {
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig',
    use_request_id_for_trace_sampling: true,
  },
};
