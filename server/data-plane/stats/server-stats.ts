import type { Clock } from '#domain';
import type { TypeUrl, XdsUpdate } from '#xds';
import { typeUrls } from '#xds';
import type { ConfigStore } from '../config/config-store.ts';
import { SERVER_NAMES } from './declared-names.ts';
import type { Stats } from './stats.ts';

export interface ServerStatsOptions {
  readonly stats: Stats;
  readonly clock: Clock;
  readonly store: ConfigStore;
  readonly ready: () => boolean;
  /** Whether `/healthcheck/fail` was asked for last. */
  readonly healthFailed: () => boolean;
}

/** What Envoy shows of each subscription from its start. */
const SUBSCRIBED = ['init_fetch_timeout', 'update_attempt', 'update_failure', 'update_rejected', 'update_success'];

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
  readonly #store: ConfigStore;
  #connected = 0;

  constructor({ stats, clock, store, ready, healthFailed }: ServerStatsOptions) {
    this.#stats = stats;
    this.#store = store;
    const startedAt = clock.monotonic();
    // Source: envoy.admin.v3.ServerInfo.State.
    const state = (): number => (healthFailed() ? 1 : 0);
    stats.gauge('server.live', () => (ready() && !healthFailed() ? 1 : 0));
    stats.gauge('server.state', () => (ready() ? state() : 2));
    stats.declare('', SERVER_NAMES);
    for (const prefix of ['cluster_manager.cds.', 'listener_manager.lds.']) stats.declare(prefix, SUBSCRIBED);
    stats.gauge('server.uptime', () => Math.floor((clock.monotonic() - startedAt) / 1000));
    stats.gauge('server.hot_restart_generation', () => 1);
    // As on the page `/memory`: all proxies of a mesh share one heap.
    stats.gauge('server.memory_allocated', () => process.memoryUsage().heapUsed);
    stats.gauge('server.memory_heap_size', () => process.memoryUsage().heapTotal);
    stats.gauge('server.memory_physical_size', () => process.memoryUsage.rss());
    stats.gauge('cluster_manager.active_clusters', () => store.clusters.size);
    stats.gauge('cluster_manager.warming_clusters', () => store.warmingClusters.size);
    stats.gauge('listener_manager.total_listeners_active', () => store.listeners.size);
    stats.gauge('listener_manager.total_listeners_warming', () => store.warmingListeners.size);
    stats.gauge('control_plane.connected_state', () => this.#connected);
  }

  /** Versions of the last updates, as text. */
  readouts(): ReadonlyMap<string, string> {
    const named = (['cluster', 'listener'] as const).map((kind) => {
      const version = this.#store.versions.get(typeUrls[kind]) ?? '';
      return [`${SUBSCRIPTIONS[typeUrls[kind]]}.version_text`, version] as const;
    });
    return new Map(named);
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
