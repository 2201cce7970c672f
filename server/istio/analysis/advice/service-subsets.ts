import { specOf } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import { labelHint } from '../analyzers/subset-pods.ts';
import { labelsOf, namespaceOf } from '../mesh/objects.ts';

/** MW0502: subsets whose labels only pods of other services have; Istio's own analyzer is content with any pod. */
export const serviceSubsets: Analyzer = {
  name: 'meshwork.ServiceSubsets',
  codes: ['MW0502'],
  analyze(mesh, report) {
    for (const object of mesh.istio('DestinationRule')) {
      const spec = specOf(object);
      const exportTo = spec.get('exportTo').texts;
      const host = mesh.hosts.find({ host: spec.get('host').text, namespace: namespaceOf(object), exportTo });
      if (host?.origin !== 'Service' || Object.keys(host.selector).length === 0) continue;
      for (const subset of spec.get('subsets').items) {
        const labels = labelsOf(subset.get('labels'));
        const isElsewhere = mesh.partial || mesh.workloads.has(labels);
        if (!isElsewhere || mesh.workloads.has({ ...host.selector, ...labels }, host.namespace)) continue;
        const place = { object, path: subset.get('labels').path };
        const values = { subset: subset.get('name').text, host: host.host };
        report('MW0502', place, values, { hint: labelHint(mesh, host, labels) });
      }
    }
  },
};
