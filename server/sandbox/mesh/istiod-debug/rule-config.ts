import type { MeshSnapshot } from '#control-plane';
import { type KubeObject, parseApiVersion } from '#domain';
import type { KubeStore } from '#kube-api';

type Rule = MeshSnapshot['gatewayApi']['destinationRules'][number] | MeshSnapshot['gatewayApi']['gateways'][number];

/** A rule of the mesh, as config.Config prints in JSON; `spec` stands in place of its own. Source: istio pkg/config/model.go. */
export function ruleShown(rule: Omit<Rule, 'spec'> & { readonly spec: unknown }, store: KubeStore): object {
  const { kind, apiVersion, name, namespace, annotations, spec } = rule;
  const { group, version } = parseApiVersion(apiVersion);
  const object = group === '' ? undefined : storedObject(store, rule);
  const { uid, labels, resourceVersion, generation, creationTimestamp, ownerReferences } = object?.metadata ?? {};
  return {
    type: { group, version, kind },
    ...(uid !== undefined && { uid }),
    name,
    namespace,
    // Of those that Istio makes, it sets none.
    ...(object !== undefined && { domain: 'cluster.local' }),
    ...(labels !== undefined && { labels }),
    annotations: object?.metadata.annotations ?? annotations,
    ...(resourceVersion !== undefined && { resourceVersion }),
    creationTimestamp: creationTimestamp ?? '0001-01-01T00:00:00Z',
    ...(ownerReferences !== undefined && { ownerReferences }),
    ...(generation !== undefined && { generation }),
    Spec: spec,
    Status: object === undefined ? null : (object.status ?? {}),
    Extra: null,
  };
}

function storedObject(
  store: KubeStore,
  { kind, apiVersion, name, namespace }: Omit<Rule, 'spec'>,
): KubeObject | undefined {
  return store.get(`${kind}.${parseApiVersion(apiVersion).group}`, { namespace, name });
}
