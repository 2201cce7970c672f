import type { Any } from '#xds';
import type { MeshConfig } from '../../doors.ts';
import { compareText } from '../../snapshot/config.ts';
import type { Metrics, MetricsOverride, Telemetry } from '../../snapshot/telemetries.ts';
import type { LogMode } from './access-logging.ts';

/** Istio's metrics by the names that Telemetry has for them. */
const PROMETHEUS_NAMES: Readonly<Record<string, string>> = {
  GRPC_REQUEST_MESSAGES: 'request_messages_total',
  GRPC_RESPONSE_MESSAGES: 'response_messages_total',
  REQUEST_COUNT: 'requests_total',
  REQUEST_DURATION: 'request_duration_milliseconds',
  REQUEST_SIZE: 'request_bytes',
  RESPONSE_SIZE: 'response_bytes',
  TCP_CLOSED_CONNECTIONS: 'tcp_connections_closed_total',
  TCP_OPENED_CONNECTIONS: 'tcp_connections_opened_total',
  TCP_RECEIVED_BYTES: 'tcp_received_bytes_total',
  TCP_SENT_BYTES: 'tcp_sent_bytes_total',
};

/** The filter that counts in Istio's metrics; it stands both among network and among HTTP filters. */
export interface StatsFilter {
  readonly name: 'istio.stats';
  readonly typed_config: Any;
}

interface Change {
  disabled?: boolean;
  readonly tags: Map<string, string | undefined>;
}

/** What all entries together say of one provider on one side. */
interface Wish {
  allOff: boolean;
  interval: string | undefined;
  readonly metrics: Map<string, Change>;
}

/**
 * The statistics filters that Telemetry and the mesh's default providers ask for on one side, one for each Prometheus provider.
 * Source: mergeMetrics and generateStatsConfig in istio pilot.
 */
export function statsFilters(
  mesh: MeshConfig,
  telemetries: readonly Telemetry[],
  { mode, hostFallback }: { readonly mode: LogMode; readonly hostFallback: boolean },
): StatsFilter[] {
  const entries = telemetries.flatMap(({ spec }) => spec.metrics ?? []);
  return [...wishes(entries, mesh.defaultProviders['metrics'] ?? [], mode)]
    .sort(([a], [b]) => compareText(a, b))
    .filter(([name, { allOff }]) => !allOff && isPrometheus(mesh, name))
    .map(([, wish]) => ({
      name: 'istio.stats',
      typed_config: {
        '@type': 'type.googleapis.com/stats.PluginConfig',
        ...(!hostFallback && { disable_host_header_fallback: true }),
        ...(wish.interval !== undefined && { tcp_reporting_duration: wish.interval }),
        ...(wish.metrics.size > 0 && { metrics: metricConfigs(wish.metrics) }),
      },
    }));
}

/** Istio has this provider without being told. */
const BUILT_IN = 'prometheus';

function isPrometheus(mesh: MeshConfig, name: string): boolean {
  const named = mesh.extensionProviders.find((each) => each.name.toLowerCase() === name.toLowerCase());
  return named === undefined ? name.toLowerCase() === BUILT_IN : named['prometheus'] !== undefined;
}

function wishes(entries: readonly Metrics[], defaults: readonly string[], mode: LogMode): Map<string, Wish> {
  const found = new Map<string, Wish>();
  const wishOf = (name: string): Wish => {
    const wish = found.get(name) ?? { allOff: false, interval: undefined, metrics: new Map() };
    found.set(name, wish);
    return wish;
  };
  if (entries.length === 0) for (const name of defaults) wishOf(name);
  // The last entry that names providers says which are in force at all.
  const inForce = entries.map(namesOf).findLast((names) => names.length > 0) ?? defaults;
  let inherited = defaults;
  for (const entry of entries) {
    const named = namesOf(entry);
    if (named.length > 0) inherited = named;
    for (const name of inherited) {
      if (!inForce.includes(name)) continue;
      const wish = wishOf(name);
      wish.interval = entry.reportingInterval ?? wish.interval;
      for (const override of entry.overrides ?? []) if (applies(override, mode)) apply(override, wish);
    }
  }
  return found;
}

const namesOf = ({ providers }: Metrics): string[] => (providers ?? []).map(({ name }) => name ?? '');

function applies({ match }: MetricsOverride, mode: LogMode): boolean {
  const wanted = match?.mode ?? 'CLIENT_AND_SERVER';
  return wanted === 'CLIENT_AND_SERVER' || wanted === mode;
}

function apply({ match, disabled, tagOverrides }: MetricsOverride, wish: Wish): void {
  const all = match?.customMetric === undefined && (match?.metric ?? 'ALL_METRICS') === 'ALL_METRICS';
  wish.allOff = all && disabled === true;
  if (wish.allOff) return;
  for (const name of all ? Object.keys(PROMETHEUS_NAMES) : [match?.customMetric ?? match?.metric ?? '']) {
    const change: Change = wish.metrics.get(name) ?? { tags: new Map() };
    if (disabled !== undefined) change.disabled = disabled;
    for (const [tag, { operation, value = '' }] of Object.entries(tagOverrides ?? {})) {
      change.tags.set(tag, operation === 'REMOVE' ? undefined : value);
    }
    wish.metrics.set(name, change);
  }
}

const metricConfigs = (metrics: ReadonlyMap<string, Change>) =>
  [...metrics]
    .sort(([a], [b]) => compareText(a, b))
    .map(([name, { disabled, tags }]) => {
      const sorted = [...tags].sort(([a], [b]) => compareText(a, b));
      const removed = sorted.flatMap(([tag, value]) => (value === undefined ? [tag] : []));
      const set = sorted.filter(([, value]) => value !== undefined);
      return {
        ...(set.length > 0 && { dimensions: Object.fromEntries(set) }),
        name: PROMETHEUS_NAMES[name] ?? name,
        ...(removed.length > 0 && { tags_to_remove: removed }),
        ...(disabled === true && { drop: true }),
      };
    });
