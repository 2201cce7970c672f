import { specOf } from '../rules/field.ts';
import type { Analyzer } from './analyzer.ts';
import { hostHint } from './destination-hosts.ts';
import { labelsOf, type MeshHost, type MeshView, namespaceOf, selects } from './mesh-view.ts';

/** Labels that the pods of the host have instead. */
function labelHint(mesh: MeshView, host: MeshHost, wanted: Readonly<Record<string, string>>): string | undefined {
  const pods = mesh.workloads.filter(
    (each) => each.namespace === host.namespace && host.selector !== undefined && selects(host.selector, each.labels),
  );
  if (pods.length === 0) return undefined;
  const key = Object.keys(wanted).find((label) => !pods.some((pod) => pod.labels[label] === wanted[label]));
  if (key === undefined) return undefined;
  const values = [...new Set(pods.map((pod) => pod.labels[key]).filter((value) => value !== undefined))].sort();
  return values.length === 0
    ? `No pod of ${host.host} has the label ${key}.`
    : `The pods of ${host.host} have ${key}: ${values.join(', ')}.`;
}

/** IST0173 and IST0174: hosts of DestinationRules, and whether each subset has pods. */
export const subsetPods: Analyzer = {
  name: 'destinationrule.PodNotSelectedAnalyzer',
  codes: ['IST0173', 'IST0174'],
  analyze(mesh, report) {
    for (const object of mesh.istio('DestinationRule')) {
      const spec = specOf(object);
      const name = spec.get('host');
      const host = mesh.host(name.text, namespaceOf(object));
      if (!host) {
        report(
          'IST0174',
          { object, path: name.path },
          { host: name.text },
          hostHint(name.text, namespaceOf(object), mesh),
        );
        continue;
      }
      for (const subset of spec.get('subsets').items) {
        const labels = labelsOf(subset.get('labels'));
        const wanted = { ...host.selector, ...labels };
        const found = mesh.workloads.some((each) => each.namespace === host.namespace && selects(wanted, each.labels));
        // Endpoints of a ServiceEntry are no pods.
        if (found || host.selector === undefined) continue;
        const at = { object, path: `${subset.path}.labels` };
        report('IST0173', at, { subset: subset.get('name').text }, labelHint(mesh, host, labels));
      }
    }
  },
};
