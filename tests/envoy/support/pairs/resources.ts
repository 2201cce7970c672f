import { type Any, type Cluster, extensionTypes, type FilterChain, type Listener } from '#xds';
import type { PairCase, PairHost } from './case-file.ts';
import { LOG_FORMAT } from './log-entry.ts';

const TYPES = 'type.googleapis.com/envoy.extensions.filters.http';

/** Short names of filters and their types, so that cases stay readable. */
const FILTER_TYPES: Readonly<Record<string, string>> = {
  'envoy.filters.http.router': extensionTypes.router,
  'envoy.filters.http.fault': extensionTypes.fault,
  'envoy.filters.http.cors': `${TYPES}.cors.v3.Cors`,
  'envoy.filters.http.rbac': `${TYPES}.rbac.v3.RBAC`,
  'envoy.filters.http.local_ratelimit': `${TYPES}.local_ratelimit.v3.LocalRateLimit`,
  'envoy.filters.http.ratelimit': `${TYPES}.ratelimit.v3.RateLimit`,
  'envoy.filters.http.ext_authz': `${TYPES}.ext_authz.v3.ExtAuthz`,
  'envoy.filters.http.jwt_authn': `${TYPES}.jwt_authn.v3.JwtAuthentication`,
  'envoy.filters.http.grpc_stats': `${TYPES}.grpc_stats.v3.FilterConfig`,
  'envoy.filters.http.header_mutation': `${TYPES}.header_mutation.v3.HeaderMutation`,
  'envoy.filters.http.buffer': `${TYPES}.buffer.v3.Buffer`,
  'envoy.filters.http.csrf': `${TYPES}.csrf.v3.CsrfPolicy`,
  'envoy.filters.http.set_metadata': `${TYPES}.set_metadata.v3.Config`,
  'envoy.filters.http.header_to_metadata': `${TYPES}.header_to_metadata.v3.Config`,
  'envoy.filters.http.health_check': `${TYPES}.health_check.v3.HealthCheck`,
  'envoy.filters.http.compressor': `${TYPES}.compressor.v3.Compressor`,
  'envoy.filters.http.grpc_web': `${TYPES}.grpc_web.v3.GrpcWeb`,
};

const LOG = {
  name: 'envoy.access_loggers.file',
  typed_config: { '@type': extensionTypes.fileAccessLog, path: '/dev/stdout', log_format: { json_format: LOG_FORMAT } },
};

/** Where the hosts of a case are: names stand for the test's own servers. */
export type Hosts = (name: string) => { readonly ip: string; readonly port: number };

export interface PairResources {
  readonly listener: Listener;
  readonly clusters: readonly Cluster[];
}

/** `{AT one}` stands for the address of that host, wherever it is written. */
function placed(given: PairCase, hosts: Hosts): PairCase {
  const text = JSON.stringify(given);
  if (!text.includes('{AT ')) return given;
  const at = (name: string): string => `${hosts(name).ip}:${hosts(name).port}`;
  return JSON.parse(text.replaceAll(/\{AT ([\w-]+)\}/g, (_, name: string) => at(name))) as PairCase;
}

/** Listener and clusters of one case, named after it so that the statistics of cases do not mix. */
export function pairResources(written: PairCase, at: { ip: string; port: number }, hosts: Hosts): PairResources {
  const given = placed(written, hosts);
  return {
    listener: {
      name: given.name,
      address: { socket_address: { address: at.ip, port_value: at.port } },
      traffic_direction: 'OUTBOUND',
      filter_chains: chainsOf(given),
      ...(given.logs_connections === true && { access_log: [LOG] }),
      ...given.listener,
    },
    clusters: Object.entries(given.clusters).map(([name, { hosts: names, members, policy, ...fields }]) => ({
      name: `${given.name}.${name}`,
      connect_timeout: '1s',
      ...(members === undefined
        ? {
            type: 'STATIC',
            load_assignment: {
              cluster_name: `${given.name}.${name}`,
              ...(policy !== undefined && { policy }),
              endpoints: localitiesOf(names ?? [], hosts),
            },
          }
        : aggregateOf(members.map((member) => `${given.name}.${member}`))),
      ...fields,
    })) as Cluster[],
  };
}

const aggregateOf = (clusters: readonly string[]): object => ({
  lb_policy: 'CLUSTER_PROVIDED',
  cluster_type: {
    name: 'envoy.clusters.aggregate',
    typed_config: { '@type': 'type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig', clusters },
  },
});

/** One locality for each priority and region that hosts name, in the order in which they come. */
function localitiesOf(names: readonly PairHost[], hosts: Hosts): object[] {
  const places = Map.groupBy(names.map(hostEntry), ({ priority = 0, region, share }) =>
    JSON.stringify({
      ...(priority > 0 && { priority }),
      ...(region !== undefined && { locality: { region } }),
      ...(share !== undefined && { load_balancing_weight: share }),
    }),
  );
  return [...places].map(([place, members]) => ({
    ...(JSON.parse(place) as object),
    lb_endpoints: members.map(({ host, hostname, labels, health, weight, further = [] }) => ({
      endpoint: {
        ...(hostname !== undefined && { hostname }),
        address: socketAddress(hosts(host)),
        ...(further.length > 0 && {
          additional_addresses: further.map((name) => ({ address: socketAddress(hosts(name)) })),
        }),
      },
      ...(health !== undefined && { health_status: health }),
      ...(weight !== undefined && { load_balancing_weight: weight }),
      ...(labels !== undefined && { metadata: { filter_metadata: { 'envoy.lb': labels } } }),
    })),
  }));
}

const hostEntry = (given: PairHost): Exclude<PairHost, string> => (typeof given === 'string' ? { host: given } : given);

function chainsOf(given: PairCase): FilterChain[] {
  if (given.chains !== undefined) {
    return given.chains.map(({ name, match, network }) => ({
      ...(name !== undefined && { name }),
      ...tcpChain(given, network),
      ...(match !== undefined && { filter_chain_match: match }),
    }));
  }
  const chain = given.network === undefined ? httpChain(given) : tcpChain(given, given.network);
  const guards = qualified(given.before_http ?? [], given.name) as FilterChain['filters'];
  if (guards.length > 0) return [{ ...chain, filters: [...guards, ...chain.filters], ...given.chain }];
  return [{ ...chain, ...given.chain }];
}

const socketAddress = ({ ip, port }: { ip: string; port: number }): object => ({
  socket_address: { address: ip, port_value: port },
});

function httpChain({
  name,
  http = {},
  filters = [],
  router,
  routes,
  virtual_hosts,
  also_logs = [],
}: PairCase): FilterChain {
  const hosts = virtual_hosts ?? [{ name: 'all', domains: ['*'], routes }];
  const config = {
    '@type': extensionTypes.httpConnectionManager,
    stat_prefix: name,
    generate_request_id: true,
    http_filters: [...filters, { name: 'envoy.filters.http.router', ...router }].map(typedFilter),
    access_log: [LOG, ...also_logs],
    route_config: qualified({ name: 'table', virtual_hosts: hosts, validate_clusters: false }, name),
    ...http,
  };
  return { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: config as Any }] };
}

function tcpChain({ name, also_logs = [] }: PairCase, network: readonly object[]): FilterChain {
  const filters = qualified(network, name) as FilterChain['filters'];
  const last = filters.at(-1)!;
  if (last.typed_config?.['@type'] !== extensionTypes.tcpProxy) return { filters };
  const withLog = {
    ...last,
    typed_config: { ...last.typed_config, access_log: [LOG, ...also_logs] } as unknown as Any,
  };
  return { filters: [...filters.slice(0, -1), withLog] };
}

/** A filter that is written out (`typed_config`) stays as it is. */
function typedFilter(filter: object): { name: string; typed_config: Any } {
  if ('typed_config' in filter) return filter as { name: string; typed_config: Any };
  const { name, ...config } = filter as { name: string };
  return { name, typed_config: { '@type': FILTER_TYPES[name]!, ...config } };
}

/** Clusters bear the case's name: `cluster: one` becomes `cluster: <case>.one` wherever a cluster is named. */
function qualified<Value>(value: Value, name: string): Value {
  const walk = (node: unknown, within: string): unknown => {
    if (Array.isArray(node)) return node.map((item: unknown) => walk(item, within));
    if (typeof node !== 'object' || node === null) return node;
    return Object.fromEntries(
      Object.entries(node).map(([key, child]) => {
        const names = key === 'cluster' || (key === 'name' && within === 'clusters');
        if (names && typeof child === 'string') return [key, `${name}.${child}`];
        if (key === 'typed_per_filter_config') return [key, perFilter(child as object)];
        return [key, walk(child, key)];
      }),
    );
  };
  return walk(value, '') as Value;
}

/** What routes give single filters; their types follow from the filters' names where they are the same message. */
function perFilter(configs: object): object {
  const types: Readonly<Record<string, string>> = {
    ...FILTER_TYPES,
    'envoy.filters.http.cors': `${TYPES}.cors.v3.CorsPolicy`,
    'envoy.filters.http.rbac': `${TYPES}.rbac.v3.RBACPerRoute`,
    'envoy.filters.http.ratelimit': `${TYPES}.ratelimit.v3.RateLimitPerRoute`,
    'envoy.filters.http.ext_authz': `${TYPES}.ext_authz.v3.ExtAuthzPerRoute`,
    'envoy.filters.http.header_mutation': `${TYPES}.header_mutation.v3.HeaderMutationPerRoute`,
    'envoy.filters.http.buffer': `${TYPES}.buffer.v3.BufferPerRoute`,
    'envoy.filters.http.compressor': `${TYPES}.compressor.v3.CompressorPerRoute`,
  };
  return Object.fromEntries(
    Object.entries(configs).map(([name, config]) => [name, { '@type': types[name], ...(config as object) }]),
  );
}
