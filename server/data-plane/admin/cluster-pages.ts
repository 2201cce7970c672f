import type { UpstreamCluster } from '../upstream/cluster.ts';
import type { Host } from '../upstream/host.ts';
import { hostFigures } from '../upstream/host-figures.ts';
import { allowedRetries, type CircuitBreakers, PRIORITIES } from '../upstream/pool-breakers.ts';

/** Why a host counts as it does, in Envoy's words. Source: ENVOY: HostUtility::healthFlagsToString. */
const FLAGS: readonly (readonly [flag: string, holds: (host: Host) => boolean])[] = [
  ['/failed_active_hc', (host) => host.failedCheck],
  ['/failed_outlier_check', (host) => host.ejected],
  ['/failed_eds_health', (host) => !host.endpoint.healthy && !host.endpoint.draining],
  ['/degraded_active_hc', (host) => host.degradedByCheck],
  ['/degraded_eds_health', (host) => host.endpoint.degraded],
  ['/pending_dynamic_removal', (host) => host.pendingRemoval],
  ['/pending_active_hc', (host) => host.awaitsFirstCheck],
  ['/excluded_via_immediate_hc_fail', (host) => host.excludedByItself],
  ['/active_hc_timeout', (host) => host.checkTimedOut],
  ['/eds_status_draining', (host) => host.endpoint.draining],
  ['/degraded_outlier_detection', (host) => host.degradedByItself],
];

const healthFlags = (host: Host): string =>
  FLAGS.flatMap(([flag, holds]) => (holds(host) ? [flag] : [])).join('') || 'healthy';

/** As they hold at this moment. */
const LIMITS: readonly (readonly [name: string, read: (breakers: CircuitBreakers) => number])[] = [
  ['max_connections', ({ limits }) => limits.maxConnections],
  ['max_pending_requests', ({ limits }) => limits.maxPendingRequests],
  ['max_requests', ({ limits }) => limits.maxRequests],
  ['max_retries', allowedRetries],
];

/** Rates as Envoy's `%g` writes them. */
const rate = (percent: number): string => String(Number(percent.toPrecision(6)));

const outlierLines = ({
  rates: { external, local },
}: NonNullable<UpstreamCluster['outlier']>): Record<string, string> => ({
  success_rate_average: rate(external.average),
  success_rate_ejection_threshold: rate(external.threshold),
  local_origin_success_rate_average: rate(local.average),
  local_origin_success_rate_ejection_threshold: rate(local.threshold),
});

/** As its figures are named: under Istio by its own name with `;` behind it. */
const observabilityName = ({ name, resource }: UpstreamCluster['config']): string => resource.alt_stat_name || name;

/** `/clusters`: one line for each fact. */
export const clustersText = (clusters: readonly UpstreamCluster[]): string =>
  clusters
    .flatMap((cluster) => [...clusterLines(cluster), ...cluster.hosts.flatMap((host) => hostLines(cluster, host))])
    .map((line) => `${line}\n`)
    .join('');

function clusterLines({ config, breakers, outlier: detector }: UpstreamCluster): string[] {
  const { name, edsName } = config;
  const outlier = Object.entries(detector === undefined ? {} : outlierLines(detector));
  return [
    `${name}::observability_name::${observabilityName(config)}`,
    ...outlier.map(([line, value]) => `${name}::outlier::${line}::${value}`),
    ...PRIORITIES.flatMap((priority) =>
      LIMITS.map(
        ([limit, read]) => `${name}::${priority.toLowerCase()}_priority::${limit}::${read(breakers[priority])}`,
      ),
    ),
    `${name}::added_via_api::true`,
    ...(edsName === '' ? [] : [`${name}::eds_service_name::${edsName}`]),
  ];
}

function hostLines({ config: { name } }: UpstreamCluster, host: Host): string[] {
  const [region = '', zone = '', subZone = ''] = host.endpoint.locality.key.split('/');
  const facts: Record<string, string | number> = {
    ...hostFigures(host),
    hostname: host.endpoint.hostname,
    health_flags: healthFlags(host),
    weight: host.weight,
    region,
    zone,
    sub_zone: subZone,
    canary: 'false',
    priority: host.endpoint.priority,
    success_rate: rate(host.rates.external.shown),
    local_origin_success_rate: rate(host.rates.local.shown),
  };
  return Object.entries(facts).map(([fact, value]) => `${name}::${host.key}::${fact}::${value}`);
}

/** `/clusters?format=json`: envoy.admin.v3.ClusterStatus in protobuf JSON, which leaves out what is 0, empty or false. */
export const clusterStatuses = (clusters: readonly UpstreamCluster[]): object[] =>
  clusters.map(({ config, breakers, hosts, outlier }) => ({
    name: config.name,
    added_via_api: true,
    ...percent('success_rate_ejection_threshold', outlier?.rates.external.threshold, 0),
    host_statuses: hosts.map(hostStatus),
    ...percent('local_origin_success_rate_ejection_threshold', outlier?.rates.local.threshold, 0),
    circuit_breakers: {
      thresholds: PRIORITIES.map((priority) => ({
        ...(priority === 'HIGH' && { priority }),
        ...Object.fromEntries(LIMITS.map(([limit, read]) => [limit, read(breakers[priority])])),
      })),
    },
    observability_name: observabilityName(config),
    ...(config.edsName !== '' && { eds_service_name: config.edsName }),
  }));

/** A rate that is known; thresholds of 0 and below count as not known. */
const percent = (field: string, value = -1, above = -1): object =>
  value > above ? { [field]: value === 0 ? {} : { value } } : {};

const GAUGES = new Set(['cx_active', 'rq_active', 'rq_pending_active']);

function hostStatus(host: Host): object {
  const { endpoint } = host;
  const [region = '', zone = '', sub_zone = ''] = endpoint.locality.key.split('/');
  return {
    address: { socket_address: { address: host.address.ip, port_value: host.address.port } },
    stats: Object.entries(hostFigures(host))
      .sort(([a], [b]) => Number(GAUGES.has(a)) - Number(GAUGES.has(b)))
      .map(([name, value]) => ({
        ...(GAUGES.has(name) && { type: 'GAUGE' }),
        name,
        ...(value > 0 && { value: String(value) }),
      })),
    health_status: healthStatus(host),
    ...percent('success_rate', host.rates.external.shown),
    weight: host.weight,
    ...(endpoint.hostname !== '' && { hostname: endpoint.hostname }),
    ...(endpoint.priority > 0 && { priority: endpoint.priority }),
    ...percent('local_origin_success_rate', host.rates.local.shown),
    locality: { ...(region && { region }), ...(zone && { zone }), ...(sub_zone && { sub_zone }) },
  };
}

function healthStatus(host: Host): object {
  const { healthy, degraded, draining } = host.endpoint;
  return {
    ...(host.failedCheck && { failed_active_health_check: true }),
    ...(host.ejected && { failed_outlier_check: true }),
    ...(host.degradedByCheck && { failed_active_degraded_check: true }),
    ...(host.pendingRemoval && { pending_dynamic_removal: true }),
    ...(host.awaitsFirstCheck && { pending_active_hc: true }),
    ...(host.excludedByItself && { excluded_via_immediate_hc_fail: true }),
    ...(host.checkTimedOut && { active_hc_timeout: true }),
    ...(host.degradedByItself && { failed_degraded_outlier_detection: true }),
    eds_health_status: draining ? 'DRAINING' : degraded ? 'DEGRADED' : healthy ? 'HEALTHY' : 'UNHEALTHY',
  };
}
