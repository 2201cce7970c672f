import type { KubeObject } from '#domain';
import { type Field, specOf } from '../../rules/field.ts';
import type { Analyzer, Report } from '../analyzer.ts';
import { hasSidecar } from '../mesh/in-mesh.ts';
import type { MeshView } from '../mesh/mesh-view.ts';
import { fullName, labelsOf, namespaceOf, objectLabels } from '../mesh/objects.ts';
import { selects } from '../mesh/selectors.ts';
import { templateWorkload } from '../mesh/workloads.ts';

interface ServicePort {
  readonly service: string;
  readonly port: Field;
}

/** Ports of the Services with a selector, by namespace. */
function selectiveServices(mesh: MeshView): Map<string, KubeObject[]> {
  const selective = mesh.of('Service').filter((each) => specOf(each).get('selector').entries.length > 0);
  return Map.groupBy(selective, namespaceOf);
}

/** A target port's text; a port without one leads to its own number. */
function targetOf(port: Field): string {
  const target = String(port.get('targetPort').value ?? '');
  return target === '' || target === '0' ? String(port.get('port').number) : target;
}

function checkProtocols(object: KubeObject, ports: readonly ServicePort[], report: Report): void {
  for (const [number, sharing] of Map.groupBy(ports, ({ port }) => port.get('port').number)) {
    const protocols = new Set(sharing.map(({ port }) => port.get('protocol').text || 'TCP'));
    if (protocols.size < 2) continue;
    const services = sharing.map(({ service }) => service).sort();
    const values = { deployment: object.metadata.name, port: number, services };
    report('IST0116', { object, path: 'metadata.name', line: 'metadata.name' }, values);
  }
}

function checkTargets(object: KubeObject, ports: readonly ServicePort[], report: Report): void {
  for (const [targetPort, sharing] of Map.groupBy(ports, ({ port }) => targetOf(port))) {
    const byNumber = new Map(sharing.map(({ port, service }) => [port.get('port').number, service]));
    if (byNumber.size < 2) continue;
    const values = {
      deployment: object.metadata.name,
      services: [...byNumber.values()].sort(),
      targetPort,
      ports: [...byNumber.keys()].sort((a, b) => a - b),
    };
    report('IST0137', { object, path: 'metadata.name', line: 'metadata.name' }, values);
  }
}

/** IST0116 and IST0137: Services of one workload in the mesh that disagree about a port. */
export const deploymentServices: Analyzer = {
  name: 'deployment.MultiServiceAnalyzer',
  codes: ['IST0116', 'IST0137'],
  analyze(mesh, report) {
    const services = selectiveServices(mesh);
    for (const object of mesh.of('Deployment', 'apps')) {
      const workload = templateWorkload(object);
      const isWaypoint = objectLabels(object)['gateway.istio.io/managed'] === 'istio.io-mesh-controller';
      if (isWaypoint || !hasSidecar(workload, mesh)) continue;
      const ports = (services.get(workload.namespace) ?? [])
        .filter((service) => selects(labelsOf(specOf(service).get('selector')), workload.labels))
        .flatMap((service) =>
          specOf(service)
            .get('ports')
            .items.map((port) => ({ service: fullName(service), port })),
        );
      checkProtocols(object, ports, report);
      checkTargets(object, ports, report);
    }
  },
};
