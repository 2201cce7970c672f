import type { Cluster, ClusterLoadAssignment, Listener, ProxyNode, RouteConfiguration } from '#xds';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import type { Locality } from '../snapshot/workloads.ts';
import { blackHoleCluster, fallbackClusters, inboundClusters } from './clusters-inbound.ts';
import { outboundClusters } from './clusters-outbound.ts';
import { loadAssignment } from './endpoints.ts';
import { gatewayPorts } from './gateway-servers.ts';
import { grpcResources } from './grpc.ts';
import { gatewayListeners } from './listeners-gateway.ts';
import { inboundListener } from './listeners-inbound.ts';
import { outboundListeners } from './listeners-outbound.ts';
import { type ProxyView, viewProxy } from './proxy-view.ts';
import { createScope, type OutboundScope } from './scope.ts';
import { workloadPolicies } from './workload-policies.ts';

/** Listeners, route tables and clusters, in protobuf JSON. */
export interface ConfigResources {
  readonly listeners: readonly Listener[];
  readonly routes: readonly RouteConfiguration[];
  readonly clusters: readonly Cluster[];
}

/** Everything one proxy holds, in protobuf JSON. */
export interface ProxyResources extends ConfigResources {
  readonly endpoints: readonly ClusterLoadAssignment[];
}

/** What proxies of one role, namespace and (where it matters) label set share. */
export function sharedResources(scope: OutboundScope, proxy: ProxyView): ConfigResources {
  const { snapshot } = scope;
  switch (scope.role) {
    case 'grpc':
      return grpcResources(scope);
    case 'router':
      return {
        ...gatewayListeners(scope, gatewayPorts(snapshot, proxy), workloadPolicies(snapshot, proxy)),
        clusters: [...outboundClusters(scope), blackHoleCluster(snapshot)],
      };
    default:
      return {
        ...outboundListeners(scope),
        clusters: [...outboundClusters(scope), ...fallbackClusters(snapshot)],
      };
  }
}

/** What only this proxy has: a sidecar's inbound side. */
export function ownResources(snapshot: MeshSnapshot, proxy: ProxyView): ConfigResources {
  if (proxy.role !== 'sidecar') return { listeners: [], routes: [], clusters: [] };
  return {
    listeners: [inboundListener(snapshot, proxy)],
    routes: [],
    clusters: inboundClusters(snapshot, proxy),
  };
}

/** The load assignments behind the EDS clusters, as a client at `locality` sees them. */
export function endpointResources(
  scope: OutboundScope,
  clusters: readonly Cluster[],
  locality: Locality,
): ClusterLoadAssignment[] {
  return clusters
    .filter((cluster) => cluster.type === 'EDS')
    .map((cluster) => loadAssignment(scope, cluster, locality));
}

/** Everything a node is to hold, made from nothing: the same functions as the push, without its memory. */
export function buildResources(snapshot: MeshSnapshot, node: ProxyNode): ProxyResources {
  const proxy = viewProxy(snapshot, node);
  const scope = createScope(snapshot, proxy);
  const shared = sharedResources(scope, proxy);
  const own = ownResources(snapshot, proxy);
  return {
    listeners: [...shared.listeners, ...own.listeners],
    routes: [...shared.routes, ...own.routes],
    clusters: [...shared.clusters, ...own.clusters],
    endpoints: endpointResources(scope, shared.clusters, proxy.locality),
  };
}
