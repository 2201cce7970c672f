import type { KindDefinition, KubeObject } from '#domain';
import { canonicalJson, copyJson } from './json.ts';
import { threeWayMerge } from './merge.ts';
import { type Shape, shapeOf } from './types/shape.ts';
import { isKubernetesGroup } from './types/types.ts';

/** Where `kubectl apply` keeps what it applied last. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** A copy that carries itself, as applied, in the annotation. */
export function withLastApplied(object: KubeObject): KubeObject {
  const applied = copyJson(object);
  const { [LAST_APPLIED]: _, ...annotations } = applied.metadata.annotations ?? {};
  applied.metadata.annotations = annotations;
  const text = `${canonicalJson(applied)}\n`;
  return { ...applied, metadata: { ...applied.metadata, annotations: { ...annotations, [LAST_APPLIED]: text } } };
}

/** What `kubectl apply` applied last, from the annotation; empty where there is none that can be read. */
export function readLastApplied(object: KubeObject): unknown {
  const text = object.metadata.annotations?.[LAST_APPLIED];
  if (text === undefined) return {};
  try {
    return JSON.parse(text);
  } catch {
    // Somebody edited the annotation by hand: nothing is known to have been applied.
    return {};
  }
}

/** The current object of a kind after `kubectl apply` of this one. */
export const appliedOver = (kind: KindDefinition, object: KubeObject, current: KubeObject): KubeObject =>
  mergeApplied(object, current, isKubernetesGroup(kind.group) ? shapeOf(kind) : undefined);

/** With a shape, lists are merged as for Kubernetes' own kinds. */
function mergeApplied(object: KubeObject, current: KubeObject, shape: Shape | undefined): KubeObject {
  const modified = withLastApplied(object);
  const original = readLastApplied(current);
  const merged = threeWayMerge({ original, modified, current }, shape) as KubeObject;
  return copyJson(merged);
}
