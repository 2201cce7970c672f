import type { KubeObject } from '#domain';
import { type Field, specOf } from '../../rules/field.ts';
import type { Analyzer, Report } from '../analyzer.ts';
import { append } from '../mesh/lists.ts';
import type { MeshView } from '../mesh/mesh-view.ts';
import { fullName, type Labels, labelsOf } from '../mesh/objects.ts';
import { firstLabelPath, selectorText, selects } from '../mesh/selectors.ts';

interface Own {
  readonly object: KubeObject;
  readonly labels: Labels;
  /** The labels as text. */
  readonly selector: string;
}

/** What one Gateway serves at one port. */
interface Servers extends Own {
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
    for (const [port, servers] of own) append(byPort, port, servers);
  }
  return byPort;
}

/** Servers of a port by host and bind address. */
function byHost(servers: readonly Servers[]): Map<string, Servers[]> {
  const index = new Map<string, Servers[]>();
  for (const each of servers) {
    for (const [host, bind] of each.binds) {
      append(index, `${host} ${bind}`, each);
    }
  }
  return index;
}

/** Whether the two selectors mean one workload: the same text, or one within the other and a pod that both select. */
function shareWorkload(a: Own, b: Own, mesh: MeshView): boolean {
  if (a.selector === b.selector) return true;
  if (!a.selector.includes(b.selector) && !b.selector.includes(a.selector)) return false;
  return mesh.workloads.selected(a.labels).some((pod) => selects(b.labels, pod.labels));
}

/** A Gateway without servers is looked for among those that have some. */
function checkExists(gateway: Own, servers: Iterable<readonly Servers[]>, mesh: MeshView, report: Report): void {
  const { object, selector } = gateway;
  const field = specOf(object).get('selector');
  const hasServers = specOf(object).get('servers').items.length > 0;
  if (selector === '' || hasServers) return;
  for (const list of servers) if (list.some((each) => shareWorkload(gateway, each, mesh))) return;
  const place = { object, path: field.path, line: firstLabelPath(field) };
  report('IST0101', place, { reftype: 'selector', refval: selector });
}

/** Gateways with a host of this server at the same port, address and workload. */
function rivalsOf(gateway: Own, server: Field, candidates: ReadonlyMap<string, Servers[]>, mesh: MeshView): string[] {
  const bind = server.get('bind').text;
  const rivals = new Set(server.get('hosts').texts.flatMap((host) => candidates.get(`${host} ${bind}`) ?? []));
  return [...rivals]
    .filter((rival) => rival.object !== gateway.object && shareWorkload(gateway, rival, mesh))
    .map((rival) => fullName(rival.object))
    .sort();
}

/** IST0145, and IST0101 for a Gateway without servers: Gateways that serve one host at one port of one workload. */
export const gatewayConflicts: Analyzer = {
  name: 'gateway.ConflictingGatewayAnalyzer',
  codes: ['IST0101', 'IST0145'],
  analyze(mesh, report) {
    const servers = serversByPort(mesh);
    const candidates = new Map([...servers].map(([port, list]) => [port, byHost(list)]));
    for (const object of mesh.istio('Gateway')) {
      const labels = labelsOf(specOf(object).get('selector'));
      const gateway = { object, labels, selector: selectorText(labels) };
      checkExists(gateway, servers.values(), mesh, report);
      for (const server of specOf(object).get('servers').items) {
        const port = portOf(server);
        const gateways = rivalsOf(gateway, server, candidates.get(port) ?? new Map(), mesh).join(',');
        if (gateways === '') continue;
        const hosts = server.get('hosts');
        const values = { gateways, selector: gateway.selector, port, hosts: hosts.texts.join(',') };
        report('IST0145', { object, path: hosts.path }, values);
      }
    }
  },
};
