import type { KubeObject } from '#domain';
import { specOf } from '../rules/field.ts';
import type { Analyzer } from './analyzer.ts';
import { fullHost, type MeshView, namespaceOf } from './mesh-view.ts';

interface Claim {
  readonly object: KubeObject;
  readonly path: string;
  readonly host: string;
  /** Namespaces that see the rule; `*` is all. */
  readonly scopes: readonly string[];
}

function meshClaims(mesh: MeshView): Claim[] {
  return mesh.istio('VirtualService').flatMap((object) => {
    const spec = specOf(object);
    const namespace = namespaceOf(object);
    const gateways = spec.get('gateways').texts;
    if (gateways.length > 0 && !gateways.includes('mesh')) return [];
    const exported = spec.get('exportTo').texts.map((each) => (each === '.' ? namespace : each));
    const scopes = exported.length > 0 ? exported : ['*'];
    return spec
      .get('hosts')
      .items.map((host) => ({ object, path: host.path, host: fullHost(host.text, namespace), scopes }));
  });
}

const overlap = (a: Claim, b: Claim): boolean =>
  a.scopes.includes('*') || b.scopes.includes('*') || a.scopes.some((scope) => b.scopes.includes(scope));

/** IST0109: VirtualServices that sidecars see for one host. */
export const meshHosts: Analyzer = {
  name: 'virtualservice.ConflictingMeshGatewayHostsAnalyzer',
  codes: ['IST0109'],
  analyze(mesh, report) {
    const byHost = Map.groupBy(meshClaims(mesh), (claim) => claim.host);
    const reported = new Set<KubeObject>();
    for (const [host, claims] of byHost) {
      for (const claim of claims) {
        const rivals = claims.filter((each) => each.object !== claim.object && overlap(each, claim));
        if (rivals.length === 0 || reported.has(claim.object)) continue;
        reported.add(claim.object);
        const names = new Set(
          [claim, ...rivals].map((each) => `${namespaceOf(each.object)}/${each.object.metadata.name}`),
        );
        report('IST0109', claim, {
          virtualServices: [...names].sort().join(','),
          host: `${claim.scopes[0] ?? '*'}/${host}`,
        });
      }
    }
  },
};
