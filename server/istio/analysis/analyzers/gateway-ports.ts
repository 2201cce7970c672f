import { type Field, specOf } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import { append } from '../mesh/lists.ts';
import type { MeshView } from '../mesh/mesh-view.ts';
import { type Labels, labelsOf } from '../mesh/objects.ts';
import { firstLabelPath, selectorText, selects } from '../mesh/selectors.ts';
import type { Workload } from '../mesh/workloads.ts';

/** A target port as a number; 0 for a name. */
function targetNumber(port: Field): number {
  const { value } = port.get('targetPort');
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^[+-]?\d+$/.test(value) ? Number(value) : 0;
}

/** Ports under which the Services of these pods reach them, and the Services' own. */
function servicePorts(pods: readonly Workload[], services: ReadonlyMap<string, readonly ServicePorts[]>): Set<number> {
  const ports = new Set<number>();
  for (const pod of pods) {
    for (const service of services.get(pod.namespace) ?? []) {
      if (selects(service.selector, pod.labels)) for (const port of service.ports) ports.add(port);
    }
  }
  return ports;
}

interface ServicePorts {
  readonly selector: Labels;
  readonly ports: readonly number[];
}

function servicesByNamespace(mesh: MeshView): Map<string, ServicePorts[]> {
  const services = new Map<string, ServicePorts[]>();
  for (const service of mesh.of('Service')) {
    const tcp = specOf(service)
      .get('ports')
      .items.filter((port) => port.get('protocol').text === 'TCP');
    const own: ServicePorts = {
      selector: labelsOf(specOf(service).get('selector')),
      ports: tcp.flatMap((port) => [port.get('port').number, targetNumber(port)]).filter((port) => port !== 0),
    };
    const namespace = service.metadata.namespace ?? '';
    append(services, namespace, own);
  }
  return services;
}

/** IST0101 and IST0162: Gateways whose selector selects no pod, or whose ports no Service of their pods has. */
export const gatewayPorts: Analyzer = {
  name: 'gateway.IngressGatewayPortAnalyzer',
  codes: ['IST0101', 'IST0162'],
  analyze(mesh, report) {
    const services = servicesByNamespace(mesh);
    for (const object of mesh.istio('Gateway')) {
      const spec = specOf(object);
      const field = spec.get('selector');
      const labels = labelsOf(field);
      const selector = selectorText(labels);
      const line = firstLabelPath(field);
      const pods = mesh.workloads.selected(labels);
      if (pods.length === 0) {
        report('IST0101', { object, path: field.path, line }, { reftype: 'selector', refval: selector });
        continue;
      }
      const offered = servicePorts(pods, services);
      for (const server of spec.get('servers').items) {
        const port = server.get('port');
        if (!port.exists || offered.has(port.get('number').number)) continue;
        const values = { port: port.get('number').number, selector };
        report('IST0162', { object, path: `${port.path}.number`, line }, values);
      }
    }
  },
};
