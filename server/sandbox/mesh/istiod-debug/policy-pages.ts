import type { MeshSnapshot } from '#control-plane';
import type { KubeStore } from '#kube-api';

/** `/debug/authorizationz`: the policies by namespace, as istiod holds them. */
export const authorizationPolicies = (store: KubeStore, { mesh }: MeshSnapshot): object => ({
  namespace_to_policies: byNamespace(store, 'AuthorizationPolicy', ({ labels, annotations }) => ({
    labels,
    annotations,
  })),
  root_namespace: mesh.rootNamespace,
});

/** `/debug/telemetryz`. */
export const telemetries = (store: KubeStore, { mesh }: MeshSnapshot): object => ({
  namespace_to_telemetries: byNamespace(store, 'Telemetry', () => ({})),
  root_namespace: mesh.rootNamespace,
});

type Metadata = ReturnType<KubeStore['list']>[number]['metadata'];

function byNamespace(store: KubeStore, kind: string, further: (metadata: Metadata) => object): object {
  const held: Record<string, object[]> = {};
  for (const { metadata, spec } of store.list(kind)) {
    const { name, namespace = '' } = metadata;
    held[namespace] ??= [];
    held[namespace].push({ name, namespace, ...further(metadata), spec: spec ?? {} });
  }
  return held;
}

/** `/debug/networkz`: where other networks are reached; null without any. */
export function networkGateways({ networks }: MeshSnapshot): object[] | null {
  const all = [...networks.gateways.values()].flat();
  if (all.length === 0) return null;
  return all.map(({ network, cluster, address, port }) => ({
    Network: network,
    Cluster: cluster,
    Addr: address,
    Port: port,
    HBONEPort: 0,
    ServiceAccount: { Namespace: '', Name: '' },
  }));
}
