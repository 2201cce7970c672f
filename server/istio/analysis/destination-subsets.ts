import { didYouMean } from '../diagnostics/suggest.ts';
import { specOf } from '../rules/field.ts';
import type { Analyzer } from './analyzer.ts';
import { destinationsOf } from './destinations-of.ts';
import { fullHost, type MeshView, namespaceOf } from './mesh-view.ts';

/** Subsets that DestinationRules define, by host. */
function subsetsByHost(mesh: MeshView): Map<string, Set<string>> {
  const subsets = new Map<string, Set<string>>();
  for (const rule of mesh.istio('DestinationRule')) {
    const host = fullHost(specOf(rule).get('host').text, namespaceOf(rule));
    const names = subsets.get(host) ?? new Set();
    subsets.set(host, names);
    for (const subset of specOf(rule).get('subsets').items) names.add(subset.get('name').text);
  }
  return subsets;
}

function subsetHint(name: string, host: string, defined: ReadonlySet<string> | undefined): string {
  if (!defined || defined.size === 0) return `Create a DestinationRule for host ${host} with a subset ${name}.`;
  const meant = didYouMean(name, defined);
  const known = [...defined].join(', ');
  return meant
    ? `Did you mean ${meant}? The DestinationRule defines ${known}.`
    : `The DestinationRule defines ${known}: add ${name} to it.`;
}

/** IST0101: subsets that no DestinationRule defines; requests for them are answered with 503 and flag NC. */
export const destinationSubsets: Analyzer = {
  name: 'virtualservice.DestinationRuleAnalyzer',
  codes: ['IST0101'],
  analyze(mesh, report) {
    const subsets = subsetsByHost(mesh);
    for (const virtualService of mesh.istio('VirtualService')) {
      for (const { destination, mirror } of destinationsOf(virtualService)) {
        const subset = destination.get('subset');
        const host = destination.get('host').text;
        const defined = subsets.get(fullHost(host, namespaceOf(virtualService)));
        if (subset.text === '' || defined?.has(subset.text)) continue;
        const reftype = mirror ? 'mirror+subset in destinationrule' : 'host+subset in destinationrule';
        const values = { reftype, refval: `${host}+${subset.text}` };
        report(
          'IST0101',
          { object: virtualService, path: subset.path },
          values,
          subsetHint(subset.text, host, defined),
        );
      }
    }
  },
};
