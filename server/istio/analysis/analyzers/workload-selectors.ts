import type { KubeObject } from '#domain';
import { specOf } from '../../rules/field.ts';
import type { Report } from '../analyzer.ts';
import { append } from '../mesh/lists.ts';
import type { MeshView } from '../mesh/mesh-view.ts';
import { labelsOf, namespaceOf } from '../mesh/objects.ts';
import { firstLabelPath, selectorText } from '../mesh/selectors.ts';
import type { Workload } from '../mesh/workloads.ts';

/** A pod and the objects that select it. */
export interface SelectedPod {
  readonly pod: Workload;
  readonly objects: readonly KubeObject[];
  /** Their names, sorted. */
  readonly names: readonly string[];
}

const sortedNames = (objects: readonly KubeObject[]): string[] => objects.map(({ metadata }) => metadata.name).sort();

/** Reports selectors that select no pod of their namespace (IST0101); resolves which pods the others select. */
export function checkSelectors(
  mesh: MeshView,
  report: Report,
  { objects, selector }: { readonly objects: readonly KubeObject[]; readonly selector: string },
): SelectedPod[] {
  const selectors = new Map<Workload, KubeObject[]>();
  for (const object of objects) {
    const field = specOf(object).at(selector);
    const labels = labelsOf(field);
    if (Object.keys(labels).length === 0) continue;
    const pods = mesh.workloads.selected(labels, namespaceOf(object));
    for (const pod of pods) append(selectors, pod, object);
    if (pods.length > 0) continue;
    const values = { reftype: 'selector', refval: selectorText(labels) };
    report('IST0101', { object, path: field.path, line: firstLabelPath(field) }, values);
  }
  return [...selectors].map(([pod, own]) => ({ pod, objects: own, names: sortedNames(own) }));
}

/** Namespaces in which several of these objects stand. */
export function severalByNamespace(
  objects: readonly KubeObject[],
): { readonly namespace: string; readonly objects: readonly KubeObject[]; readonly names: readonly string[] }[] {
  return [...Map.groupBy(objects, namespaceOf)]
    .filter(([, own]) => own.length > 1)
    .map(([namespace, own]) => ({ namespace, objects: own, names: sortedNames(own) }));
}
