import type { KubeObject } from '#domain';
import { type Field, specOf } from '../../rules/field.ts';
import type { Analyzer, Report } from '../analyzer.ts';
import { hasSidecar, isAmbientPod } from '../mesh/in-mesh.ts';
import { type MeshView, SECURITY } from '../mesh/mesh-view.ts';
import { labelsOf, namespaceOf } from '../mesh/objects.ts';
import { selectorText } from '../mesh/selectors.ts';
import { type Workload, WorkloadIndex } from '../mesh/workloads.ts';

/** Pods that a policy can reach. A pod to come is one where nothing is known of its namespace. */
function meshPods(mesh: MeshView): WorkloadIndex {
  const isReached = (pod: Workload): boolean =>
    hasSidecar(pod, mesh) ||
    isAmbientPod(pod.annotations) ||
    (pod.isTemplate && mesh.partial && mesh.namespaceObject(pod.namespace) === undefined);
  return new WorkloadIndex(mesh.workloads.all.filter(isReached));
}

function checkSelector(object: KubeObject, pods: WorkloadIndex, mesh: MeshView, report: Report): void {
  const selector = specOf(object).get('selector');
  const isMeshWide = namespaceOf(object) === mesh.settings.rootNamespace;
  if (isMeshWide && !selector.exists) return;
  const labels = labelsOf(selector.get('matchLabels'));
  if (pods.has(labels, isMeshWide ? undefined : namespaceOf(object))) return;
  report('IST0127', { object, path: selector.exists ? selector.path : 'spec' }, { labels: selectorText(labels) });
}

/** Whether a namespace has this name: as a whole, as its start (`prod-*`) or its end (`*-prod`). */
function namespaceMatches(name: string, pattern: string): boolean {
  if (pattern === '*') return true;
  if (pattern.startsWith('*')) return name.endsWith(pattern.slice(1));
  if (pattern.endsWith('*')) return name.startsWith(pattern.slice(0, -1));
  return name.toLowerCase() === pattern.toLowerCase();
}

function checkNamespaces(object: KubeObject, mesh: MeshView, report: Report): void {
  const namespaces = mesh.of('Namespace').map(({ metadata }) => metadata.name);
  if (mesh.partial && namespaces.length === 0) return;
  const exact = new Set(namespaces);
  const isKnown = (pattern: string): boolean =>
    exact.has(pattern) || namespaces.some((name) => namespaceMatches(name, pattern));
  const check = (field: Field, line: string): void => {
    if (isKnown(field.text)) return;
    report('IST0101', { object, path: field.path, line }, { reftype: 'namespace', refval: field.text });
  };
  for (const rule of specOf(object).get('rules').items) {
    for (const from of rule.get('from').items) {
      const named = from.at('source.namespaces').items;
      for (const field of named) check(field, field.path);
      const others = from.at('source.notNamespaces').items;
      for (const [index, field] of others.entries()) check(field, `${from.path}.source.namespaces[${index}]`);
    }
  }
}

/** IST0101 and IST0127: AuthorizationPolicies that reach no workload, or name a namespace that is not there. */
export const authorizationPolicies: Analyzer = {
  name: 'auth.AuthorizationPoliciesAnalyzer',
  codes: ['IST0101', 'IST0127'],
  analyze(mesh, report) {
    const pods = meshPods(mesh);
    for (const object of mesh.of('AuthorizationPolicy', SECURITY)) {
      checkSelector(object, pods, mesh, report);
      checkNamespaces(object, mesh, report);
    }
  },
};
