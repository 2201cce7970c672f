import type { KubeObject } from '#domain';
import { specOf } from '../../rules/field.ts';
import type { Analyzer, Report } from '../analyzer.ts';
import { allContainers } from '../mesh/in-mesh.ts';
import { labelsOf, namespaceOf } from '../mesh/objects.ts';
import { selectorText } from '../mesh/selectors.ts';
import type { Workload } from '../mesh/workloads.ts';
import { spellingAdvice } from '../spelling.ts';

function checkTargets(object: KubeObject, pods: readonly Workload[], report: Report): void {
  const names = new Set(
    pods.flatMap((pod) =>
      allContainers(pod.spec).flatMap((container) => container.get('ports').items.map((port) => port.get('name').text)),
    ),
  );
  for (const port of specOf(object).get('ports').items) {
    const target = port.get('targetPort');
    if (target.text === '' || /^\d+$/.test(target.text) || names.has(target.text)) continue;
    report(
      'MW0510',
      { object, path: target.path },
      { port: target.text, name: object.metadata.name },
      spellingAdvice(target, names),
    );
  }
}

/** MW0509 and MW0510: Services that lead to no pod, or to a port that no pod has. */
export const servicePods: Analyzer = {
  name: 'meshwork.ServicePods',
  codes: ['MW0509', 'MW0510'],
  analyze(mesh, report) {
    for (const object of mesh.of('Service')) {
      const selector = specOf(object).get('selector');
      const labels = labelsOf(selector);
      const isKnown = mesh.workloads.in(namespaceOf(object)).length > 0;
      if (Object.keys(labels).length === 0 || !isKnown) continue;
      const pods = mesh.workloads.selected(labels, namespaceOf(object));
      if (pods.length > 0) checkTargets(object, pods, report);
      else {
        const values = { selector: selectorText(labels), name: object.metadata.name };
        report('MW0509', { object, path: selector.path }, values);
      }
    }
  },
};
