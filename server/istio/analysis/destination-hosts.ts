import type { KubeObject } from '#domain';
import { serviceHostname } from '#domain';
import { didYouMean } from '../diagnostics/suggest.ts';
import type { Field } from '../rules/field.ts';
import type { Analyzer, Report } from './analyzer.ts';
import { destinationsOf } from './destinations-of.ts';
import { type MeshHost, type MeshView, namespaceOf } from './mesh-view.ts';

/** What the author of this host may have meant. */
export function hostHint(name: string, namespace: string, mesh: MeshView): string | undefined {
  const [first = '', second] = name.split('.');
  const elsewhere = mesh.servicesNamed(first).find((each) => namespaceOf(each) === (second ?? namespaceOf(each)));
  if (elsewhere && name.includes('.')) {
    return `Write the full name ${serviceHostname(first, namespaceOf(elsewhere))}: a name with a dot is taken as it is.`;
  }
  if (elsewhere) {
    const full = serviceHostname(first, namespaceOf(elsewhere));
    return `Write ${full}: the short name ${name} means a Service in namespace ${namespace}, the namespace of the rule.`;
  }
  const names = new Set([...mesh.of('Service')].map((each) => each.metadata.name));
  const meant = didYouMean(name, name.includes('.') ? mesh.hostNames : names);
  return meant === undefined ? undefined : `Did you mean ${meant}?`;
}

function checkPort(virtualService: KubeObject, destination: Field, host: MeshHost, report: Report): void {
  const name = destination.get('host').text;
  const port = destination.at('port.number');
  if (!destination.get('port').exists) {
    if (host.ports.length < 2) return;
    const ports = `[${host.ports.map((each) => each.number).join(' ')}]`;
    report('IST0112', { object: virtualService, path: destination.path }, { host: name, ports });
  } else if (!host.ports.some((each) => each.number === port.number)) {
    const values = { reftype: 'host:port', refval: `${name}:${port.number}` };
    const hint = `${name} has ${host.ports.map((each) => `port ${each.number}`).join(' and ') || 'no port'}: use the Service's port, not the target port.`;
    report('IST0101', { object: virtualService, path: port.path }, values, hint);
  }
}

/** IST0101 and IST0112: hosts and ports that a VirtualService sends to. */
export const destinationHosts: Analyzer = {
  name: 'virtualservice.DestinationHostAnalyzer',
  codes: ['IST0101', 'IST0112'],
  analyze(mesh, report) {
    for (const virtualService of mesh.istio('VirtualService')) {
      const namespace = namespaceOf(virtualService);
      for (const { destination, mirror } of destinationsOf(virtualService)) {
        const name = destination.get('host').text;
        const host = mesh.host(name, namespace);
        if (host) {
          checkPort(virtualService, destination, host, report);
          continue;
        }
        const values = { reftype: mirror ? 'mirror host' : 'host', refval: name };
        const at = { object: virtualService, path: destination.get('host').path };
        report('IST0101', at, values, hostHint(name, namespace, mesh));
      }
    }
  },
};
