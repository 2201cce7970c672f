import type { KubeObject } from '#domain';
import { type Field, specOf } from '../../rules/field.ts';
import type { Analyzer, Report } from '../analyzer.ts';

const ROUTES = new Set(['ROUTE_CONFIGURATION', 'HTTP_ROUTE']);
const REPLACEABLE = new Set(['NETWORK_FILTER', 'HTTP_FILTER', 'VIRTUAL_HOST']);

/** The filter that a patch is about: the name in its value, else the one that it matches. */
function filterName(patch: Field): string {
  const value = patch.at('patch.value');
  if (value.entries.length === 0) return '';
  const own = value.get('name');
  if (own.exists) return `value ${JSON.stringify(own.value)}`;
  return patch.at('match.listener.filterChain.filter.name').text;
}

/** The code of what is wrong with a patch; undefined when nothing is. `relative` is the code for a patch that depends on order. */
function problemOf(patch: Field, relative: string | undefined): string | undefined {
  const applyTo = patch.get('applyTo').text;
  switch (patch.at('patch.operation').text) {
    case 'ADD':
      return ROUTES.has(applyTo) ? 'IST0153' : undefined;
    case 'REMOVE':
      return ROUTES.has(applyTo) ? 'IST0154' : relative;
    case 'REPLACE':
      return REPLACEABLE.has(applyTo) ? relative : 'IST0152';
    case 'INSERT_BEFORE':
    case 'INSERT_AFTER':
      return relative;
    default:
      return undefined;
  }
}

/** Adds the filters that patches of a proxy version are about to `versioned`. */
function check(object: KubeObject, versioned: Set<string>, report: Report): void {
  const hasPriority = specOf(object).get('priority').number !== 0;
  for (const patch of specOf(object).get('configPatches').items) {
    if (!patch.get('patch').exists) return;
    const name = filterName(patch);
    const relative = versioned.has(name) ? 'IST0155' : 'IST0151';
    const code = problemOf(patch, hasPriority ? undefined : relative);
    if (code) report(code, { object, path: patch.get('patch').path }, {});
    if (patch.at('match.proxy.proxyVersion').text !== '') versioned.add(name);
  }
}

/** IST0151 to IST0155: patches whose operation does nothing, or depends on the order of EnvoyFilters. */
export const envoyFilters: Analyzer = {
  name: 'envoyfilter.EnvoyPatchAnalyzer',
  codes: ['IST0151', 'IST0152', 'IST0153', 'IST0154', 'IST0155'],
  analyze(mesh, report) {
    const versioned = new Set<string>();
    for (const object of mesh.istio('EnvoyFilter')) check(object, versioned, report);
  },
};
