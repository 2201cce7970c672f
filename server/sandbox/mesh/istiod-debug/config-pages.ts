import { resolveHost } from '#control-plane';
import type { KindDefinition, KubeObject } from '#domain';
import { gatewayKinds, istioKinds } from '#istio';
import type { KubeStore } from '#kube-api';

/** Kinds of the API server that istiod does not know, or not before its alpha features are switched on. */
const UNKNOWN: ReadonlySet<string> = new Set(['UDPRoute', 'XBackendTrafficPolicy']);

/** Kinds that istiod is configured by, in the order in which it lists them: by its own names. */
const KINDS: readonly KindDefinition[] = [...istioKinds, ...gatewayKinds]
  .filter(({ kind }) => !UNKNOWN.has(kind))
  .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));

/** Two kinds are called Gateway. */
function keyOf({ kind, group }: KindDefinition): string {
  return kind === 'Gateway' && group === 'gateway.networking.k8s.io' ? 'KubernetesGateway' : kind;
}

/** Those whose definitions the cluster has. */
const servedBy = (store: KubeStore): readonly KindDefinition[] =>
  KINDS.filter(({ kind, group }) => store.kinds.find(`${kind}.${group}`) !== undefined);

/** `/debug/configz`: every object of these kinds, as Kubernetes has it, without what the API server keeps for itself. */
export const configObjects = (store: KubeStore): object[] =>
  servedBy(store)
    .flatMap(({ kind, group }) => store.list(`${kind}.${group}`))
    .map(shown);

function shown({ apiVersion, kind, metadata, spec, status }: KubeObject): object {
  const { name, namespace, uid, resourceVersion, generation, creationTimestamp, labels, annotations } = metadata;
  return {
    kind,
    apiVersion,
    metadata: { name, namespace, uid, resourceVersion, generation, creationTimestamp, labels, annotations },
    spec: kind === 'DestinationRule' ? withWholeHost(spec as RuleSpec, namespace) : spec,
    status,
  };
}

interface RuleSpec {
  readonly host?: string;
}

/** What a DestinationRule is about: istiod completes its host before it looks at anything else of it. */
export const withWholeHost = <Spec extends RuleSpec>(spec: Spec, namespace = ''): Spec => ({
  ...spec,
  ...(spec.host !== undefined && { host: resolveHost(spec.host, namespace) }),
});

const INGRESS = { group: 'networking.k8s.io', version: 'v1', kind: 'Ingress' };

/** `/debug/resourcesz`. */
export const configSchemas = (store: KubeStore): object[] => [
  ...servedBy(store).map(({ kind, group, versions }) => ({
    group,
    version: kind === 'ReferenceGrant' ? 'v1beta1' : versions[0],
    kind,
  })),
  // Its controller is one of its own.
  INGRESS,
];
