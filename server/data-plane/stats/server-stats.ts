import type { Clock } from '#domain';
import type { Rejection, TypeUrl, XdsUpdate } from '#xds';
import { typeUrls } from '#xds';
import type { ConfigStore } from '../config/config-store.ts';
import type { ProxySecret } from '../doors.ts';
import { HTTP1_NAMES, SERVER_NAMES } from './declared-names.ts';
import { declareRouteFigures } from './route-figures.ts';
import type { Stats } from './stats.ts';
import { routesOf, SubscriptionStats } from './subscription-stats.ts';

export interface ServerStatsOptions {
  readonly stats: Stats;
  readonly clock: Clock;
  readonly store: ConfigStore;
  readonly ready: () => boolean;
  /** Whether `/healthcheck/fail` was asked for last. */
  readonly healthFailed: () => boolean;
  /** Certificates in force; before the first there is nothing to count. */
  readonly secrets: () => readonly Pick<ProxySecret, 'notAfter'>[];
}

const READOUTS = { 'cluster_manager.cds': typeUrls.cluster, 'listener_manager.lds': typeUrls.listener } as const;

/** What managers call the things they hold. */
const MANAGED: Readonly<Partial<Record<TypeUrl, string>>> = {
  [typeUrls.cluster]: 'cluster_manager.cluster',
  [typeUrls.listener]: 'listener_manager.listener',
};

/** Figures of the proxy as a whole: `server.*`, its managers, its control plane. */
export class ServerStats {
  readonly #stats: Stats;
  readonly #store: ConfigStore;
  readonly #clock: Clock;
  readonly #subscriptions = new SubscriptionStats();
  /** Names that were sent before and are held, by type. */
  readonly #known = new Map<TypeUrl, Set<string>>();
  readonly #startedAt: number;
  #connected = 0;

  constructor({ stats, clock, store, ready, healthFailed, secrets }: ServerStatsOptions) {
    this.#stats = stats;
    this.#store = store;
    this.#clock = clock;
    const startedAt = clock.monotonic();
    this.#startedAt = startedAt;
    // Source: envoy.admin.v3.ServerInfo.State.
    const state = (): number => (healthFailed() ? 1 : 0);
    stats.gauge('server.live', () => (ready() && !healthFailed() ? 1 : 0));
    stats.gauge('server.state', () => (ready() ? state() : 2));
    stats.declare('', SERVER_NAMES);
    // Of Envoy's admin port, too.
    stats.declare('http1.', HTTP1_NAMES);
    stats.derive(() => this.#subscriptions.values(store));
    stats.gauge('server.concurrency', () => 1);
    stats.gauge('listener_manager.workers_started', () => 1);
    stats.gauge('server.days_until_first_cert_expiring', () => daysLeft(secrets(), clock.now()));
    stats.gauge('server.uptime', () => Math.floor((clock.monotonic() - startedAt) / 1000));
    // As on the page `/memory`: all proxies of a mesh share one heap.
    stats.gauge('server.memory_allocated', () => process.memoryUsage().heapUsed);
    stats.gauge('server.memory_heap_size', () => process.memoryUsage().heapTotal);
    stats.gauge('server.memory_physical_size', () => process.memoryUsage.rss());
    stats.gauge('cluster_manager.active_clusters', () => store.clusters.size);
    for (const thread of ['main_thread', 'worker_0'])
      stats.gauge(`thread_local_cluster_manager.${thread}.clusters_inflated`, () => store.clusters.size);
    stats.gauge('cluster_manager.warming_clusters', () => store.warmingClusters.size);
    stats.gauge('listener_manager.total_listeners_active', () => store.listeners.size);
    stats.gauge('listener_manager.total_listeners_warming', () => store.warmingListeners.size);
    stats.gauge('control_plane.connected_state', () => this.#connected);
  }

  /** Versions of what is in force, as text. */
  readouts(): ReadonlyMap<string, string> {
    const named = Object.entries(READOUTS).map(
      ([prefix, typeUrl]) => [`${prefix}.version_text`, this.#store.versions.get(typeUrl) ?? ''] as const,
    );
    const routes = [...this.#store.listeners.values()].flatMap((listener) =>
      routesOf(listener).map(
        ({ statPrefix, name }) =>
          [`http.${statPrefix}.rds.${name}.version_text`, this.#store.routes.get(name)?.versionInfo ?? ''] as const,
      ),
    );
    const endpoints = [...this.#store.clusters.values()].flatMap(({ type, name, edsName }) =>
      type === 'EDS'
        ? [[`cluster.${name}.version_text`, this.#store.endpoints.get(edsName)?.versionInfo ?? ''] as const]
        : [],
    );
    return new Map([...named, ...routes, ...endpoints]);
  }

  /** The proxy serves for the first time. */
  started(): void {
    const tookMs = this.#clock.monotonic() - this.#startedAt;
    this.#stats.histogram('server.initialization_time_ms').record(tookMs);
  }

  connection(status: 'connected' | 'disconnected'): void {
    this.#connected = status === 'connected' ? 1 : 0;
    if (status === 'disconnected') this.#subscriptions.lose();
  }

  update(update: XdsUpdate, rejections: readonly Rejection[]): void {
    this.#subscriptions.note(update, rejections, this.#clock.now());
    const managed = MANAGED[update.typeUrl];
    if (managed !== undefined) this.#countChanges(managed, update, rejections);
    if (update.typeUrl !== typeUrls.route) return;
    for (const { name } of update.upserted) {
      const table = this.#store.routes.get(name);
      if (table !== undefined) declareRouteFigures(this.#stats, table);
    }
  }

  #countChanges(managed: string, { typeUrl, upserted, removed }: XdsUpdate, rejections: readonly Rejection[]): void {
    const known = this.#known.get(typeUrl) ?? new Set();
    this.#known.set(typeUrl, known);
    const count = (what: string): number => this.#stats.stat(`${managed}_${what}`).value++;
    const refused = new Set(rejections.map(({ name }) => name));
    for (const { name } of upserted) {
      if (refused.has(name)) continue;
      count(known.has(name) ? 'modified' : 'added');
      if (typeUrl === typeUrls.listener) count('create_success');
      known.add(name);
    }
    for (const name of removed) if (known.delete(name)) count('removed');
  }
}

const DAY_MS = 86_400_000;

/** Envoy's figure of a proxy without certificates. */
const NO_CERTIFICATE = 2 ** 32 - 1;

/** Whole days until the first certificate is out of force. */
const daysLeft = (secrets: readonly Pick<ProxySecret, 'notAfter'>[], now: number): number =>
  secrets.length === 0
    ? NO_CERTIFICATE
    : Math.max(0, Math.floor(Math.min(...secrets.map(({ notAfter }) => Date.parse(notAfter) - now)) / DAY_MS));
