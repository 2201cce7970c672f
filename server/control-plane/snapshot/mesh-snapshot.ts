import type { KubeObject } from '#domain';
import type { MeshConfig } from '../doors.ts';
import { createGatewayApiDeriver, type GatewayApiConversion } from '../gateway-api/index.ts';
import { convertIngresses, type IngressConfig } from '../ingress/index.ts';
import { type AuthorizationPolicy, deriveAuthorizationPolicies } from './authorization-policies.ts';
import { type Credentials, deriveCredentials } from './credentials.ts';
import { type DestinationRuleIndex, deriveDestinationRules } from './destination-rules.ts';
import { createDiscovery } from './discovered-objects.ts';
import {
  deriveEndpoints,
  deriveServiceAccounts,
  type EndpointIndex,
  type EndpointSources,
  type ServiceAccountIndex,
} from './endpoints.ts';
import { deriveEnvoyFilters, type EnvoyFilter } from './envoy-filters.ts';
import { deriveGateways, type GatewayList } from './gateways.ts';
import { contentOf, memoLatest, memoStable } from './memo.ts';
import { MESH_CONFIG_MAP } from './mesh-config.ts';
import { createMeshInForce } from './mesh-in-force.ts';
import { createNetworkLookup, readMeshNetworks } from './mesh-networks.ts';
import { deriveNetworks, type NetworkSettings, type Networks } from './networks.ts';
import type { ObjectTables } from './object-tables.ts';
import { derivePeerAuthentications, type PeerAuthenticationList } from './peer-authentications.ts';
import { deriveRegistry, type ServiceRegistry } from './registry.ts';
import { deriveRequestAuthentications, type RequestAuthentication } from './request-authentications.ts';
import { deriveServiceEntries } from './service-entries.ts';
import { deriveSidecars, type Sidecar } from './sidecars.ts';
import { deriveTelemetries, type Telemetry } from './telemetries.ts';
import { deriveTrafficExtensions, type TrafficExtension } from './traffic-extensions.ts';
import { deriveVirtualServices, type VirtualService } from './virtual-services.ts';
import { deriveWorkloadEntries, type WorkloadInstance } from './workload-entries.ts';
import { deriveWorkloads, type WorkloadIndex } from './workloads.ts';

/**
 * Everything proxies are configured from, at one moment. Immutable. A part that did not change keeps its identity from one snapshot
 * to the next, so identity is a sound key for whatever is built from it.
 */
export interface MeshSnapshot {
  readonly mesh: MeshConfig;
  /** The namespaces that istiod looks at; undefined: all. */
  readonly discovered: ReadonlySet<string> | undefined;
  readonly services: ServiceRegistry;
  readonly networks: Networks;
  readonly workloads: WorkloadIndex;
  readonly endpoints: EndpointIndex;
  readonly workloadEntries: readonly WorkloadInstance[];
  readonly serviceAccounts: ServiceAccountIndex;
  readonly virtualServices: readonly VirtualService[];
  readonly destinationRules: DestinationRuleIndex;
  readonly gateways: GatewayList;
  readonly peerAuthentications: PeerAuthenticationList;
  readonly sidecars: readonly Sidecar[];
  /** Secrets and ConfigMaps by `namespace/name`: where certificates stand. */
  readonly credentials: Credentials;
  /** What became of the Gateway API's objects; what was generated from them is among the others. */
  readonly gatewayApi: GatewayApiConversion;
  readonly authorizationPolicies: readonly AuthorizationPolicy[];
  readonly requestAuthentications: readonly RequestAuthentication[];
  readonly envoyFilters: readonly EnvoyFilter[];
  readonly telemetries: readonly Telemetry[];
  /** WasmPlugins too. */
  readonly trafficExtensions: readonly TrafficExtension[];
}

type Listed = ReturnType<ObjectTables['list']>;

const concat = <Item>(left: readonly Item[], right: readonly Item[]): readonly Item[] => [...left, ...right];

const isMeshConfig =
  (rootNamespace: string) =>
  ({ metadata }: KubeObject): boolean =>
    metadata.name === MESH_CONFIG_MAP && metadata.namespace === rootNamespace;

/**
 * Derives snapshots from the store's objects. What it remembers is only ever the latest derivation of each part, and the last good
 * configuration of the mesh. `onLog`: what istiod tells of that.
 */
export function createSnapshotDeriver(
  meshConfig: MeshConfig,
  onLog: (line: string) => void = () => {},
): (tables: ObjectTables) => MeshSnapshot {
  const meshInForce = createMeshInForce(meshConfig, onLog);
  const mesh = memoStable(
    (configMaps: Listed) => meshInForce(configMaps.find(isMeshConfig(meshConfig.rootNamespace))),
    JSON.stringify,
  );
  const serviceEntries = memoLatest(deriveServiceEntries);
  const workloadEntries = memoLatest(deriveWorkloadEntries);
  const services = memoStable(deriveRegistry, (registry) => JSON.stringify(registry.all));
  const sidecars = memoLatest(deriveSidecars);
  const endpointSources = memoLatest(
    (
      slices: EndpointSources['slices'],
      listed: EndpointSources['entries'],
      named: EndpointSources['workloadEntries'],
      { home, ranges }: Networks,
    ): EndpointSources => {
      const lookUp = createNetworkLookup(ranges);
      return { slices, entries: listed, workloadEntries: named, networkOf: (ip) => home || lookUp(ip) };
    },
  );
  const trustDomains = memoStable((own: string, aliases: readonly string[] = []) => ({ own, aliases }), JSON.stringify);
  const networks = memoStable(deriveNetworks, contentOf);
  const networkSettings = memoStable(
    (rootNamespace: string, trustDomain: string, configMaps: Listed): NetworkSettings => ({
      rootNamespace,
      trustDomain,
      declared: readMeshNetworks(configMaps.find(isMeshConfig(rootNamespace))),
    }),
    JSON.stringify,
  );
  const workloads = memoLatest(deriveWorkloads);
  const endpoints = memoLatest(deriveEndpoints);
  const serviceAccounts = memoStable(deriveServiceAccounts, (index) => JSON.stringify([...index]));
  const virtualServices = memoLatest(deriveVirtualServices);
  const destinationRules = memoLatest(deriveDestinationRules);
  const gateways = memoLatest(deriveGateways);
  const peerAuthentications = memoLatest(derivePeerAuthentications);
  const gatewayApi = createGatewayApiDeriver(meshConfig.features);
  const credentials = memoLatest(deriveCredentials);
  const ingress = memoStable(
    (ingresses: Listed, classes: Listed, backends: Listed, config: MeshConfig): IngressConfig =>
      convertIngresses({ ingresses, classes, services: backends }, config),
    contentOf,
  );
  const generatedRoutes = memoLatest(concat<GatewayApiConversion['virtualServices'][number]>);
  const generatedGateways = memoLatest(concat<GatewayApiConversion['gateways'][number]>);
  const authorizationPolicies = memoLatest(deriveAuthorizationPolicies);
  const requestAuthentications = memoLatest(deriveRequestAuthentications);
  const envoyFilters = memoLatest(deriveEnvoyFilters);
  const telemetries = memoLatest(deriveTelemetries);
  const trafficExtensions = memoLatest(deriveTrafficExtensions);
  const discover = createDiscovery();
  return (all) => {
    // The mesh's own configuration is read wherever istiod is.
    const config = mesh(all.list('ConfigMap'));
    const { tables, chosen } = discover(all, config.discoverySelectors);
    const { trustDomain } = config;
    const entries = serviceEntries(tables.list('ServiceEntry.networking.istio.io'));
    const registry = services(tables.list('Service'), entries, tables.list('Namespace'), trustDomain);
    const settings = networkSettings(config.rootNamespace, trustDomain, all.list('ConfigMap'));
    const reach = networks(tables.list('Service'), tables.list('Namespace'), settings);
    const pods = workloads(tables.list('Pod'), tables.list('Node'), trustDomain);
    const sources = endpointSources(
      tables.list('EndpointSlice.discovery.k8s.io'),
      entries,
      workloadEntries(tables.list('WorkloadEntry.networking.istio.io'), trustDomain),
      reach,
    );
    const ready = endpoints(sources, pods, registry, trustDomain);
    const generated = gatewayApi(tables);
    const fromIngress = ingress(
      tables.list('Ingress.networking.k8s.io'),
      tables.list('IngressClass.networking.k8s.io'),
      tables.list('Service'),
      config,
    );
    return {
      mesh: config,
      discovered: chosen,
      services: registry,
      networks: reach,
      workloads: pods,
      endpoints: ready,
      workloadEntries: sources.workloadEntries,
      serviceAccounts: serviceAccounts(
        registry,
        ready,
        tables.list('Deployment.apps'),
        trustDomains(trustDomain, config.trustDomainAliases),
      ),
      virtualServices: virtualServices(
        tables.list('VirtualService.networking.istio.io'),
        generatedRoutes(generated.virtualServices, fromIngress.virtualServices),
        config,
      ),
      destinationRules: destinationRules(
        tables.list('DestinationRule.networking.istio.io'),
        config,
        generated.destinationRules,
      ),
      gateways: gateways(
        tables.list('Gateway.networking.istio.io'),
        generatedGateways(generated.gateways, fromIngress.gateways),
      ),
      peerAuthentications: peerAuthentications(tables.list('PeerAuthentication.security.istio.io')),
      credentials: credentials(tables.list('Secret'), tables.list('ConfigMap')),
      gatewayApi: generated,
      sidecars: sidecars(tables.list('Sidecar.networking.istio.io')),
      authorizationPolicies: authorizationPolicies(tables.list('AuthorizationPolicy.security.istio.io')),
      requestAuthentications: requestAuthentications(tables.list('RequestAuthentication.security.istio.io')),
      envoyFilters: envoyFilters(tables.list('EnvoyFilter.networking.istio.io')),
      telemetries: telemetries(tables.list('Telemetry.telemetry.istio.io')),
      trafficExtensions: trafficExtensions(
        tables.list('WasmPlugin.extensions.istio.io'),
        tables.list('TrafficExtension.extensions.istio.io'),
      ),
    };
  };
}
