import type { LocalityLbEndpoints } from '#xds';
import type { LocalityLbSetting } from '../snapshot/istio-types.ts';
import type { Locality } from '../snapshot/workloads.ts';

export interface LocalityInput {
  readonly client: Locality;
  readonly setting: LocalityLbSetting | undefined;
  /** Whether outlier detection is on: without it nobody would ever be found unhealthy, and failover has no effect. */
  readonly failover: boolean;
}

/**
 * Locality load balancing: shares of traffic where `distribute` names the client's locality, else priorities by nearness.
 * Source: loadbalancer.go in istio pilot.
 */
export function applyLocality(groups: readonly LocalityLbEndpoints[], input: LocalityInput): LocalityLbEndpoints[] {
  const { client, setting } = input;
  if (setting?.enabled === false || client.region === '') return [...groups];
  const shares = setting?.distribute?.find(({ from }) => localityMatches(client, from));
  if (shares !== undefined) return distribute(groups, shares.to);
  if (!input.failover || (setting?.distribute ?? []).length > 0) return [...groups];
  return prioritise(groups, client, setting?.failover ?? []);
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
    const weight = weights.get(index) ?? 0;
    return weight > 0 ? { ...group, load_balancing_weight: weight } : { ...group, lb_endpoints: [] };
  });
}

/** Priority 0 for the nearest localities that exist, 1 for the next nearest, without gaps. */
function prioritise(
  groups: readonly LocalityLbEndpoints[],
  client: Locality,
  failover: NonNullable<LocalityLbSetting['failover']>,
): LocalityLbEndpoints[] {
  const distances = groups.map((group) => distance(client, localityOf(group), failover));
  const order = [...new Set(distances)].sort((a, b) => a - b);
  return groups.map((group, i) => {
    const priority = order.indexOf(distances[i] ?? 0);
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
