import type { Host } from '../host.ts';

/** A host's share of all traffic; the shares of a list add up to 1. */
export interface WeightedHost {
  readonly host: Host;
  readonly share: number;
}

/**
 * Shares by the hosts' weights; where localities are weighted, first by the locality's weight, then by the host's within it. Empty where no
 * locality has a weight.
 * Source: thread_aware_lb_impl.cc (normalizeWeights).
 */
export function normalizeWeights(hosts: readonly Host[], byLocality: boolean): readonly WeightedHost[] {
  if (!byLocality) {
    const total = hosts.reduce((sum, { endpoint }) => sum + endpoint.weight, 0);
    return hosts.map((host) => ({ host, share: host.endpoint.weight / total }));
  }
  const weighted = byPlace(hosts).filter(([first]) => (first?.endpoint.locality.weight ?? 0) > 0);
  const total = weighted.reduce((sum, [first]) => sum + (first?.endpoint.locality.weight ?? 0), 0);
  return weighted.flatMap((members) => {
    const part = (members[0]?.endpoint.locality.weight ?? 0) / total;
    const within = members.reduce((sum, { endpoint }) => sum + endpoint.weight, 0);
    return members.map((host) => ({ host, share: (part * host.endpoint.weight) / within }));
  });
}

/** Hosts by their localities, which stand in the order of their names. */
export function byPlace(hosts: readonly Host[]): readonly (readonly Host[])[] {
  const localities = [...Map.groupBy(hosts, ({ endpoint }) => endpoint.locality.key)];
  return localities.sort(([a], [b]) => comparePlaces(a, b)).map(([, members]) => members);
}

function comparePlaces(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  for (const [i, part] of left.entries()) {
    const other = right[i] ?? '';
    if (part !== other) return part < other ? -1 : 1;
  }
  return 0;
}
