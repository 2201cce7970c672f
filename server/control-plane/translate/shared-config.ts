import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import type { ServiceRegistry } from '../snapshot/registry.ts';
import { MESH_GATEWAY, type VirtualService } from '../snapshot/virtual-services.ts';
import type { KeyedMemo } from './keyed-memo.ts';
import type { ProxyView } from './proxy-view.ts';
import {
  type ConfigResources,
  patchShared,
  personalListeners,
  sharedClusters,
  sharedListeners,
  sharedResources,
  sharedRoutes,
} from './resources.ts';
import { createRouteMemory, type RouteMemory } from './routes/route-memory.ts';
import { createScope, labelsMatter, type OutboundScope } from './scope.ts';
import { spanIdentity } from './telemetry/index.ts';

export interface SharedInput {
  readonly snapshot: MeshSnapshot;
  readonly proxy: ProxyView;
  /** Proxies of one key share this configuration. */
  readonly key: string;
}

/**
 * The shared configuration of a group of proxies. Each part is made anew only when what it is made from has changed; parts that are the
 * same keep their identity.
 */
export function sharedConfig(memo: KeyedMemo, input: SharedInput): ConfigResources {
  const { snapshot, proxy, key } = input;
  const scope = memo.of<OutboundScope>(`scope/${key}`, [snapshot], () => createScope(snapshot, proxy));
  return proxy.role === 'sidecar' ? sidecarConfig(memo, input, scope) : wholeConfig(memo, input, scope);
}

/**
 * A sidecar's outbound side, part by part. Endpoints are an input of clusters and listeners only where a service is headless or found by
 * DNS, as its addresses are in them; VirtualServices for HTTP are an input of routes alone.
 */
function sidecarConfig(memo: KeyedMemo, { snapshot, proxy, key }: SharedInput, scope: OutboundScope): ConfigResources {
  const { mesh, networks, destinationRules, peerAuthentications, serviceAccounts, envoyFilters, telemetries } =
    snapshot;
  const endpoints = namesEndpoints(snapshot.services) ? snapshot.endpoints : undefined;
  const base = [mesh, networks, destinationRules, scope.sidecar, ...scope.services];
  const imported = scope.egress.flatMap(({ services }) => services);
  const rules = scope.egress.flatMap(({ virtualServices }) => virtualServices);
  const clusters = memo.of(`clusters/${key}`, [endpoints, peerAuthentications, serviceAccounts, ...base], () =>
    sharedClusters(scope, proxy),
  );
  const policies = proxy.istioProxy ? snapshot.authorizationPolicies : undefined;
  const listenerInputs = [endpoints, policies, ...base, ...imported, ...rules.filter(hasL4)];
  const { listeners } = memo.of(`listeners/${key}`, listenerInputs, () => sharedListeners(scope, proxy));
  const memories = memo.of(`tables/${key}`, [...base, ...imported], () => new Map<string, RouteMemory>());
  const routes = memo.of(`routes/${key}`, [listeners, memories, ...rules], () =>
    sharedRoutes(scope, listeners, (table) => remember(memories, table)),
  );
  const collectors = namesCollectors(snapshot) ? snapshot.services : undefined;
  const own = `${key}/${spanIdentity(snapshot, proxy)}`;
  const observed = memo.of(`observed/${own}`, [mesh, listeners, telemetries, collectors], () =>
    personalListeners(listeners, snapshot, proxy),
  );
  return memo.of(`shared/${own}`, [clusters, observed, routes, envoyFilters, snapshot.trafficExtensions], () =>
    patchShared({ clusters, listeners: observed, routes }, scope, proxy),
  );
}

/** Whether listeners may name the services that take spans or logs. */
const namesCollectors = ({ mesh: { defaultProviders }, telemetries }: MeshSnapshot): boolean =>
  telemetries.length > 0 ||
  defaultProviders['tracing'] !== undefined ||
  defaultProviders['accessLogging'] !== undefined;

const hasL4 = ({ tcp, tls }: VirtualService): boolean => tcp.length > 0 || tls.length > 0;

function remember(memories: Map<string, RouteMemory>, table: string): RouteMemory {
  const memory = memories.get(table) ?? createRouteMemory();
  memories.set(table, memory);
  return memory;
}

/**
 * Gateways, and clients that speak xDS themselves, have few resources beside their clusters. A gateway has clusters for all services,
 * whatever VirtualServices send it to.
 */
function wholeConfig(memo: KeyedMemo, { snapshot, proxy, key }: SharedInput, scope: OutboundScope): ConfigResources {
  const base = [
    snapshot.mesh,
    snapshot.networks,
    snapshot.services,
    snapshot.destinationRules,
    snapshot.peerAuthentications,
    snapshot.serviceAccounts,
    namesEndpoints(snapshot.services) ? snapshot.endpoints : undefined,
    ...(proxy.role === 'router' ? [snapshot.gateways, JSON.stringify(proxy.labels)] : [snapshot.virtualServices]),
  ];
  const clusters = memo.of(`clusters/${key}`, base, () => sharedClusters(scope, proxy));
  const inputs = [
    ...base,
    clusters,
    labelsMatter(snapshot),
    ...(proxy.role === 'router' ? snapshot.virtualServices.filter(isOfGateways) : []),
    snapshot.envoyFilters,
    snapshot.telemetries,
    snapshot.trafficExtensions,
    ...(proxy.role === 'router' ? [snapshot.authorizationPolicies, snapshot.requestAuthentications] : []),
  ];
  return memo.of(`shared/${key}`, inputs, () => sharedResources(scope, proxy, clusters));
}

/** Rules of the mesh alone are no gateway's. */
const isOfGateways = ({ gateways }: VirtualService): boolean => gateways.some((name) => name !== MESH_GATEWAY);

const naming = new WeakMap<ServiceRegistry, boolean>();

/** Whether the addresses of endpoints stand in any cluster or listener. */
function namesEndpoints(registry: ServiceRegistry): boolean {
  const answer = naming.get(registry) ?? registry.all.some(({ resolution }) => resolution !== 'ClientSideLB');
  naming.set(registry, answer);
  return answer;
}
