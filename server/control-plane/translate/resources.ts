import type {
  Cluster,
  ClusterLoadAssignment,
  Listener,
  NameTable,
  ProxyNode,
  RouteConfiguration,
  TypedExtensionConfig,
} from '#xds';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import { blackHoleCluster, fallbackClusters, inboundClusters } from './clusters/clusters-inbound.ts';
import { outboundClusters, sniDnatClusters } from './clusters/clusters-outbound.ts';
import { loadAssignment } from './clusters/endpoints.ts';
import { selfDiscoveryAssignment } from './clusters/self-discovery.ts';
import { applyEnvoyFilters } from './envoy-filter/index.ts';
import { mergeGateways } from './gateway-servers.ts';
import { grpcClusters, grpcResources } from './grpc/clients.ts';
import { grpcServerListeners } from './grpc/servers.ts';
import { askedFor, extensionConfigs } from './http-filters/extension-configs.ts';
import { extendedListeners } from './http-filters/traffic-extensions.ts';
import { workloadPolicies } from './http-filters/workload-policies.ts';
import { settledListeners } from './listeners/listener-settings.ts';
import { gatewayListeners } from './listeners/listeners-gateway.ts';
import { inboundListeners } from './listeners/listeners-inbound.ts';
import { outboundListeners } from './listeners/listeners-outbound.ts';
import { nameTable } from './name-table.ts';
import { type ProxyView, viewProxy } from './proxy-view.ts';
import { createRouteMemory, type RouteMemory } from './routes/route-memory.ts';
import { outboundRouteConfig } from './routes/routes-outbound.ts';
import { createScope, type OutboundScope } from './scope.ts';
import { tableNames } from './table-names.ts';
import { observedListeners } from './telemetry/index.ts';

/** Listeners, route tables and clusters, in protobuf JSON. */
export interface ConfigResources {
  readonly listeners: readonly Listener[];
  readonly routes: readonly RouteConfiguration[];
  readonly clusters: readonly Cluster[];
}

/** Everything one proxy holds, in protobuf JSON. */
export interface ProxyResources extends ConfigResources {
  readonly endpoints: readonly ClusterLoadAssignment[];
  /** Configurations that filters of the listeners ask for by name. */
  readonly extensions: readonly TypedExtensionConfig[];
  /** What its agent answers DNS for: one table, or none. */
  readonly names: readonly NameTable[];
}

/** What proxies of one role, namespace and (where it matters) label set share. */
export function sharedResources(
  scope: OutboundScope,
  proxy: ProxyView,
  clusters = sharedClusters(scope, proxy),
): ConfigResources {
  const generated = sharedListeners(scope, proxy);
  const routes = generated.routes ?? sharedRoutes(scope, generated.listeners);
  const listeners = personalListeners(generated.listeners, scope.snapshot, proxy);
  return patchShared({ listeners, routes, clusters }, scope, proxy);
}

/** What a proxy's own settings make of listeners, and what it is to observe. */
export const personalListeners = (
  listeners: readonly Listener[],
  snapshot: MeshSnapshot,
  proxy: ProxyView,
): readonly Listener[] => observedListeners(settledListeners(listeners, proxy), snapshot, proxy);

/** What extensions and EnvoyFilters make of shared resources; the same resources where there are none. */
export const patchShared = (resources: ConfigResources, scope: OutboundScope, proxy: ProxyView): ConfigResources =>
  applyEnvoyFilters(
    { ...resources, listeners: extendedListeners(resources.listeners, scope, proxy) },
    { snapshot: scope.snapshot, proxy, side: 'outbound' },
  );

/** Clusters do not depend on VirtualServices, but for the services that these send to. */
export function sharedClusters(scope: OutboundScope, proxy: ProxyView): readonly Cluster[] {
  switch (scope.role) {
    case 'grpc':
      return grpcClusters(scope);
    case 'router':
      return [
        ...outboundClusters(scope),
        blackHoleCluster(scope.snapshot),
        ...(mergeGateways(scope.snapshot, proxy).autoPassthrough ? sniDnatClusters(scope) : []),
      ];
    default:
      return [...outboundClusters(scope), ...fallbackClusters(scope)];
  }
}

interface ListenerResources {
  readonly listeners: readonly Listener[];
  /** Undefined: they are made for the names that the listeners ask for. */
  readonly routes?: readonly RouteConfiguration[];
}

export function sharedListeners(scope: OutboundScope, proxy: ProxyView): ListenerResources {
  const { snapshot } = scope;
  switch (scope.role) {
    case 'grpc':
      return grpcResources(scope);
    case 'router':
      return gatewayListeners(scope, mergeGateways(snapshot, proxy), workloadPolicies(snapshot, proxy));
    default:
      return { listeners: outboundListeners(scope) };
  }
}

/** A sidecar's route tables. `remember` gives what was made for a table before. */
export const sharedRoutes = (
  scope: OutboundScope,
  listeners: readonly Listener[],
  remember: (table: string) => RouteMemory = createRouteMemory,
): readonly RouteConfiguration[] =>
  tableNames(listeners).map((name) => outboundRouteConfig(scope, name, remember(name)));

/** What only this proxy has: a sidecar's inbound side, or that of a gRPC server. */
export function ownResources(scope: OutboundScope, proxy: ProxyView): ConfigResources {
  if (proxy.role === 'grpc') return { listeners: grpcServerListeners(scope, proxy), routes: [], clusters: [] };
  if (proxy.role !== 'sidecar') return { listeners: [], routes: [], clusters: [] };
  const { snapshot } = scope;
  const personal = personalListeners(inboundListeners(scope, proxy), snapshot, proxy);
  const listeners = extendedListeners(personal, scope, proxy);
  const generated = { listeners, routes: [], clusters: inboundClusters(scope, proxy) };
  return applyEnvoyFilters(generated, { snapshot, proxy, side: 'inbound' });
}

/** The load assignments behind the EDS clusters, as the scope's clients see them. */
export function endpointResources(scope: OutboundScope, clusters: readonly Cluster[]): ClusterLoadAssignment[] {
  return clusters.filter((cluster) => cluster.type === 'EDS').map((cluster) => loadAssignment(scope, cluster));
}

/** Everything a node is to hold, made from nothing: the same functions as the push, without its memory. */
export function buildResources(snapshot: MeshSnapshot, node: ProxyNode): ProxyResources {
  const proxy = viewProxy(snapshot, node);
  const scope = createScope(snapshot, proxy);
  const shared = sharedResources(scope, proxy);
  const own = ownResources(scope, proxy);
  const listeners = [...shared.listeners, ...own.listeners];
  const configs = extensionConfigs(snapshot, proxy, node.identity);
  return {
    listeners,
    routes: [...shared.routes, ...own.routes],
    clusters: [...shared.clusters, ...own.clusters],
    endpoints: [
      ...endpointResources(scope, shared.clusters),
      ...(proxy.discoversItself ? [selfDiscoveryAssignment(scope, proxy)] : []),
    ],
    extensions: configs.length === 0 ? configs : askedFor(configs, listeners),
    names: proxy.answersNames ? [nameTable(scope)] : [],
  };
}
