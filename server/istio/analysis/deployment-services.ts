import type { KubeObject } from '#domain';
import { specOf } from '../rules/field.ts';
import type { Analyzer } from './analyzer.ts';
import { labelsOf, type MeshView, namespaceOf, selects } from './mesh-view.ts';

function servicesOf(mesh: MeshView, deployment: KubeObject): KubeObject[] {
  const labels = labelsOf(specOf(deployment).at('template.metadata.labels'));
  return mesh.of('Service').filter((service) => {
    const selector = labelsOf(specOf(service).get('selector'));
    const own = namespaceOf(service) === namespaceOf(deployment);
    return own && Object.keys(selector).length > 0 && selects(selector, labels);
  });
}

/** IST0137: Services of one workload that lead different ports to the same target port. */
export const deploymentServices: Analyzer = {
  name: 'deployment.MultiServiceAnalyzer',
  codes: ['IST0137'],
  analyze(mesh, report) {
    for (const object of mesh.of('Deployment', 'apps')) {
      const byTarget = new Map<string, Map<number, string>>();
      for (const service of servicesOf(mesh, object)) {
        for (const port of specOf(service).get('ports').items) {
          const number = port.get('port').number;
          const target = String(port.get('targetPort').value ?? number);
          const ports = byTarget.get(target) ?? new Map<number, string>();
          byTarget.set(target, ports.set(number, `${namespaceOf(service)}/${service.metadata.name}`));
        }
      }
      for (const [targetPort, ports] of byTarget) {
        if (ports.size < 2) continue;
        const services = [...ports.values()].sort().join(' ');
        const numbers = [...ports.keys()].sort((a, b) => a - b).join(' ');
        const values = { deployment: object.metadata.name, services, targetPort, ports: numbers };
        report('IST0137', { object, path: 'metadata.name' }, values);
      }
    }
  },
};
