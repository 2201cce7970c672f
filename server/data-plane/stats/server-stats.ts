import type { Clock } from '#domain';
import type { TypeUrl, XdsUpdate } from '#xds';
import { typeUrls } from '#xds';
import type { ConfigStore } from '../config/config-store.ts';
import type { Stats } from './stats.ts';

export interface ServerStatsOptions {
  readonly stats: Stats;
  readonly clock: Clock;
  readonly store: ConfigStore;
  readonly ready: () => boolean;
}

/** What Envoy calls each type's subscription. RDS and EDS have one for each resource there; here they are counted together. */
const SUBSCRIPTIONS: Readonly<Partial<Record<TypeUrl, string>>> = {
  [typeUrls.cluster]: 'cluster_manager.cds',
  [typeUrls.listener]: 'listener_manager.lds',
  [typeUrls.route]: 'rds',
  [typeUrls.endpoint]: 'eds',
};

/** Figures of the proxy as a whole: `server.*`, its managers, its control plane. */
export class ServerStats {
  readonly #stats: Stats;
  #connected = 0;

  constructor({ stats, clock, store, ready }: ServerStatsOptions) {
    this.#stats = stats;
    const startedAt = clock.monotonic();
    stats.gauge('server.live', () => (ready() ? 1 : 0));
    stats.gauge('server.state', () => (ready() ? 0 : 2));
    stats.gauge('server.uptime', () => Math.floor((clock.monotonic() - startedAt) / 1000));
    stats.gauge('cluster_manager.active_clusters', () => store.clusters.size);
    stats.gauge('cluster_manager.warming_clusters', () => store.warmingClusters.size);
    stats.gauge('listener_manager.total_listeners_active', () => store.listeners.size);
    stats.gauge('listener_manager.total_listeners_warming', () => store.warmingListeners.size);
    stats.gauge('control_plane.connected_state', () => this.#connected);
  }

  connection(status: 'connected' | 'disconnected'): void {
    this.#connected = status === 'connected' ? 1 : 0;
  }

  update({ typeUrl }: XdsUpdate, rejected: number): void {
    const prefix = SUBSCRIPTIONS[typeUrl];
    if (prefix === undefined) return;
    this.#stats.stat(`${prefix}.update_attempt`).value++;
    this.#stats.stat(`${prefix}.${rejected > 0 ? 'update_rejected' : 'update_success'}`).value++;
  }
}
