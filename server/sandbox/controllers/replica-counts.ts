import type { DeploymentSpec, ReplicaSetObject } from '../kube-types.ts';

export const DESIRED = 'deployment.kubernetes.io/desired-replicas';
export const MAXIMUM = 'deployment.kubernetes.io/max-replicas';

export const replicasOf = (set: ReplicaSetObject): number => set.spec.replicas ?? 1;
export const podsOf = (set: ReplicaSetObject): number => set.status?.replicas ?? 0;
export const readyOf = (set: ReplicaSetObject): number => set.status?.readyReplicas ?? 0;
export const availableOf = (set: ReplicaSetObject): number => set.status?.availableReplicas ?? 0;
export const sum = (sets: readonly ReplicaSetObject[], of: (set: ReplicaSetObject) => number): number =>
  sets.reduce((total, set) => total + of(set), 0);

/** How many pods a rollout may have beyond the wanted number, and how many of these may be missing. */
export interface Latitude {
  readonly surge: number;
  readonly unavailable: number;
}

/** Percentages are of the wanted number: surge rounds up, unavailability down; both zero would never move, so one may be missing. */
export function latitude({ strategy, replicas = 1 }: DeploymentSpec): Latitude {
  if (strategy?.type === 'Recreate') return { surge: 0, unavailable: replicas };
  const { maxSurge = '25%', maxUnavailable = '25%' } = strategy?.rollingUpdate ?? {};
  const surge = share(maxSurge, replicas, Math.ceil);
  const unavailable = Math.min(replicas, share(maxUnavailable, replicas, Math.floor));
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

/** A number of pods, or a percentage of so many. */
export function share(value: number | string, of: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value;
  return value.endsWith('%') ? round((of * Number.parseFloat(value)) / 100) : Number(value);
}

/**
 * What each set gets when the wanted number changes in the middle of a rollout: the difference is shared in proportion to what each has,
 * the largest first, the rest to the first.
 */
export function proportional(
  sets: readonly ReplicaSetObject[],
  allowed: number,
): ReadonlyMap<ReplicaSetObject, number> {
  const total = sum(sets, replicasOf);
  const add = allowed - total;
  const shares = new Map(sets.map((set) => [set, replicasOf(set)]));
  if (add === 0 || total === 0) return shares;
  const bySize = sets.toSorted((a, b) => replicasOf(b) - replicasOf(a));
  let left = add;
  for (const set of bySize) {
    const wanted = Math.round((replicasOf(set) * allowed) / total) - replicasOf(set);
    const given = add > 0 ? Math.min(wanted, left) : Math.max(wanted, left);
    shares.set(set, Math.max(0, replicasOf(set) + given));
    left -= given;
  }
  const [first] = bySize;
  if (first !== undefined && left !== 0) shares.set(first, Math.max(0, (shares.get(first) ?? 0) + left));
  return shares;
}
