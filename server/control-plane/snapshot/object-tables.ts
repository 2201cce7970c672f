import { type KubeObject, parseApiVersion } from '#domain';
import { compareText } from './config.ts';

/** The kinds the control plane reads, as `Kind.group`; the core group has no suffix. */
export const TRACKED_KINDS = [
  'Service',
  'Pod',
  'Node',
  'ConfigMap',
  'EndpointSlice.discovery.k8s.io',
  'Deployment.apps',
  'VirtualService.networking.istio.io',
  'DestinationRule.networking.istio.io',
  'Gateway.networking.istio.io',
  'PeerAuthentication.security.istio.io',
  'ServiceEntry.networking.istio.io',
  'WorkloadEntry.networking.istio.io',
  'Sidecar.networking.istio.io',
  'Namespace',
  'Secret',
  'Ingress.networking.k8s.io',
  'IngressClass.networking.k8s.io',
  'AuthorizationPolicy.security.istio.io',
  'RequestAuthentication.security.istio.io',
  'Telemetry.telemetry.istio.io',
  'EnvoyFilter.networking.istio.io',
  'WasmPlugin.extensions.istio.io',
  'TrafficExtension.extensions.istio.io',
  'ProxyConfig.networking.istio.io',
  'GatewayClass.gateway.networking.k8s.io',
  'Gateway.gateway.networking.k8s.io',
  'ListenerSet.gateway.networking.k8s.io',
  'HTTPRoute.gateway.networking.k8s.io',
  'GRPCRoute.gateway.networking.k8s.io',
  'TLSRoute.gateway.networking.k8s.io',
  'TCPRoute.gateway.networking.k8s.io',
  'ReferenceGrant.gateway.networking.k8s.io',
  'BackendTLSPolicy.gateway.networking.k8s.io',
  'XBackendTrafficPolicy.gateway.networking.x-k8s.io',
] as const;

export type TrackedKind = (typeof TRACKED_KINDS)[number];

/** The present objects by kind. A kind's list keeps its identity until one of its objects changes. */
export interface ObjectTables {
  /** Takes a watch event. Answers with the kind when the control plane reads it. */
  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): TrackedKind | undefined;
  /** All objects of a kind, by namespace and name. */
  list(kind: TrackedKind): readonly KubeObject[];
}

interface Table {
  readonly objects: Map<string, KubeObject>;
  list: readonly KubeObject[] | undefined;
}

export function createObjectTables(): ObjectTables {
  const tables = new Map<string, Table>(TRACKED_KINDS.map((kind) => [kind, { objects: new Map(), list: [] }]));
  return {
    apply(type, object) {
      const { group } = parseApiVersion(object.apiVersion);
      const kind = group === '' ? object.kind : `${object.kind}.${group}`;
      const table = tables.get(kind);
      if (table === undefined) return undefined;
      const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
      if (type === 'DELETED') table.objects.delete(key);
      else table.objects.set(key, object);
      table.list = undefined;
      return kind as TrackedKind;
    },
    list(kind) {
      const table = tables.get(kind);
      if (table === undefined) return [];
      table.list ??= [...table.objects].sort(([a], [b]) => compareText(a, b)).map(([, object]) => object);
      return table.list;
    },
  };
}
