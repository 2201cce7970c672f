import type { LbEndpoint, LocalityLbEndpoints } from '#xds';
import type { MeshConfig } from '../../doors.ts';
import type { Endpoint } from '../../snapshot/endpoints.ts';
import type { LoadBalancerSettings, LocalityLbSetting, ZoneAwareLbSetting } from '../../snapshot/istio-types.ts';
import type { Service } from '../../snapshot/services.ts';
import type { Locality } from '../../snapshot/workloads.ts';
import { percentOf } from './connection-pool.ts';

/** The endpoints of one locality, as they are sent and as the mesh knows them, in the same order. */
export interface LocalityGroup {
  readonly llb: LocalityLbEndpoints;
  readonly endpoints: readonly Endpoint[];
}

/** By which rule a service's endpoints are preferred. */
export interface EffectiveLocality {
  readonly setting: LocalityLbSetting;
  readonly zoneAware: ZoneAwareLbSetting | undefined;
  /** Failover acts also without outlier detection. */
  readonly force: boolean;
}

const NETWORK = 'topology.istio.io/network';
const BY_ZONE = [NETWORK, 'topology.kubernetes.io/region', 'topology.kubernetes.io/zone'];
const BY_NODE = [...BY_ZONE, 'topology.istio.io/subzone', 'kubernetes.io/hostname'];

/**
 * The rule's own setting, else the service's traffic distribution, else the mesh's; undefined where it is switched off.
 * Source: GetEffectiveLbSetting in istio pilot.
 */
export function effectiveLocality(
  mesh: MeshConfig,
  settings: LoadBalancerSettings | undefined,
  { trafficDistribution }: Pick<Service, 'trafficDistribution'>,
): EffectiveLocality | undefined {
  const own = settings?.localityLbSetting;
  const zoneAware = settings?.zoneAwareLbSetting;
  if (zoneAware !== undefined) return byZones(zoneAware);
  if (own !== undefined)
    return own.enabled === false ? undefined : { setting: own, zoneAware: undefined, force: false };
  if (trafficDistribution !== 'Any') {
    const failoverPriority = trafficDistribution === 'PreferSameZone' ? BY_ZONE : BY_NODE;
    return { setting: { failoverPriority }, zoneAware: undefined, force: true };
  }
  if (mesh.zoneAwareLbSetting !== undefined) return byZones(mesh.zoneAwareLbSetting);
  const general = mesh.localityLbSetting ?? {};
  return general.enabled === false ? undefined : { setting: general, zoneAware: undefined, force: false };
}

const byZones = (zoneAware: ZoneAwareLbSetting): EffectiveLocality => ({
  setting: {},
  zoneAware,
  force: zoneAware.enabled !== false,
});

/** The cluster's part: whether it weighs localities, or balances by zone. */
export function isLocalityWeighted(
  locality: EffectiveLocality | undefined,
  hasOutlierDetection: boolean,
): Record<string, unknown> {
  if (locality === undefined) return {};
  const { setting, zoneAware, force } = locality;
  if (zoneAware !== undefined) {
    const size = zoneAware.minClusterSize;
    return {
      zone_aware_lb_config: {
        ...(zoneAware.enabled === false && { routing_enabled: percentOf(0) }),
        ...(size !== undefined && { min_cluster_size: String(size) }),
      },
    };
  }
  const fails = (force || hasOutlierDetection) && (setting.failover ?? setting.failoverPriority) !== undefined;
  return fails || setting.distribute !== undefined ? { locality_weighted_lb_config: {} } : {};
}

export interface LocalityInput {
  readonly client: Locality;
  readonly clientLabels: Readonly<Record<string, string>>;
  readonly locality: EffectiveLocality | undefined;
  /** Without it nobody would ever be found unhealthy, and failover has no effect. */
  readonly hasOutlierDetection: boolean;
}

/**
 * Locality load balancing: shares of traffic where `distribute` names the client's locality, else priorities by the labels or places that
 * client and endpoint have in common. Source: loadbalancer.go in istio pilot.
 */
export function applyLocality(groups: readonly LocalityGroup[], input: LocalityInput): LocalityLbEndpoints[] {
  const plain = groups.map(({ llb }) => llb);
  const { client, clientLabels, locality, hasOutlierDetection } = input;
  if (locality === undefined) return plain;
  const { setting, zoneAware, force } = locality;
  if (zoneAware !== undefined) return zoneAware.enabled === false ? plain : byZone(groups, input, zoneAware);
  if (setting.distribute !== undefined) {
    const shares = setting.distribute.find(({ from }) => localityMatches(client, from));
    return shares === undefined ? plain : distribute(plain, shares.to);
  }
  if (!force && !hasOutlierDetection) return plain;
  const labels = setting.failoverPriority ?? [];
  if (labels.length === 0) return prioritise(plain, 5, (each) => distance(client, each, setting.failover ?? []));
  const byLabels = splitByLabels(groups, clientLabels, labels);
  if ((setting.failover ?? []).length === 0) return byLabels;
  return prioritise(byLabels, 5, (each) => distance(client, each, setting.failover ?? []));
}

function byZone(
  groups: readonly LocalityGroup[],
  { client, clientLabels }: LocalityInput,
  { failover = [], failoverPriority = [] }: ZoneAwareLbSetting,
): LocalityLbEndpoints[] {
  const first =
    failoverPriority.length > 0 ? splitByLabels(groups, clientLabels, failoverPriority) : groups.map(({ llb }) => llb);
  const rule = failover.find(({ from }) => from === client.region);
  return prioritise(first, 3, ({ region }) => (region === client.region ? 0 : region === rule?.to ? 1 : 2));
}

/** Whether a locality lies in `region/zone/subzone`, in which `*` stands for any rest. */
function localityMatches(locality: Locality, rule: string): boolean {
  const [region, zone, subZone] = rule.split('/');
  const fits = (wanted: string | undefined, actual: string): boolean =>
    wanted === undefined || wanted === '*' || wanted === actual;
  return fits(region, locality.region) && fits(zone, locality.zone) && fits(subZone, locality.subZone);
}

const localityOf = ({ locality }: LocalityLbEndpoints): Locality => ({
  region: locality?.region ?? '',
  zone: locality?.zone ?? '',
  subZone: locality?.sub_zone ?? '',
});

/** Gives each listed locality its share, split by endpoint counts where a rule covers several; the others lose their endpoints. */
function distribute(
  groups: readonly LocalityLbEndpoints[],
  to: Readonly<Record<string, number>>,
): LocalityLbEndpoints[] {
  const weights = new Map<number, number>();
  for (const [rule, share] of Object.entries(to)) {
    const covered = groups
      .map((group, index) => ({ group, index }))
      .filter(({ group, index }) => !weights.has(index) && localityMatches(localityOf(group), rule));
    const total = covered.reduce((sum, { group }) => sum + (group.load_balancing_weight ?? 1), 0);
    for (const { group, index } of covered) {
      weights.set(index, Math.ceil(((group.load_balancing_weight ?? 1) * share) / total));
    }
  }
  return groups.map((group, index) => {
    const weight = weights.get(index);
    if (weight === undefined) {
      const { lb_endpoints: _, ...rest } = group;
      return rest;
    }
    return weight > 0 ? { ...group, load_balancing_weight: weight } : group;
  });
}

/** Priorities without gaps; where groups have one already, the nearness orders those of equal priority. */
function prioritise(
  groups: readonly LocalityLbEndpoints[],
  steps: number,
  nearness: (locality: Locality) => number,
): LocalityLbEndpoints[] {
  return compact(
    groups.map((group) => ({ ...group, priority: (group.priority ?? 0) * steps + nearness(localityOf(group)) })),
  );
}

/** Numbers the priorities that occur from 0 on; 0 is not written. */
function compact(groups: readonly LocalityLbEndpoints[]): LocalityLbEndpoints[] {
  const order = [...new Set(groups.map(({ priority = 0 }) => priority))].sort((a, b) => a - b);
  return groups.map(({ priority: given = 0, ...group }) => {
    const priority = order.indexOf(given);
    return priority === 0 ? group : { ...group, priority };
  });
}

function distance(client: Locality, locality: Locality, failover: NonNullable<LocalityLbSetting['failover']>): number {
  if (client.region === locality.region) {
    if (client.zone !== locality.zone) return 2;
    return client.subZone === locality.subZone ? 0 : 1;
  }
  const rule = failover.find(({ from }) => from === client.region);
  return rule === undefined || rule.to === locality.region ? 3 : 4;
}

/**
 * Splits each locality by how many of the labels, from the first on, an endpoint shares with the client: all of them is best.
 * `label=value` fixes the client's side. A foreign network makes the whole row worse, but the others count still.
 */
function splitByLabels(
  groups: readonly LocalityGroup[],
  clientLabels: Readonly<Record<string, string>>,
  priorities: readonly string[],
): LocalityLbEndpoints[] {
  if (Object.keys(clientLabels).length === 0) return groups.map(({ llb }) => llb);
  const wanted = priorities.map((entry) => {
    const [label = '', value, more] = entry.split('=');
    return { label, value: value !== undefined && more === undefined ? value : (clientLabels[label] ?? '') };
  });
  const skipsNetwork = priorities[0] === NETWORK;
  const priorityOf = ({ workload }: Endpoint): number => {
    const differs = wanted.map(({ label, value }) => (workload.labels[label] ?? '') !== value);
    const away = skipsNetwork && differs[0] === true ? priorities.length : 0;
    const first = differs.findIndex((each, i) => each && !(i === 0 && skipsNetwork));
    return away + (first < 0 ? 0 : priorities.length - first);
  };
  return compact(groups.flatMap((group) => splitGroup(group, priorityOf)));
}

function splitGroup(
  { llb, endpoints }: LocalityGroup,
  priorityOf: (endpoint: Endpoint) => number,
): LocalityLbEndpoints[] {
  const parts = new Map<number, LbEndpoint[]>();
  for (const [i, endpoint] of endpoints.entries()) {
    const sent = llb.lb_endpoints?.[i];
    if (sent === undefined) continue;
    const priority = priorityOf(endpoint);
    parts.set(priority, [...(parts.get(priority) ?? []), sent]);
  }
  return [...parts]
    .sort(([a], [b]) => a - b)
    .map(([priority, lb_endpoints]) => ({
      ...llb,
      lb_endpoints,
      load_balancing_weight: lb_endpoints.reduce((sum, each) => sum + (each.load_balancing_weight ?? 1), 0),
      priority,
    }));
}
