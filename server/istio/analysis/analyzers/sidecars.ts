import type { KubeObject } from '#domain';
import { specOf } from '../../rules/field.ts';
import type { Analyzer, Report } from '../analyzer.ts';
import { isAmbientNamespace, isAmbientPod } from '../mesh/in-mesh.ts';
import type { MeshView } from '../mesh/mesh-view.ts';
import { labelsOf, namespaceOf, objectLabels } from '../mesh/objects.ts';
import { checkSelectors, type SelectedPod, severalByNamespace } from './workload-selectors.ts';

const SELECTOR = 'workloadSelector.labels';
const POD_REASON = 'selected workload is in ambient mode, the policy has no impact';
const NAMESPACE_REASON = 'namespace is in ambient mode, the policy has no impact';

function checkPods(selected: readonly SelectedPod[], ineffective: Set<KubeObject>, report: Report): void {
  for (const { pod, objects, names } of selected) {
    const isAmbient = isAmbientPod(pod.annotations);
    for (const object of objects) {
      const place = { object, path: `spec.${SELECTOR}` };
      if (isAmbient && !ineffective.has(object)) {
        ineffective.add(object);
        report('IST0167', place, { reason: POD_REASON });
      } else if (!isAmbient && objects.length > 1) {
        const values = { sidecars: names, namespace: pod.namespace, pod: pod.name };
        report('IST0110', { ...place, line: 'metadata.name' }, values);
      }
    }
  }
}

function isAmbient(namespace: string, mesh: MeshView): boolean {
  const object = mesh.namespaceObject(namespace);
  return object !== undefined && isAmbientNamespace(objectLabels(object));
}

/** IST0101, IST0110, IST0111 and IST0167: Sidecars that select no pod, the same pods, or pods without a sidecar. */
export const sidecars: Analyzer = {
  name: 'sidecar.SelectorAnalyzer',
  codes: ['IST0101', 'IST0110', 'IST0111', 'IST0167'],
  analyze(mesh, report) {
    const objects = mesh.istio('Sidecar');
    const ineffective = new Set<KubeObject>();
    checkPods(checkSelectors(mesh, report, { objects, selector: SELECTOR }), ineffective, report);
    const general = objects.filter((each) => Object.keys(labelsOf(specOf(each).at(SELECTOR))).length === 0);
    const sidecar = general.filter((each) => !isAmbient(namespaceOf(each), mesh));
    for (const object of general) {
      if (!isAmbient(namespaceOf(object), mesh)) continue;
      report('IST0167', { object, path: 'spec' }, { reason: NAMESPACE_REASON });
    }
    for (const { namespace, objects: rivals, names } of severalByNamespace(sidecar)) {
      for (const object of rivals) report('IST0111', { object, path: 'spec' }, { sidecars: names, namespace });
    }
  },
};
