import type { KubeObject } from '#domain';
import { Field, specOf } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import { append } from '../mesh/lists.ts';
import type { MeshView } from '../mesh/mesh-view.ts';
import { fullName } from '../mesh/objects.ts';
import { scopesOf } from './mesh-hosts.ts';

/** Whether the mesh gives addresses to ServiceEntries that have none. */
function allocatesAddresses({ settings: { proxyMetadata } }: MeshView): boolean {
  if (proxyMetadata['ISTIO_META_DNS_CAPTURE'] !== 'true') return false;
  return (
    proxyMetadata['ISTIO_META_DNS_AUTO_ALLOCATE'] === 'true' || proxyMetadata['PILOT_ENABLE_IP_AUTOALLOCATE'] === 'true'
  );
}

const hasAddresses = (entry: KubeObject): boolean =>
  specOf(entry).get('addresses').items.length > 0 ||
  new Field(entry.status, 'status').get('addresses').items.length > 0;

/** IST0134: TCP ports of a ServiceEntry without addresses, which catch every connection to the port number. */
export const serviceEntryAddresses: Analyzer = {
  name: 'serviceentry.Analyzer',
  codes: ['IST0134'],
  analyze(mesh, report) {
    if (allocatesAddresses(mesh)) return;
    for (const object of mesh.istio('ServiceEntry')) {
      if (hasAddresses(object)) continue;
      for (const port of specOf(object).get('ports').items) {
        const protocol = port.get('protocol').text.toUpperCase();
        if (protocol !== '' && protocol !== 'TCP') continue;
        report('IST0134', { object, path: port.path, line: port.get('name').path }, {});
      }
    }
  },
};

interface Claim {
  readonly object: KubeObject;
  readonly path: string;
  readonly protocol: string;
}

/** Who says what about a port of a host, by scope. */
function claimsByScope(mesh: MeshView): Map<string, Map<string, Claim[]>> {
  const claims = new Map<string, Map<string, Claim[]>>();
  for (const object of mesh.istio('ServiceEntry')) {
    const spec = specOf(object);
    for (const scope of scopesOf(object)) {
      const byPort = claims.get(scope) ?? new Map<string, Claim[]>();
      claims.set(scope, byPort);
      for (const host of spec.get('hosts').texts) {
        for (const port of spec.get('ports').items) {
          const key = `${host} ${port.get('number').number}`;
          const claim = { object, path: port.path, protocol: port.get('protocol').text.toUpperCase() };
          append(byPort, key, claim);
        }
      }
    }
  }
  return claims;
}

/** IST0177: ServiceEntries that give one port of one host different protocols. */
export const serviceEntryProtocols: Analyzer = {
  name: 'serviceentry.ConflictingServiceEntryProtocolAnalyzer',
  codes: ['IST0177'],
  analyze(mesh, report) {
    const claims = claimsByScope(mesh);
    const reported = new Set<KubeObject>();
    for (const [scope, byPort] of claims) {
      for (const [key, own] of byPort) {
        const all = scope === '*' ? own : [...own, ...(claims.get('*')?.get(key) ?? [])];
        const protocols = [...new Set(all.map(({ protocol }) => protocol))].sort();
        if (protocols.length < 2) continue;
        const [host = '', port = ''] = key.split(' ');
        const entries = [...new Set(all.map(({ object }) => fullName(object)))].sort().join(', ');
        for (const { object, path } of all) {
          if (reported.has(object)) continue;
          reported.add(object);
          const values = { entries, host, port, protocols: protocols.join(', ') };
          report('IST0177', { object, path, line: 'metadata.name' }, values);
        }
      }
    }
  },
};
