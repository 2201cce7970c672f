import type { KubeObject } from '#domain';
import { Field, specOf } from '../../rules/field.ts';
import type { Analyzer, Report } from '../analyzer.ts';
import {
  allContainers,
  DATAPLANE_MODE_LABEL,
  INJECT_LABEL,
  INJECTION_LABEL,
  proxyImage,
  REVISION_LABEL,
} from '../mesh/in-mesh.ts';
import type { MeshView } from '../mesh/mesh-view.ts';
import { fullName, namespaceOf, objectAnnotations, objectLabels } from '../mesh/objects.ts';

const SYSTEM_NAMESPACE = 'istio-system';

/** The ConfigMap with the injection values of a revision. */
export const injectorConfigMap = (revision: string | undefined): string =>
  revision === undefined || revision === '' || revision === 'default'
    ? 'istio-sidecar-injector'
    : `istio-sidecar-injector-${revision}`;

/** The values that an injector's ConfigMap holds as JSON; nothing when they are unreadable. */
export function injectorValues(configMap: KubeObject): Field {
  const { text } = new Field(configMap['data'], 'data').get('values');
  try {
    return new Field(JSON.parse(text) as unknown, '');
  } catch (error) {
    if (error instanceof SyntaxError) return new Field(undefined, '');
    throw error;
  }
}

/** Whether namespaces without a label are injected; undefined when no ConfigMap of the revision says. */
function enabledByDefault(mesh: MeshView, revision: string | undefined): boolean | undefined {
  const name = injectorConfigMap(revision);
  const configMap = mesh.of('ConfigMap').find((each) => each.metadata.name === name);
  return configMap && injectorValues(configMap).at('sidecarInjectorWebhook.enableNamespacesByDefault').isTrue;
}

function checkLabels(object: KubeObject, report: Report): void {
  const labels = objectLabels(object);
  const enabled = labels[INJECTION_LABEL];
  const others = enabled === undefined || enabled === 'enabled' ? [REVISION_LABEL, DATAPLANE_MODE_LABEL] : [];
  const present = [INJECTION_LABEL, ...others].filter((label) => labels[label] !== undefined);
  if (present.length < 2) return;
  const values = { labels: present.map((label) => `${label}=${labels[label]}`) };
  report('IST0123', { object, path: 'metadata.labels' }, values);
}

/** Namespaces labelled for injection; reports those that do not say. */
function injectedNamespaces(mesh: MeshView, report: Report): Set<string> {
  const injected = new Set<string>();
  let byDefault = false;
  for (const object of mesh.of('Namespace')) {
    const { name } = object.metadata;
    if (name === SYSTEM_NAMESPACE) continue;
    checkLabels(object, report);
    const labels = objectLabels(object);
    if (labels[DATAPLANE_MODE_LABEL] === 'ambient') continue;
    byDefault = enabledByDefault(mesh, labels[REVISION_LABEL]) ?? byDefault;
    const label = labels[INJECTION_LABEL] ?? '';
    if (label === 'enabled') injected.add(name);
    else if (label === '' && labels[REVISION_LABEL] === undefined) {
      const place = { object, path: 'metadata.name' };
      if (byDefault) report('IST0148', place, {});
      else report('IST0102', { ...place, line: 'metadata.name' }, { namespace: name });
    }
  }
  return injected;
}

/** IST0102, IST0103, IST0123 and IST0148: namespaces that are not labelled for injection, and pods that missed it. */
export const injection: Analyzer = {
  name: 'injection.Analyzer',
  codes: ['IST0102', 'IST0103', 'IST0123', 'IST0148'],
  analyze(mesh, report) {
    const injected = injectedNamespaces(mesh, report);
    for (const object of mesh.of('Pod')) {
      const spec = specOf(object);
      const asked = objectLabels(object)[INJECT_LABEL] ?? objectAnnotations(object)[INJECT_LABEL] ?? '';
      if (!injected.has(namespaceOf(object)) || asked.toLowerCase() === 'false') continue;
      if (spec.get('hostNetwork').isTrue || proxyImage(allContainers(spec)) !== '') continue;
      report('IST0103', { object, path: 'metadata.name' }, { pod: fullName(object) });
    }
  },
};
