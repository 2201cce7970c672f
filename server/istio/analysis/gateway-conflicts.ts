import type { KubeObject } from '#domain';
import { type Field, specOf } from '../rules/field.ts';
import type { Analyzer } from './analyzer.ts';
import { labelsOf, namespaceOf } from './mesh-view.ts';

interface Server {
  readonly object: KubeObject;
  readonly server: Field;
  readonly selector: string;
  readonly port: number;
  readonly hosts: readonly string[];
  readonly bind: string;
}

function serversOf(object: KubeObject): Server[] {
  const labels = labelsOf(specOf(object).get('selector'));
  const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return specOf(object)
    .get('servers')
    .items.map((server) => ({
      object,
      server,
      selector: selector.sort().join(','),
      port: server.at('port.number').number,
      hosts: server.get('hosts').texts,
      bind: server.get('bind').text,
    }));
}

/** IST0145: two Gateways that serve the same host at the same port of the same pods. */
export const gatewayConflicts: Analyzer = {
  name: 'gateway.ConflictingGatewayAnalyzer',
  codes: ['IST0145'],
  analyze(mesh, report) {
    const servers = mesh.istio('Gateway').flatMap(serversOf);
    const groups = Map.groupBy(servers, ({ selector, port, bind }) => `${selector}~${port}~${bind}`);
    for (const each of servers) {
      const group = groups.get(`${each.selector}~${each.port}~${each.bind}`) ?? [];
      const rivals = group.filter(
        (other) => other.object !== each.object && other.hosts.some((host) => each.hosts.includes(host)),
      );
      if (rivals.length === 0) continue;
      const gateways = [...new Set(rivals.map(({ object }) => `${namespaceOf(object)}/${object.metadata.name}`))]
        .sort()
        .join(',');
      const values = { gateways, selector: each.selector, port: each.port, hosts: each.hosts.join(',') };
      report('IST0145', { object: each.object, path: each.server.get('hosts').path }, values);
    }
  },
};
