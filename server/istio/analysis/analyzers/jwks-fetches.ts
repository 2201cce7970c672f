import { specOf } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import { SECURITY } from '../mesh/mesh-view.ts';
import { fullName, objectLabels } from '../mesh/objects.ts';

const VARIABLE = 'BLOCKED_CIDRS_IN_JWKS_URIS';
const SHOWN = 5;

function listed(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).join(', ');
  return names.length <= SHOWN ? shown : `${shown}, and ${names.length - SHOWN} more`;
}

/** IST0175: a control plane that would fetch keys from any address that a RequestAuthentication names. */
export const jwksFetches: Analyzer = {
  name: 'authn.BlockedCIDRsAnalyzer',
  codes: ['IST0175'],
  analyze(mesh, report) {
    const names = mesh.of('RequestAuthentication', SECURITY).map(fullName);
    if (names.length === 0) return;
    for (const object of mesh.of('Deployment', 'apps')) {
      if (objectLabels(object)['app'] !== 'istiod') continue;
      const containers = specOf(object).at('template.spec.containers').items;
      const isRestricted = containers.some((container) =>
        container.get('env').items.some((each) => each.get('name').text === VARIABLE && each.get('value').text !== ''),
      );
      const values = { count: names.length, names: listed(names) };
      if (!isRestricted) report('IST0175', { object, path: 'spec.template.spec.containers' }, values);
    }
  },
};
