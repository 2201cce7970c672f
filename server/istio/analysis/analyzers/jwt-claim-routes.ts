import type { KubeObject } from '#domain';
import { type Field, specOf } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import { append } from '../mesh/lists.ts';
import { type MeshView, NETWORKING, SECURITY } from '../mesh/mesh-view.ts';
import { fullName, type Labels, labelsOf, namespaceOf, referenceTo } from '../mesh/objects.ts';
import { selects } from '../mesh/selectors.ts';

const CLAIMS = '@request.auth.claims';
const ROOT = 'istio-system';

/** `@request.auth.claims.group` or `@request.auth.claims[group][name]`. */
function isClaim(header: string): boolean {
  if (!header.toLowerCase().startsWith(CLAIMS)) return false;
  const claim = header.slice(CLAIMS.length);
  return (claim.startsWith('.') && claim.length > 1) || (/^\[.*\]$/s.test(claim) && claim.length > 2);
}

/** The first header match that asks for a claim. */
function claimMatch(virtualService: KubeObject): { readonly header: string; readonly field: Field } | undefined {
  for (const rule of specOf(virtualService).get('http').items) {
    for (const match of rule.get('match').items) {
      for (const name of ['headers', 'withoutHeaders']) {
        const found = match.get(name).entries.find(([header]) => isClaim(header));
        if (found) return { header: found[0], field: found[1] };
      }
    }
  }
  return undefined;
}

function selectorsByNamespace(mesh: MeshView): Map<string, Labels[]> {
  const selectors = new Map<string, Labels[]>();
  for (const object of mesh.of('RequestAuthentication', SECURITY)) {
    const namespace = namespaceOf(object);
    const labels = labelsOf(specOf(object).at('selector.matchLabels'));
    append(selectors, namespace, labels);
  }
  return selectors;
}

/** IST0149: routes by a token's claims on gateways whose pods verify no token. */
export const jwtClaimRoutes: Analyzer = {
  name: 'virtualservice.JWTClaimRouteAnalyzer',
  codes: ['IST0149'],
  analyze(mesh, report) {
    const selectors = selectorsByNamespace(mesh);
    const isVerified = (namespace: string, labels: Labels): boolean =>
      [...(selectors.get(ROOT) ?? []), ...(selectors.get(namespace) ?? [])].some((each) => selects(each, labels));
    for (const object of mesh.istio('VirtualService')) {
      const claim = claimMatch(object);
      if (!claim) continue;
      for (const { text } of specOf(object).get('gateways').items) {
        const { namespace, name } = referenceTo(text, namespaceOf(object));
        const gateway = text === 'mesh' ? undefined : mesh.find('Gateway', NETWORKING, namespace, name);
        if (!gateway) continue;
        for (const pod of mesh.workloads.selected(labelsOf(specOf(gateway).get('selector')))) {
          if (isVerified(pod.namespace, pod.labels)) continue;
          const values = { key: claim.header, gateway: fullName(gateway), pod: pod.name };
          report('IST0149', { object, path: claim.field.path }, values);
        }
      }
    }
  },
};
