import type { KubeObject } from '#domain';
import { specOf } from '../../rules/field.ts';
import { hostsMatch } from '../../rules/hosts.ts';
import type { Analyzer } from '../analyzer.ts';
import { append } from '../mesh/lists.ts';
import type { MeshView } from '../mesh/mesh-view.ts';
import { fullHost, fullName, namespaceOf } from '../mesh/objects.ts';

interface Claim {
  readonly object: KubeObject;
  readonly path: string;
}

/** Namespaces that see an object; `*` is all. */
export function scopesOf(object: KubeObject): string[] {
  const exportTo = specOf(object).get('exportTo').texts;
  if (exportTo.length === 0 || exportTo.includes('*')) return ['*'];
  return [...new Set(exportTo.map((each) => (each === '.' ? namespaceOf(object) : each)))];
}

/** Who claims a host on sidecars, by scope and host. */
function meshClaims(mesh: MeshView): Map<string, Map<string, Claim[]>> {
  const claims = new Map<string, Map<string, Claim[]>>();
  for (const object of mesh.istio('VirtualService')) {
    const spec = specOf(object);
    const gateways = spec.get('gateways').texts;
    if (gateways.length > 0 && !gateways.includes('mesh')) continue;
    for (const scope of scopesOf(object)) {
      const byHost = claims.get(scope) ?? new Map<string, Claim[]>();
      claims.set(scope, byHost);
      for (const field of spec.get('hosts').items) {
        const host = fullHost(field.text, namespaceOf(object));
        append(byHost, host, { object, path: field.path });
      }
    }
  }
  return claims;
}

/** Claims that every namespace sees and that overlap with the host. */
function* overlapping(host: string, everywhere: ReadonlyMap<string, Claim[]>, wildcards: readonly string[]) {
  if (host.startsWith('*')) {
    for (const [other, claims] of everywhere) if (hostsMatch(host, other)) yield* claims;
    return;
  }
  yield* everywhere.get(host) ?? [];
  for (const other of wildcards) if (hostsMatch(host, other)) yield* everywhere.get(other) ?? [];
}

/** IST0109: VirtualServices that sidecars see for one host. */
export const meshHosts: Analyzer = {
  name: 'virtualservice.ConflictingMeshGatewayHostsAnalyzer',
  codes: ['IST0109'],
  analyze(mesh, report) {
    const claims = meshClaims(mesh);
    const everywhere = claims.get('*') ?? new Map<string, Claim[]>();
    const wildcards = [...everywhere.keys()].filter((host) => host.startsWith('*'));
    const reported = new Set<KubeObject>();
    for (const [scope, byHost] of claims) {
      for (const [host, own] of byHost) {
        const all = scope === '*' ? own : [...own, ...overlapping(host, everywhere, wildcards)];
        if (all.length < 2) continue;
        const virtualServices = all
          .map(({ object }) => fullName(object))
          .sort()
          .join(',');
        for (const { object, path } of all) {
          if (reported.has(object)) continue;
          reported.add(object);
          report('IST0109', { object, path, line: 'metadata.name' }, { virtualServices, host: `${scope}/${host}` });
        }
      }
    }
  },
};
