import type { KubeObject } from '#domain';
import { type Field, specOf } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import type { MeshView } from '../mesh/mesh-view.ts';
import { fullName, type Labels, labelsOf } from '../mesh/objects.ts';
import { firstLabelPath, selectorText, selects } from '../mesh/selectors.ts';

/** What one Gateway serves at one port. */
interface Servers {
  readonly object: KubeObject;
  readonly labels: Labels;
  readonly selector: string;
  /** Bind address by host. */
  readonly binds: ReadonlyMap<string, string>;
}

const portOf = (server: Field): number => server.at('port.number').number;

/** Servers by port; of several servers of one Gateway at one port, the last stands for all. */
function serversByPort(mesh: MeshView): Map<number, Servers[]> {
  const byPort = new Map<number, Servers[]>();
  for (const object of mesh.istio('Gateway')) {
    const labels = labelsOf(specOf(object).get('selector'));
    const own = new Map<number, Servers>();
    for (const server of specOf(object).get('servers').items) {
      const bind = server.get('bind').text;
      const binds = new Map(server.get('hosts').texts.map((host) => [host, bind]));
      own.set(portOf(server), { object, labels, selector: selectorText(labels), binds });
    }
    for (const [port, servers] of own) byPort.set(port, [...(byPort.get(port) ?? []), servers]);
  }
  return byPort;
}

/** Servers of a port by host and bind address. */
function byHost(servers: readonly Servers[]): Map<string, Servers[]> {
  const index = new Map<string, Servers[]>();
  for (const each of servers) {
    for (const [host, bind] of each.binds) {
      const key = `${host} ${bind}`;
      const list = index.get(key);
      if (list) list.push(each);
      else index.set(key, [each]);
    }
  }
  return index;
}

/** Whether the two selectors mean one workload: the same text, or one within the other and a pod that both select. */
function shareWorkload(a: Pick<Servers, 'selector' | 'labels'>, b: Servers, mesh: MeshView): boolean {
  if (a.selector === b.selector) return true;
  if (!a.selector.includes(b.selector) && !b.selector.includes(a.selector)) return false;
  return mesh.workloads.selected(a.labels).some((pod) => selects(b.labels, pod.labels));
}

/** IST0145, and IST0101 for a Gateway without servers: Gateways that serve one host at one port of one workload. */
export const gatewayConflicts: Analyzer = {
  name: 'gateway.ConflictingGatewayAnalyzer',
  codes: ['IST0101', 'IST0145'],
  analyze(mesh, report) {
    const servers = serversByPort(mesh);
    const ports = new Map([...servers].map(([port, list]) => [port, byHost(list)]));
    for (const object of mesh.istio('Gateway')) {
      const spec = specOf(object);
      const selectorField = spec.get('selector');
      const labels = labelsOf(selectorField);
      const selector = selectorText(labels);
      const own = spec.get('servers').items;
      // A Gateway without servers is looked for among those that have some.
      const isFound =
        own.length > 0 || [...servers.values()].flat().some((each) => shareWorkload({ selector, labels }, each, mesh));
      if (selector !== '' && !isFound) {
        const place = { object, path: selectorField.path, line: firstLabelPath(selectorField) };
        report('IST0101', place, { reftype: 'selector', refval: selector });
      }
      for (const server of own) {
        const hosts = server.get('hosts').texts;
        const rivals = new Set(
          hosts.flatMap((host) => ports.get(portOf(server))?.get(`${host} ${server.get('bind').text}`) ?? []),
        );
        const gateways = [...rivals]
          .filter((rival) => rival.object !== object && shareWorkload({ selector, labels }, rival, mesh))
          .map((rival) => fullName(rival.object))
          .sort();
        if (gateways.length === 0) continue;
        const values = {
          gateways: gateways.join(','),
          selector,
          port: portOf(server),
          hosts: hosts.join(','),
        };
        report('IST0145', { object, path: server.get('hosts').path }, values);
      }
    }
  },
};
