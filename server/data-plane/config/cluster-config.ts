import { type Cluster, typeUrls } from '#xds';
import { type BreakerSettings, type RetryBudget, type RoutePriority, UNLIMITED } from '../upstream/pool-breakers.ts';
import { type Awaited, fetchMs } from './awaited.ts';
import { checkBounds } from './cluster-bounds.ts';
import { readMembers, withType } from './cluster-type.ts';
import { type DnsConfig, readDns } from './dns-config.ts';
import { compileEndpoints, type EndpointConfig } from './endpoint-config.ts';
import { type HealthCheckPolicy, readHealthCheck } from './health-check-config.ts';
import { type BalancingConfig, readBalancing } from './lb-config.ts';
import { exchangesPeers } from './network-filter.ts';
import { type OriginalDstConfig, readOriginalDst } from './original-dst.ts';
import { type Origins, readOrigins } from './origins.ts';
import { type OutlierPolicy, readOutlierPolicy } from './outlier-policy.ts';
import { ConfigProblem, within } from './problem.ts';
import { awaitedSecrets } from './tls-settings.ts';
import { readUpstreamProtocol, type UpstreamProtocol } from './upstream-protocol.ts';
import { readUpstreamTransport, type UpstreamTransport } from './upstream-transport.ts';
import { durationMs, type Fields, readNumber, record } from './values.ts';

export type ClusterType = 'STATIC' | 'EDS' | 'ORIGINAL_DST' | 'STRICT_DNS' | 'LOGICAL_DNS' | 'AGGREGATE';

/** A cluster ready to send; immutable. Hosts live in the cluster manager. */
export interface CompiledCluster extends UpstreamTransport {
  readonly name: string;
  readonly versionInfo: string;
  readonly type: ClusterType;
  /** EDS resource name; empty for other types. */
  readonly edsName: string;
  /** The load assignment and secrets that must arrive before it is used. */
  readonly awaits: readonly Awaited[];
  readonly endpoints: readonly EndpointConfig[];
  /** Of an AGGREGATE cluster: the clusters whose hosts are its own, by their names. */
  readonly members: readonly string[] | undefined;
  readonly balancing: BalancingConfig;
  /** Set where hosts are found by name. */
  readonly dns: DnsConfig | undefined;
  /** Of an ORIGINAL_DST cluster that goes by more than the connection. */
  readonly originalDst: OriginalDstConfig | undefined;
  /** How often hosts of an ORIGINAL_DST cluster are looked through. */
  readonly cleanupMs: number;
  readonly connectTimeoutMs: number;
  readonly breakers: Readonly<Record<RoutePriority, BreakerSettings>>;
  readonly outlier: OutlierPolicy | undefined;
  readonly healthCheck: HealthCheckPolicy | undefined;
  /** Hosts that the control plane removes go at once, even while their checks pass. */
  readonly ignoresHealthOnRemoval: boolean;
  /** First match by endpoint metadata wins over the cluster's own transport. */
  readonly tlsMatches: readonly TransportMatch[];
  /** Connections that one host may have by itself. */
  readonly perHostConnections: Readonly<Partial<Record<RoutePriority, number>>>;
  /** Figures of each host stand among those of `/stats`. */
  readonly showsHosts: boolean;
  /** Connections are made for so many times the streams that there are, of each host. */
  readonly preconnectRatio: number;
  /** The same of all hosts together: those that will be chosen next are connected to. */
  readonly predictiveRatio: number;
  /** Each connection of a client has connections to hosts of its own. */
  readonly poolsByClient: boolean;
  /** A host that becomes unhealthy loses the connections of TCP clients. */
  readonly closesUnhealthy: boolean;
  /** Which connection a request takes depends on its client. */
  readonly followsClient: boolean;
  readonly http: UpstreamProtocol;
  /** Connections may begin with an introduction of both proxies. */
  readonly exchangesPeers: boolean;
  readonly resource: Cluster;
  readonly origins: Origins | undefined;
}

/** How endpoints with these labels are reached. */
interface TransportMatch extends UpstreamTransport {
  readonly name: string;
  readonly match: Readonly<Record<string, unknown>>;
}

const TYPES = new Set<string>([
  'STATIC',
  'EDS',
  'ORIGINAL_DST',
  'STRICT_DNS',
  'LOGICAL_DNS',
  'AGGREGATE',
] satisfies ClusterType[]);

/** Compiles a cluster. Throws ConfigProblem for anything this proxy cannot do exactly as asked. */
export function compileCluster(given: Cluster, versionInfo: string): CompiledCluster {
  const resource = withType(given);
  checkBounds(resource);
  const type: string = resource.type ?? 'STATIC';
  if (!TYPES.has(type)) throw new ConfigProblem('type', `cluster type ${type} is not supported`);
  if (type === 'EDS' && resource.eds_cluster_config?.eds_config === undefined) {
    throw new ConfigProblem('eds_cluster_config', 'cannot create an EDS cluster without an EDS config');
  }
  const { eds_config: edsSource, service_name: serviceName } = resource.eds_cluster_config ?? {};
  const edsName = type === 'EDS' ? (serviceName ?? resource.name) : '';
  const balancing = readBalancing(resource);
  if (type === 'ORIGINAL_DST' && balancing.policy !== 'CLUSTER_PROVIDED') {
    const why = `cluster: LB policy ${balancing.policy} is not valid for Cluster type ORIGINAL_DST`;
    throw new ConfigProblem('lb_policy', why);
  }
  if (type === 'AGGREGATE' && balancing.policy !== 'CLUSTER_PROVIDED') {
    const why = `cluster provided LB not specified but cluster '${resource.name}' provided one. Check cluster documentation.`;
    throw new ConfigProblem('lb_policy', `cluster manager: ${why}`);
  }
  if (type !== 'ORIGINAL_DST' && type !== 'AGGREGATE' && balancing.policy === 'CLUSTER_PROVIDED') {
    const why = `cluster provided LB specified but cluster '${resource.name}' did not provide one. Check cluster documentation.`;
    throw new ConfigProblem('lb_policy', `cluster manager: ${why}`);
  }
  const assignment = resource.load_assignment;
  if (type === 'ORIGINAL_DST' && assignment?.endpoints?.length) {
    throw new ConfigProblem('load_assignment', 'ORIGINAL_DST clusters must have no load assignment configured');
  }
  const transport = readUpstreamTransport(resource.transport_socket);
  const tlsMatches = (resource.transport_socket_matches ?? []).map((entry, i) => ({
    name: entry.name ?? '',
    match: entry.match ?? {},
    ...within(`transport_socket_matches[${i}]`, () => readUpstreamTransport(entry.transport_socket)),
  }));
  const http = readUpstreamProtocol(resource);
  const fields = resource as unknown as Fields;
  const poolsByClient = fields['connection_pool_per_downstream_connection'] === true;
  if (http.protocol === 'alpn' && [transport, ...tlsMatches].some(({ tls }) => tls === undefined)) {
    const why = `ALPN configured for cluster ${resource.name} which has a non-ALPN transport socket`;
    throw new ConfigProblem('auto_config', why);
  }
  return {
    name: resource.name,
    versionInfo,
    type: type as ClusterType,
    edsName,
    awaits: [
      ...(type === 'EDS' ? [{ typeUrl: typeUrls.endpoint, name: edsName, withinMs: fetchMs(edsSource) }] : []),
      ...[transport, ...tlsMatches].flatMap(({ tls }) => awaitedSecrets(tls)),
    ],
    endpoints: type === 'STATIC' && assignment ? within('load_assignment', () => compileEndpoints(assignment)) : [],
    members: readMembers(given),
    balancing,
    dns: type === 'STRICT_DNS' || type === 'LOGICAL_DNS' ? readDns(resource, type) : undefined,
    cleanupMs: durationMs((resource as { cleanup_interval?: string }).cleanup_interval, 'cleanup_interval', 5000),
    originalDst: type === 'ORIGINAL_DST' ? readOriginalDst(resource) : undefined,
    connectTimeoutMs: durationMs(resource.connect_timeout, 'connect_timeout', 5000),
    breakers: { DEFAULT: readBreakers(resource, 'DEFAULT'), HIGH: readBreakers(resource, 'HIGH') },
    outlier: readOutlierPolicy(resource.outlier_detection),
    healthCheck: readHealthCheck(resource),
    ignoresHealthOnRemoval: resource.ignore_health_on_host_removal === true,
    ...transport,
    tlsMatches,
    perHostConnections: readPerHost(resource),
    preconnectRatio: readNumber(record(fields['preconnect_policy'])?.['per_upstream_preconnect_ratio'], 1),
    predictiveRatio: readNumber(record(fields['preconnect_policy'])?.['predictive_preconnect_ratio'], 1),
    showsHosts: record(fields['track_cluster_stats'])?.['per_endpoint_stats'] === true,
    poolsByClient,
    closesUnhealthy: fields['close_connections_on_host_health_failure'] === true,
    followsClient: poolsByClient || [transport, ...tlsMatches].some(({ clientHeader }) => clientHeader !== undefined),
    http,
    exchangesPeers: exchangesPeers((resource as { filters?: { name: string }[] }).filters ?? []),
    resource: given,
    origins: readOrigins(resource.metadata),
  };
}

/** Thresholds of one priority; each field that is absent has Envoy's own default. */
function readBreakers({ circuit_breakers }: Cluster, priority: RoutePriority): BreakerSettings {
  const given = circuit_breakers?.thresholds?.find((threshold) => (threshold.priority ?? 'DEFAULT') === priority);
  return {
    maxConnections: readNumber(given?.max_connections, 1024),
    maxPendingRequests: readNumber(given?.max_pending_requests, 1024),
    maxRequests: readNumber(given?.max_requests, 1024),
    maxRetries: readNumber(given?.max_retries, 3),
    maxPools: readNumber(given?.max_connection_pools, UNLIMITED.maxPools),
    retryBudget: readRetryBudget(given?.retry_budget),
    trackRemaining: given?.track_remaining === true,
  };
}

function readPerHost({ circuit_breakers }: Cluster): CompiledCluster['perHostConnections'] {
  const thresholds = (record(circuit_breakers)?.['per_host_thresholds'] ?? []) as readonly Fields[];
  return Object.fromEntries(
    thresholds.flatMap(({ max_connections, priority }) =>
      max_connections === undefined ? [] : [[String(priority ?? 'DEFAULT'), readNumber(max_connections, 0)]],
    ),
  );
}

interface RetryBudgetJson {
  readonly budget_percent?: { readonly value?: number };
  readonly min_retry_concurrency?: number;
}

function readRetryBudget(budget: RetryBudgetJson | undefined): RetryBudget | undefined {
  if (budget === undefined) return undefined;
  return {
    percent: readNumber(budget.budget_percent?.value, 20),
    minConcurrency: readNumber(budget.min_retry_concurrency, 3),
  };
}
