import { type Field, specOf } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import { PROXY_CONTAINER } from '../mesh/in-mesh.ts';
import type { MeshView } from '../mesh/mesh-view.ts';
import { type Labels, labelsOf, namespaceOf, objectLabels } from '../mesh/objects.ts';
import { labelSelectorMatches } from '../mesh/selectors.ts';
import { webhooksOf } from './webhooks.ts';

/** The container that waits for injection to replace its image. */
const autoContainer = (podSpec: Field): Field | undefined =>
  podSpec
    .get('containers')
    .items.find((each) => each.get('name').text === PROXY_CONTAINER && each.get('image').text === 'auto');

function namespaceLabels(mesh: MeshView, name: string): Labels {
  const object = mesh.namespaceObject(name === '' ? 'default' : name);
  return object ? objectLabels(object) : {};
}

/** IST0146 and IST0147: `image: auto` that no injection replaces: too late in a Pod, without a matching webhook in a Deployment. */
export const imageAuto: Analyzer = {
  name: 'injection.ImageAutoAnalyzer',
  codes: ['IST0146', 'IST0147'],
  analyze(mesh, report) {
    const webhooks = mesh.mutatingWebhooks
      .flatMap(webhooksOf)
      .filter((webhook) => webhook.get('name').text.endsWith('istio.io'));
    for (const object of mesh.of('Pod')) {
      const container = autoContainer(specOf(object));
      const values = { kind: 'Pod', name: object.metadata.name };
      if (container) report('IST0147', { object, path: `${container.path}.image` }, values);
    }
    for (const object of mesh.of('Deployment', 'apps')) {
      const template = specOf(object).get('template');
      const container = autoContainer(template.get('spec'));
      if (!container) continue;
      const namespace = namespaceLabels(mesh, namespaceOf(object));
      const pod = labelsOf(template.at('metadata.labels'));
      const isInjected = webhooks.some(
        (each) =>
          labelSelectorMatches(each.get('namespaceSelector'), namespace) &&
          labelSelectorMatches(each.get('objectSelector'), pod),
      );
      const values = { kind: 'Deployment', name: object.metadata.name };
      if (!isInjected) report('IST0146', { object, path: `${container.path}.image` }, values);
    }
  },
};
