import type { KubeObject } from '#domain';
import { specOf } from '../../rules/field.ts';
import type { Analyzer, Report } from '../analyzer.ts';
import type { MeshView } from '../mesh/mesh-view.ts';
import { namespaceOf } from '../mesh/objects.ts';

/** Envoy's default. */
const DEFAULT_EJECTION_PERCENT = 10;

function check(object: KubeObject, mesh: MeshView, report: Report): void {
  const detection = specOf(object).at('trafficPolicy.outlierDetection');
  if (!detection.exists) return;
  const spec = specOf(object);
  const query = { host: spec.get('host').text, namespace: namespaceOf(object), exportTo: spec.get('exportTo').texts };
  const host = mesh.hosts.find(query);
  if (host?.origin !== 'Service' || Object.keys(host.selector).length === 0) return;
  const pods = mesh.workloads.selected(host.selector, host.namespace);
  const percent = detection.get('maxEjectionPercent').number || DEFAULT_EJECTION_PERCENT;
  // A Deployment to come may have any number of pods.
  if (pods.length === 0 || pods.some((each) => each.isTemplate) || (pods.length * percent) / 100 >= 1) return;
  const field = detection.get('maxEjectionPercent');
  const path = field.exists ? field.path : detection.path;
  const repair = field.exists ? { title: 'Allow all to be ejected', path: field.path, text: '100' } : undefined;
  report('MW0505', { object, path }, { count: pods.length, host: host.host, percent }, { repair });
}

/** MW0505: outlier detection that ejects nobody. */
export const outlierDetection: Analyzer = {
  name: 'meshwork.OutlierDetection',
  codes: ['MW0505'],
  analyze(mesh, report) {
    for (const object of mesh.istio('DestinationRule')) {
      check(object, mesh, report);
    }
  },
};
