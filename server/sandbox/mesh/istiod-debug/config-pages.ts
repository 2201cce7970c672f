import type { KindDefinition, KubeObject } from '#domain';
import { gatewayKinds, istioKinds } from '#istio';
import type { KubeStore } from '#kube-api';

/** Kinds that istiod is configured by, in the order in which it lists them: by plural and group. */
const KINDS: readonly KindDefinition[] = [...istioKinds, ...gatewayKinds].sort((a, b) =>
  keyOf(a) < keyOf(b) ? -1 : 1,
);

function keyOf({ plural, group }: KindDefinition): string {
  return `${plural}/${group}`;
}

/** `/debug/configz`: every object of these kinds, as Kubernetes has it, without what the API server keeps for itself. */
export const configObjects = (store: KubeStore): object[] =>
  KINDS.flatMap(({ kind, group }) => store.list(`${kind}.${group}`)).map(shown);

function shown({ apiVersion, kind, metadata, spec, status }: KubeObject): object {
  const { name, namespace, uid, resourceVersion, generation, creationTimestamp, labels, annotations } = metadata;
  return {
    kind,
    apiVersion,
    metadata: { name, namespace, uid, resourceVersion, generation, creationTimestamp, labels, annotations },
    spec,
    status,
  };
}

/** `/debug/resourcesz`. */
export const configSchemas = (store: KubeStore): object[] =>
  KINDS.filter(({ kind, group }) => store.kinds.find(`${kind}.${group}`) !== undefined).map(
    ({ kind, group, versions }) => ({ group, version: versions[0], kind }),
  );
