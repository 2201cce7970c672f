import type { KubeObject } from '#domain';
import { type Field, specOf } from '../../rules/field.ts';
import type { Analyzer, Report } from '../analyzer.ts';
import { isControlPlane, PROXY_CONTAINER } from '../mesh/in-mesh.ts';
import { objectLabels } from '../mesh/objects.ts';

/** The user as whom the proxy runs; traffic of this user is not captured. */
const PROXY_USER = 1337;

function check(object: KubeObject, podSpec: Field, report: Report): void {
  if (isControlPlane(objectLabels(object))) return;
  const applications = podSpec
    .get('containers')
    .items.filter((each) => ![PROXY_CONTAINER, 'istio-operator'].includes(each.get('name').text));
  for (const each of [podSpec, ...applications]) {
    const user = each.at('securityContext.runAsUser');
    if (user.value === PROXY_USER) report('IST0144', { object, path: user.path }, {});
  }
}

/** IST0144: applications that run as the proxy's user, and so around it. */
export const applicationUser: Analyzer = {
  name: 'applicationUID.Analyzer',
  codes: ['IST0144'],
  analyze(mesh, report) {
    for (const pod of mesh.of('Pod')) check(pod, specOf(pod), report);
    for (const deployment of mesh.of('Deployment', 'apps')) {
      check(deployment, specOf(deployment).at('template.spec'), report);
    }
  },
};
