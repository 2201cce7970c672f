import type { Clock, Timer } from '#domain';
import type { ClusterLoadAssignment } from '#xds';
import { durationMs } from '../config/values.ts';
import type { UpstreamCluster } from './cluster.ts';

/** Forgets hosts whose assignment was not sent again in the time that it names itself. Source: onAssignmentTimeout in eds.cc of Envoy. */
export class StaleAssignments {
  readonly #clock: Clock;
  /** By cluster. */
  readonly #timers = new Map<string, Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The cluster has an assignment with this policy from now on. */
  arrived(cluster: UpstreamCluster, policy: ClusterLoadAssignment['policy']): void {
    const { name, type } = cluster.config;
    this.forget(name);
    const afterMs = Math.trunc(durationMs(policy?.endpoint_stale_after, 'endpoint_stale_after', 0));
    if (type !== 'EDS' || afterMs === 0) return;
    cluster.stats.count('assignment_timeout_received');
    const expire = (): void => {
      this.#timers.delete(name);
      cluster.drops = undefined;
      cluster.setEndpoints([]);
      cluster.stats.count('assignment_stale');
    };
    this.#timers.set(name, this.#clock.after(afterMs, expire));
  }

  /** The cluster is gone. */
  forget(name: string): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }

  close(): void {
    for (const name of [...this.#timers.keys()]) this.forget(name);
  }
}
