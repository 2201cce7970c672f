import type { KubeObject } from '#domain';
import type { MeshConfig } from '../doors.ts';
import type { IngressClassSpec, IngressSpec } from './types.ts';

/** What an IngressClass for Istio names as its controller. */
const ISTIO_CONTROLLER = 'istio.io/ingress-controller';

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';

/**
 * Whether Istio serves an Ingress. The old annotation decides before the IngressClass; with neither, only a mesh whose
 * `ingressControllerMode` is DEFAULT takes it. Source: istio pilot/pkg/config/kube/ingress.
 */
export function isServed(ingress: KubeObject, classes: readonly KubeObject[], mesh: MeshConfig): boolean {
  const { ingressControllerMode: mode = 'STRICT', ingressClass = 'istio' } = mesh;
  const isOn = mode === 'STRICT' || mode === 'DEFAULT';
  const annotated = ingress.metadata.annotations?.[CLASS_ANNOTATION];
  if (annotated !== undefined) return isOn && annotated === ingressClass;
  const { ingressClassName } = (ingress.spec ?? {}) as IngressSpec;
  const named = classes.find(({ metadata }) => metadata.name === ingressClassName);
  if (named !== undefined) return (named.spec as IngressClassSpec | undefined)?.controller === ISTIO_CONTROLLER;
  return mode === 'DEFAULT';
}
