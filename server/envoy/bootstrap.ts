import { type BootstrapSettings, inclusionPatterns, runtimeFlags, type StatsInclusion, statsTags } from '#data-plane';
import type { SocketAddress } from '#domain';
import type { AdsVariant, NodeLocality } from '#xds';

export interface BootstrapOptions {
  readonly node: { readonly id: string; readonly cluster: string; readonly metadata: object };
  readonly podIp: string;
  readonly variant: AdsVariant;
  /** Where ADS and SDS are served, in plaintext HTTP/2. */
  readonly adsPort: number;
  readonly sdsPort: number;
  /** Present where it is the proxy of a pod whose agent answers on port 15020: where names are resolved. */
  readonly nameServer?: SocketAddress;
  /** Absent: as Istio's agent does where nobody has said anything, but for figures, all of which are listed. */
  readonly settings?: BootstrapSettings | undefined;
}

const ADMIN_PORT = 15000;
/** Unlike under Istio, where an Envoy may wait for 30 s: labs stop istiod for seconds, and go on when it is back. */
const AS_SOON_AS_OURS = { retry_policy: { retry_back_off: { base_interval: '0.5s', max_interval: '2s' } } };
const FROM_ADS = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '0s' };

/** What Istio's agent would write for Envoy: where to find the control plane and the agent, nothing of the mesh itself. */
export const bootstrap = (options: BootstrapOptions): object => {
  const { node, podIp, variant, adsPort, sdsPort, nameServer, settings = {} } = options;
  const admin = { ip: podIp, port: ADMIN_PORT };
  return {
    node: { ...node, ...placeOf(settings.locality) },
    layered_runtime: layeredRuntime(settings),
    stats_config: statsConfig(settings, podIp),
    admin: { address: socketAddress(admin) },
    dynamic_resources: {
      ads_config: {
        api_type: variant === 'delta' ? 'DELTA_GRPC' : 'GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: 'xds-grpc', ...(nameServer !== undefined && AS_SOON_AS_OURS) } }],
      },
      lds_config: FROM_ADS,
      cds_config: FROM_ADS,
    },
    static_resources: {
      clusters: [
        grpcCluster('xds-grpc', { ip: podIp, port: adsPort }),
        grpcCluster('sds-grpc', { ip: podIp, port: sdsPort }),
        ...(nameServer === undefined ? [] : podClusters(podIp)),
        ...(settings.staticClusters ?? []),
      ],
      listeners: nameServer === undefined ? [] : podListeners(podIp, settings),
    },
    overload_manager: overloadManager(settings),
    ...(nameServer !== undefined && {
      ...clusterManager(podIp, settings),
      typed_dns_resolver_config: resolverAt(nameServer),
    }),
  };
};

const placeOf = ({ region, zone, subZone }: NodeLocality = {}): object =>
  region === undefined ? {} : { locality: { region, zone, sub_zone: subZone } };

/** Source: `layered_runtime` of istio tools/packaging/common/envoy_bootstrap.json. */
export const layeredRuntime = ({ runtimeValues }: BootstrapSettings = {}): object => ({
  layers: [
    { name: 'global config', static_layer: runtimeFlags(runtimeValues) },
    { name: 'admin', admin_layer: {} },
  ],
});

/** Requests under way and clients, by which this agent knows when a proxy is drained. */
const FOR_DRAINING = ['downstream_rq_active', 'downstream_cx_active'];

/**
 * Tags that Envoy looks for in the whole of each name, and that names of a stock Envoy seldom have. Where all figures are listed, which Istio
 * does not do, they cost Envoy five more seconds of work for a thousand clusters (8.5 s with them, 3.3 s without).
 */
const COSTLY: ReadonlySet<string> = new Set([
  ...['cache', 'component', 'tag', 'wasm_filter'],
  ...['authz_enforce_result', 'authz_dry_run_action', 'authz_dry_run_result'],
]);

/** Source: `stats_config` of the same file. */
function statsConfig(
  { statsInclusion, extraStatTags, histogramBounds = [] }: BootstrapSettings,
  podIp: string,
): object {
  const bounds = histogramBounds.map(({ prefix, bounds: buckets }) => ({ match: { prefix }, buckets }));
  return {
    use_all_default_tags: false,
    stats_tags: statsTags(extraStatTags).filter(
      ({ tag_name }) => statsInclusion !== undefined || !COSTLY.has(tag_name),
    ),
    ...(bounds.length > 0 && { histogram_bucket_settings: bounds }),
    ...(statsInclusion !== undefined && {
      stats_matcher: { inclusion_list: { patterns: patternsOf(inclusionPatterns(statsInclusion, podIp)) } },
    }),
  };
}

const patternsOf = ({ prefixes, suffixes, regexps }: StatsInclusion): object[] => [
  ...prefixes.map((prefix) => ({ prefix })),
  ...[...suffixes, ...FOR_DRAINING].map((suffix) => ({ suffix })),
  ...regexps.map((regex) => ({ safe_regex: { regex } })),
];

export const socketAddress = ({ ip, port }: SocketAddress): object => ({
  socket_address: { address: ip, port_value: port },
});

export const loadAssignment = (name: string, addresses: readonly SocketAddress[]): object => ({
  cluster_name: name,
  endpoints: [{ lb_endpoints: addresses.map((address) => ({ endpoint: { address: socketAddress(address) } })) }],
});

const cluster = (name: string, address: SocketAddress): object => ({
  name,
  alt_stat_name: `${name};`,
  type: 'STATIC',
  connect_timeout: '1s',
  load_assignment: loadAssignment(name, [address]),
});

const grpcCluster = (name: string, address: SocketAddress): object => ({
  ...cluster(name, address),
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
});

const NO_LIMIT = 2 ** 31 - 1;

/** How many clients the whole proxy takes. Source: `overload_manager` of the same file. */
const overloadManager = ({ maxConnections = NO_LIMIT }: BootstrapSettings): object => ({
  resource_monitors: [
    {
      name: 'envoy.resource_monitors.global_downstream_max_connections',
      typed_config: {
        '@type':
          'type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
        max_active_downstream_connections: maxConnections,
      },
    },
  ],
});

/** Connections to hosts come from the pod's own address. */
const clusterManager = (ip: string, { localCluster }: BootstrapSettings): object => ({
  cluster_manager: {
    upstream_bind_config: { source_address: { address: ip, port_value: 0 } },
    ...(localCluster !== undefined && { local_cluster_name: localCluster.name }),
  },
});

/** A `typed_dns_resolver_config` that asks this name server; `given` are other settings of the resolver. */
export const resolverAt = (nameServer: SocketAddress, given: object = {}): object => ({
  name: 'envoy.network.dns_resolver.cares',
  typed_config: {
    ...given,
    '@type': 'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
    resolvers: [socketAddress(nameServer)],
    dns_resolver_options: { no_default_search_domain: true },
  },
});

/** Source: the static resources of istio tools/packaging/common/envoy_bootstrap.json. */
const podClusters = (ip: string): object[] => [
  cluster('prometheus_stats', { ip, port: ADMIN_PORT }),
  cluster('agent', { ip, port: 15020 }),
];

const podListeners = (ip: string, { statsCompression = true }: BootstrapSettings): object[] => [
  pageListener({ ip, port: 15021 }, { path: '/healthz/ready', cluster: 'agent' }),
  pageListener(
    { ip, port: 15090 },
    { path: '/stats/prometheus', cluster: 'prometheus_stats', filters: statsCompression ? compressors() : [] },
  ),
];

/** In this order a client that takes any encoding gets the first. */
const compressors = (): object[] => ['Brotli', 'Zstd', 'Gzip'].map(compressor);

function compressor(library: string): object {
  const name = library.toLowerCase();
  return {
    name: `envoy.filters.http.compressor.${name}`,
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.http.compressor.v3.Compressor',
      compressor_library: {
        name: `stats_${name}`,
        typed_config: {
          '@type': `type.googleapis.com/envoy.extensions.compression.${name}.compressor.v3.${library}`,
        },
      },
      response_direction_config: { common_config: { content_type: ['text/plain', 'application/openmetrics-text'] } },
    },
  };
}

interface Page {
  readonly path: string;
  readonly cluster: string;
  readonly filters?: readonly object[];
}

const pageListener = (address: SocketAddress, { path, cluster, filters = [] }: Page): object => ({
  name: `agent_${address.port}`,
  address: socketAddress(address),
  ignore_global_conn_limit: true,
  bypass_overload_manager: true,
  filter_chains: [
    {
      filters: [
        {
          name: 'envoy.filters.network.http_connection_manager',
          typed_config: {
            '@type':
              'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
            stat_prefix: 'agent',
            route_config: {
              virtual_hosts: [
                {
                  name: 'agent',
                  domains: ['*'],
                  routes: [{ match: { path }, route: { cluster } }],
                },
              ],
            },
            http_filters: [
              ...filters,
              {
                name: 'envoy.filters.http.router',
                typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
              },
            ],
          },
        },
      ],
    },
  ],
});
