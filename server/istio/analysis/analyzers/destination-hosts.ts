import type { KubeObject } from '#domain';
import { specOf } from '../../rules/field.ts';
import type { Analyzer, Report } from '../analyzer.ts';
import type { MeshView } from '../mesh/mesh-view.ts';
import { fullName, namespaceOf } from '../mesh/objects.ts';
import type { MeshHost } from '../mesh/service-hosts.ts';
import { mirrorDestinations, routeDestinations, type UsedDestination } from './destinations-of.ts';
import { hostAdvice } from './host-advice.ts';

const portList = (ports: readonly number[]): string => ports.map((port) => `port ${port}`).join(' and ') || 'no port';

function checkPort(object: KubeObject, used: UsedDestination, host: MeshHost, report: Report): void {
  const { destination } = used;
  const name = destination.get('host').text;
  const line = used.line === undefined ? {} : { line: used.line };
  if (!destination.get('port').exists) {
    if (host.ports.length < 2) return;
    report('IST0112', { object, path: destination.path, ...line }, { host: name, ports: host.ports });
    return;
  }
  const port = destination.at('port.number');
  if (host.ports.includes(port.number)) return;
  const [only, ...others] = host.ports;
  const hint = `${name} has ${portList(host.ports)}: use the Service's port, not the target port.`;
  const repair =
    only !== undefined && others.length === 0
      ? { title: `Use port ${only}`, path: port.path, text: String(only) }
      : undefined;
  const values = { reftype: 'host:port', refval: `${name}:${port.number}` };
  report('IST0101', { object, path: port.path, ...line }, values, { hint, repair });
}

function checkDestinations(object: KubeObject, mesh: MeshView, report: Report): void {
  const namespace = namespaceOf(object);
  const exportTo = specOf(object).get('exportTo').texts;
  for (const used of [...routeDestinations(object), ...mirrorDestinations(object)]) {
    const name = used.destination.get('host');
    const host = mesh.hosts.find({ host: name.text, namespace, exportTo });
    if (host) checkPort(object, used, host, report);
    else {
      const values = { reftype: used.mirror ? 'mirror host' : 'host', refval: name.text };
      const place = { object, path: name.path, ...(used.line === undefined ? {} : { line: used.line }) };
      report('IST0101', place, values, hostAdvice(name, namespace, mesh));
    }
  }
}

/** VirtualServices that choose a subset of one of their own hosts, by that host. */
function subsetChoosers(mesh: MeshView): Map<string, Set<string>> {
  const choosers = new Map<string, Set<string>>();
  for (const object of mesh.istio('VirtualService')) {
    const hosts = new Set(specOf(object).get('hosts').texts);
    for (const rule of specOf(object).get('http').items) {
      for (const route of rule.get('route').items) {
        const host = route.at('destination.host').text;
        if (route.at('destination.subset').text === '' || !hosts.has(host)) continue;
        choosers.set(host, (choosers.get(host) ?? new Set()).add(fullName(object)));
      }
    }
  }
  return choosers;
}

/** A route of a gateway's VirtualService to a host whose subsets are chosen elsewhere does not pass that choice. */
function checkSubsets(object: KubeObject, choosers: ReadonlyMap<string, Set<string>>, report: Report): void {
  const spec = specOf(object);
  if (spec.get('gateways').items.length === 0) return;
  for (const rule of spec.get('http').items) {
    for (const route of rule.get('route').items) {
      const destination = route.get('destination');
      if (destination.get('subset').text !== '') continue;
      for (const chooser of choosers.get(destination.get('host').text) ?? []) {
        const values = { subsetVirtualService: chooser, virtualService: fullName(object) };
        report('IST0140', { object, path: destination.path }, values);
      }
    }
  }
}

/** IST0101, IST0112 and IST0140: hosts, ports and subsets that a VirtualService sends to. */
export const destinationHosts: Analyzer = {
  name: 'virtualservice.DestinationHostAnalyzer',
  codes: ['IST0101', 'IST0112', 'IST0140'],
  analyze(mesh, report) {
    const choosers = subsetChoosers(mesh);
    for (const object of mesh.istio('VirtualService')) {
      checkDestinations(object, mesh, report);
      checkSubsets(object, choosers, report);
    }
  },
};
