import type { KubeObject } from '#domain';
import { specOf } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import { SECURITY } from '../mesh/mesh-view.ts';
import { namespaceOf } from '../mesh/objects.ts';

const PRINCIPALS = ['requestPrincipals', 'notRequestPrincipals'];

/** Whether a policy asks who a token speaks for. */
const asksForToken = (policy: KubeObject): boolean =>
  specOf(policy)
    .get('rules')
    .items.some(
      (rule) =>
        rule.get('from').items.some((from) => PRINCIPALS.some((name) => from.at(`source.${name}`).exists)) ||
        rule.get('when').items.some((when) => when.get('key').text.startsWith('request.auth.')),
    );

/** MW0506: tokens that are checked when they are there, and never asked for. */
export const tokenDemand: Analyzer = {
  name: 'meshwork.TokenDemand',
  codes: ['MW0506'],
  analyze(mesh, report) {
    const asking = new Set(mesh.of('AuthorizationPolicy', SECURITY).filter(asksForToken).map(namespaceOf));
    const root = mesh.settings.rootNamespace;
    for (const object of mesh.of('RequestAuthentication', SECURITY)) {
      const namespace = namespaceOf(object);
      const isAsked = namespace === root ? asking.size > 0 : asking.has(namespace) || asking.has(root);
      if (isAsked || specOf(object).get('jwtRules').items.length === 0) continue;
      report('MW0506', { object, path: 'spec.jwtRules' }, { name: object.metadata.name });
    }
  },
};
