import { type Field, specOf } from '../../rules/field.ts';
import type { Advice, Analyzer } from '../analyzer.ts';
import type { MeshView } from '../mesh/mesh-view.ts';
import { namespaceOf } from '../mesh/objects.ts';
import { spellingAdvice } from '../spelling.ts';
import { mirrorDestinations, routeDestinations, serviceKey } from './destinations-of.ts';

/** Subsets that DestinationRules define, by Service. */
function subsetsByService(mesh: MeshView): Map<string, Set<string>> {
  const subsets = new Map<string, Set<string>>();
  for (const rule of mesh.istio('DestinationRule')) {
    const key = serviceKey(specOf(rule).get('host').text, namespaceOf(rule));
    const names = subsets.get(key) ?? new Set();
    subsets.set(key, names);
    for (const subset of specOf(rule).get('subsets').items) names.add(subset.get('name').text);
  }
  return subsets;
}

function subsetAdvice(subset: Field, host: string, defined: ReadonlySet<string> | undefined): Advice {
  if (!defined || defined.size === 0) {
    return { hint: `Create a DestinationRule for host ${host} with a subset ${subset.text}.` };
  }
  const known = [...defined].join(', ');
  const { hint, repair } = spellingAdvice(subset, defined);
  if (hint === undefined) return { hint: `The DestinationRule defines ${known}: add ${subset.text} to it.` };
  return { hint: `${hint} The DestinationRule defines ${known}.`, repair };
}

/** IST0101: subsets that no DestinationRule defines; requests for them are answered with 503 and flag NC. */
export const destinationSubsets: Analyzer = {
  name: 'virtualservice.DestinationRuleAnalyzer',
  codes: ['IST0101'],
  analyze(mesh, report) {
    const subsets = subsetsByService(mesh);
    for (const object of mesh.istio('VirtualService')) {
      for (const used of [...routeDestinations(object), ...mirrorDestinations(object)]) {
        const subset = used.destination.get('subset');
        const host = used.destination.get('host').text;
        const defined = subsets.get(serviceKey(host, namespaceOf(object)));
        if (subset.text === '' || defined?.has(subset.text)) continue;
        const reftype = `${used.mirror ? 'mirror' : 'host'}+subset in destinationrule`;
        const place = { object, path: subset.path, ...(used.line === undefined ? {} : { line: used.line }) };
        const advice = subsetAdvice(subset, host, defined);
        report('IST0101', place, { reftype, refval: `${host}+${subset.text}` }, advice);
      }
    }
  },
};
