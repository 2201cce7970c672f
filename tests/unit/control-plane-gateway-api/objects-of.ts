import { type KubeObject, parseApiVersion } from '#domain';
import type { GatewayApiObjects } from '../../../server/control-plane/gateway-api/objects.ts';

const CLUSTER_SCOPED = new Set(['Namespace', 'GatewayClass']);

/** The objects by kind, as conversion takes them; those without a namespace are in `default`. */
export function objectsOf(objects: readonly KubeObject[]): GatewayApiObjects {
  const placed = objects.map((object) => ({
    ...object,
    metadata: { ...(!CLUSTER_SCOPED.has(object.kind) && { namespace: 'default' }), ...object.metadata },
  }));
  const of = (kind: string, group = 'gateway.networking.k8s.io'): KubeObject[] =>
    placed.filter((object) => object.kind === kind && parseApiVersion(object.apiVersion).group === group);
  return {
    gatewayClasses: of('GatewayClass'),
    gateways: of('Gateway'),
    listenerSets: of('ListenerSet'),
    httpRoutes: of('HTTPRoute'),
    grpcRoutes: of('GRPCRoute'),
    tlsRoutes: of('TLSRoute'),
    tcpRoutes: of('TCPRoute'),
    referenceGrants: of('ReferenceGrant'),
    backendTlsPolicies: of('BackendTLSPolicy'),
    backendTrafficPolicies: of('XBackendTrafficPolicy', 'gateway.networking.x-k8s.io'),
    services: of('Service', ''),
    serviceEntries: of('ServiceEntry', 'networking.istio.io'),
    namespaces: of('Namespace', ''),
    secrets: of('Secret', ''),
    configMaps: of('ConfigMap', ''),
  };
}
