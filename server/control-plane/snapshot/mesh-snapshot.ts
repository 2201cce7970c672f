import type { MeshConfig } from '../doors.ts';
import { type AuthorizationPolicy, deriveAuthorizationPolicies } from './authorization-policies.ts';
import { type DestinationRuleIndex, deriveDestinationRules } from './destination-rules.ts';
import { deriveEndpoints, deriveServiceAccounts, type EndpointIndex, type ServiceAccountIndex } from './endpoints.ts';
import { deriveGateways, type GatewayList } from './gateways.ts';
import { memoLatest, memoStable } from './memo.ts';
import { MESH_CONFIG_MAP, readMeshConfig } from './mesh-config.ts';
import type { ObjectTables } from './object-tables.ts';
import { derivePeerAuthentications, type PeerAuthenticationList } from './peer-authentications.ts';
import { deriveRequestAuthentications, type RequestAuthentication } from './request-authentications.ts';
import { deriveServices, type ServiceRegistry } from './services.ts';
import { deriveVirtualServices, type VirtualService } from './virtual-services.ts';
import { deriveWorkloads, type WorkloadIndex } from './workloads.ts';

/**
 * Everything proxies are configured from, at one moment. Immutable. A part that did not change keeps its identity from one snapshot
 * to the next, so identity is a sound key for whatever is built from it.
 */
export interface MeshSnapshot {
  readonly mesh: MeshConfig;
  readonly services: ServiceRegistry;
  readonly workloads: WorkloadIndex;
  readonly endpoints: EndpointIndex;
  readonly serviceAccounts: ServiceAccountIndex;
  readonly virtualServices: readonly VirtualService[];
  readonly destinationRules: DestinationRuleIndex;
  readonly gateways: GatewayList;
  readonly peerAuthentications: PeerAuthenticationList;
  readonly authorizationPolicies: readonly AuthorizationPolicy[];
  readonly requestAuthentications: readonly RequestAuthentication[];
}

/** Derives snapshots from the store's objects. What it remembers is only ever the latest derivation of each part. */
export function createSnapshotDeriver(meshConfig: MeshConfig): (tables: ObjectTables) => MeshSnapshot {
  const mesh = memoStable(
    (configMaps: ReturnType<ObjectTables['list']>) =>
      readMeshConfig(
        configMaps.find(
          ({ metadata }) => metadata.name === MESH_CONFIG_MAP && metadata.namespace === meshConfig.rootNamespace,
        ),
        meshConfig,
      ),
    JSON.stringify,
  );
  const services = memoStable(deriveServices, (registry) => JSON.stringify([...registry]));
  const workloads = memoLatest(deriveWorkloads);
  const endpoints = memoLatest(deriveEndpoints);
  const serviceAccounts = memoStable(deriveServiceAccounts, (index) => JSON.stringify([...index]));
  const virtualServices = memoLatest(deriveVirtualServices);
  const destinationRules = memoLatest(deriveDestinationRules);
  const gateways = memoLatest(deriveGateways);
  const peerAuthentications = memoLatest(derivePeerAuthentications);
  const authorizationPolicies = memoLatest(deriveAuthorizationPolicies);
  const requestAuthentications = memoLatest(deriveRequestAuthentications);
  return (tables) => {
    const config = mesh(tables.list('ConfigMap'));
    const registry = services(tables.list('Service'));
    const pods = workloads(tables.list('Pod'), tables.list('Node'));
    const ready = endpoints(tables.list('EndpointSlice.discovery.k8s.io'), pods);
    return {
      mesh: config,
      services: registry,
      workloads: pods,
      endpoints: ready,
      serviceAccounts: serviceAccounts(registry, ready, tables.list('Deployment.apps'), config.trustDomain),
      virtualServices: virtualServices(tables.list('VirtualService.networking.istio.io')),
      destinationRules: destinationRules(tables.list('DestinationRule.networking.istio.io')),
      gateways: gateways(tables.list('Gateway.networking.istio.io')),
      peerAuthentications: peerAuthentications(tables.list('PeerAuthentication.security.istio.io')),
      authorizationPolicies: authorizationPolicies(tables.list('AuthorizationPolicy.security.istio.io')),
      requestAuthentications: requestAuthentications(tables.list('RequestAuthentication.security.istio.io')),
    };
  };
}
