import type { Cluster, Listener } from '#xds';
import type { PatchContext } from '../../snapshot/envoy-filters.ts';
import type { MeshSnapshot } from '../../snapshot/mesh-snapshot.ts';
import type { ProxyView } from '../proxy-view.ts';
import type { ConfigResources } from '../resources.ts';
import { tableNames } from '../table-names.ts';
import { addedClusters, isSpecific, patchCluster } from './cluster-patches.ts';
import { isVirtual, patchListener } from './listener-patches.ts';
import { type PatchSet, patchesFor, patchesTo } from './patches.ts';
import { patchRouteConfiguration, type RoutePatchContext } from './route-patches.ts';
import { wholeListener } from './whole-messages.ts';

/** Which half of a sidecar's configuration is patched; a gateway has one only. */
export type PatchedSide = 'inbound' | 'outbound';

/** Applies the EnvoyFilters that select a proxy to what was generated for it. Without any, the same resources come back. */
export function applyEnvoyFilters(
  resources: ConfigResources,
  { snapshot, proxy, side }: { readonly snapshot: MeshSnapshot; readonly proxy: ProxyView; readonly side: PatchedSide },
): ConfigResources {
  if (snapshot.envoyFilters.length === 0 || proxy.role === 'grpc') return resources;
  const patches = patchesFor(snapshot, proxy);
  if (patches.size === 0) return resources;
  const servicePorts = portsOf(proxy);
  const contextOf = (inbound: boolean): PatchContext =>
    proxy.role === 'router' ? 'GATEWAY' : inbound ? 'SIDECAR_INBOUND' : 'SIDECAR_OUTBOUND';
  const own = contextOf(side === 'inbound');
  const routing: RoutePatchContext = { context: own, servicePorts };
  // Where istiod gives up at a patch, the rest of what it changes together stays as it is.
  const broken = new Set<string>();
  const listeners = resources.listeners.flatMap((listener) => {
    const context = contextOf(listener.traffic_direction === 'INBOUND');
    const together = isVirtual(listener) ? listener.name : context;
    if (broken.has(together)) return [listener];
    const patched = patchListener(listener, patches, { context, servicePorts });
    if (patched.broken) broken.add(together);
    return patched.listener ?? [];
  });
  const clusters = resources.clusters.flatMap((cluster) => {
    const inbound = cluster.name.startsWith('inbound|') || cluster.name === 'InboundPassthroughCluster';
    return patchCluster(cluster, patches, { context: contextOf(inbound), services: servicesOf(cluster) }) ?? [];
  });
  const served = [...listeners, ...(broken.has(own) ? [] : addedListeners(patches, own))];
  // A proxy asks for the tables that its listeners name: one whose listener a patch removed is never sent.
  const asked = new Set(tableNames(served));
  return {
    listeners: served,
    routes: resources.routes
      .filter(({ name }) => asked.has(name))
      .map((table) => patchRouteConfiguration(table, patches, routing)),
    clusters: [...clusters, ...addedClusters(patches, own)],
  };
}

/** Listeners for any context are added once, beside the outbound ones. One without a name counts as removed. */
const addedListeners = (patches: PatchSet, context: PatchContext): Listener[] =>
  patchesTo(patches, 'LISTENER', context)
    .filter(
      ({ operation, match }) => operation === 'ADD' && (isSpecific(match.context) || context !== 'SIDECAR_INBOUND'),
    )
    .filter(({ value }) => Boolean((value as Partial<Listener>).name))
    .map(({ value }) => wholeListener(value));

function portsOf({ targets }: ProxyView): ReadonlyMap<number, ReadonlySet<number>> {
  const ports = new Map<number, Set<number>>();
  for (const { port, targetPort } of targets) {
    const held = ports.get(targetPort) ?? new Set();
    held.add(port.port);
    ports.set(targetPort, held);
  }
  return ports;
}

function servicesOf({ metadata }: Cluster): string[] {
  const services = metadata?.filter_metadata?.['istio']?.['services'];
  return Array.isArray(services) ? services.map((service: { host?: unknown }) => String(service.host ?? '')) : [];
}
