import type { Field } from '../../rules/field.ts';
import type { MeshView } from './mesh-view.ts';
import { type Labels, objectLabels } from './objects.ts';
import type { Workload } from './workloads.ts';

export const INJECTION_LABEL = 'istio-injection';
export const REVISION_LABEL = 'istio.io/rev';
export const DATAPLANE_MODE_LABEL = 'istio.io/dataplane-mode';
export const INJECT_LABEL = 'sidecar.istio.io/inject';
export const PROXY_CONTAINER = 'istio-proxy';

/** Containers and init containers: a proxy may be either. */
export const allContainers = (spec: Field): Field[] => [
  ...spec.get('containers').items,
  ...spec.get('initContainers').items,
];

/** The image of the sidecar; empty when there is none. */
export const proxyImage = (containers: readonly Field[]): string =>
  containers.find((each) => each.get('name').text === PROXY_CONTAINER)?.get('image').text ?? '';

/** Whether a sidecar serves the workload or will: its containers, then its own labels and annotations, then its namespace. */
export function hasSidecar(workload: Workload, mesh: MeshView): boolean {
  const { spec, labels, annotations, namespace, isTemplate } = workload;
  const containers = isTemplate ? spec.get('containers').items : allContainers(spec);
  if (proxyImage(containers) !== '') return true;
  const asked = labels[INJECT_LABEL] ?? annotations[INJECT_LABEL];
  if (asked !== undefined) return asked === 'true';
  const object = mesh.namespaceObject(namespace);
  return object !== undefined && objectLabels(object)[INJECTION_LABEL] === 'enabled';
}

/** Whether the ambient data plane carries this pod's traffic. */
export const isAmbientPod = (annotations: Labels): boolean => annotations['ambient.istio.io/redirection'] === 'enabled';

/** Whether the namespace's pods are meant to be ambient: labelled so, and not for sidecars. */
export function isAmbientNamespace(labels: Labels): boolean {
  if (labels[INJECTION_LABEL] === 'enabled' || (labels[REVISION_LABEL] ?? '') !== '') return false;
  return labels[DATAPLANE_MODE_LABEL] === 'ambient';
}

/** Objects of Istio's own installation. */
export const isControlPlane = (labels: Labels): boolean =>
  labels['istio'] !== undefined || labels['release'] === 'istio';
