import { specOf } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import type { MeshView } from '../mesh/mesh-view.ts';
import { type Labels, labelsOf, namespaceOf, objectLabels } from '../mesh/objects.ts';
import { selects } from '../mesh/selectors.ts';
import type { MeshHost } from '../mesh/service-hosts.ts';
import type { Workload } from '../mesh/workloads.ts';
import { hostAdvice } from './host-advice.ts';

const REGION = 'topology.kubernetes.io/region';
const ZONE = 'topology.kubernetes.io/zone';
const SUBZONE = 'topology.istio.io/subzone';
const HOSTNAME = 'kubernetes.io/hostname';
/** Labels that the registry adds to an endpoint from its pod's node. */
const FROM_NODE = new Set([REGION, ZONE, SUBZONE, HOSTNAME]);

/** A pod's labels with those of the node that it runs on: a subzone counts only below a zone. */
function withNodeLabels(pod: Workload, nodes: ReadonlyMap<string, Labels>): Labels {
  const nodeName = pod.spec.get('nodeName').text;
  const node = nodes.get(nodeName) ?? {};
  const { [REGION]: region = '', [ZONE]: zone = '', [SUBZONE]: subzone = '' } = node;
  return {
    ...pod.labels,
    ...(region === '' ? {} : { [REGION]: region }),
    ...(zone === '' ? {} : { [ZONE]: zone }),
    ...(zone === '' || subzone === '' ? {} : { [SUBZONE]: subzone }),
    ...(nodeName === '' ? {} : { [HOSTNAME]: nodeName }),
  };
}

/** Whether some pod has these labels, its node's included. */
function hasPods(labels: Labels, mesh: MeshView, nodes: ReadonlyMap<string, Labels>): boolean {
  if (!Object.keys(labels).some((key) => FROM_NODE.has(key))) return mesh.workloads.has(labels);
  const own = Object.fromEntries(Object.entries(labels).filter(([key]) => !FROM_NODE.has(key)));
  return mesh.workloads.selected(own).some((pod) => selects(labels, withNodeLabels(pod, nodes)));
}

/** Labels that the pods of the host have instead. */
export function labelHint(mesh: MeshView, host: MeshHost, wanted: Labels): string | undefined {
  if (Object.keys(host.selector).length === 0) return undefined;
  const pods = mesh.workloads.selected(host.selector, host.namespace);
  const key = Object.keys(wanted).find((label) => !pods.some((pod) => pod.labels[label] === wanted[label]));
  if (key === undefined || pods.length === 0) return undefined;
  const values = [...new Set(pods.map((pod) => pod.labels[key]).filter((value) => value !== undefined))].sort();
  return values.length === 0
    ? `No pod of ${host.host} has the label ${key}.`
    : `The pods of ${host.host} have ${key}: ${values.join(', ')}.`;
}

/** IST0173 and IST0174: hosts of DestinationRules, and whether each subset has pods. Manifests alone do not tell which pods there are. */
export const subsetPods: Analyzer = {
  name: 'destinationrule.SubsetSelectPodAnalyzer',
  codes: ['IST0173', 'IST0174'],
  analyze(mesh, report) {
    const nodes = new Map(mesh.of('Node').map((node) => [node.metadata.name, objectLabels(node)]));
    for (const object of mesh.istio('DestinationRule')) {
      const spec = specOf(object);
      const name = spec.get('host');
      const namespace = namespaceOf(object);
      const host = mesh.hosts.find({ host: name.text, namespace, exportTo: spec.get('exportTo').texts });
      if (!host) {
        report('IST0174', { object, path: name.path }, { host: name.text }, hostAdvice(name, namespace, mesh));
        continue;
      }
      const own = host.origin === 'ServiceEntry' ? host.selector : {};
      const byName = new Map(spec.get('subsets').items.map((subset) => [subset.get('name').text, subset]));
      for (const [subsetName, subset] of byName) {
        const labels = labelsOf(subset.get('labels'));
        if (mesh.partial || hasPods({ ...own, ...labels }, mesh, nodes)) continue;
        const hint = labelHint(mesh, host, labels);
        report('IST0173', { object, path: subset.get('labels').path }, { subset: subsetName }, { hint });
      }
    }
  },
};
