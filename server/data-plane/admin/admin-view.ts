import type { AdsVariant, ProxyNode } from '#xds';
import type { SecretStore } from '../agent/secret-store.ts';
import type { ConfigStore } from '../config/config-store.ts';
import type { ProxyAdmin, ProxyEndpoint } from '../doors.ts';
import type { Stats } from '../stats/stats.ts';
import type { ClusterManager } from '../upstream/cluster-manager.ts';
import { configDump } from './config-dump.ts';
import { listSecrets } from './list-secrets.ts';
import type { UpdateLog } from './update-log.ts';

export interface AdminSources {
  readonly store: ConfigStore;
  readonly clusters: ClusterManager;
  readonly secrets: SecretStore;
  readonly stats: Stats;
  /** How the proxy introduces itself to the control plane. */
  readonly node: ProxyNode;
  readonly updates: UpdateLog;
  readonly podIp: string;
  /** `127.8.0.1:15010`. */
  readonly xdsAddress: string;
  readonly variant: AdsVariant;
  readonly localCluster: string | undefined;
  /** Clock.now(). */
  readonly startedAtMs: number;
}

/** The proxy's state as `istioctl proxy-config` and the admin port read it. */
export function createAdminView(sources: AdminSources): ProxyAdmin {
  const { store, clusters, secrets, stats } = sources;
  return {
    listeners: () => [...store.listeners.values()].map((listener) => listener.resource),
    routes: () => [...store.routes.values()].map((table) => table.resource),
    clusters: () => [...store.clusters.values()].map((cluster) => cluster.resource),
    endpoints: () => listEndpoints(clusters),
    secrets: () => listSecrets(sources),
    rotations: () => secrets.rotations(),
    configDump: () => configDump(sources),
    stats: () => stats.values(),
  };
}

function listEndpoints(clusters: ClusterManager): ProxyEndpoint[] {
  return clusters.all().flatMap((cluster) =>
    cluster.hosts.map((host) => ({
      cluster: cluster.config.name,
      address: host.address,
      healthy: host.endpoint.healthy,
      ejected: host.ejected,
      failedCheck: host.failedCheck,
      activeRequests: host.activeRequests,
    })),
  );
}
