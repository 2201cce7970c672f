import { specOf } from '../rules/field.ts';
import type { Analyzer } from './analyzer.ts';
import { type MeshView, namespaceOf } from './mesh-view.ts';

const INJECTION = 'istio-injection';
const REVISION = 'istio.io/rev';
const MODE = 'istio.io/dataplane-mode';
const INJECT = 'sidecar.istio.io/inject';
/** Namespaces of the cluster itself, where nobody expects sidecars. */
const SYSTEM = new Set(['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage']);

/** Namespaces whose pods get a sidecar; reports those that do not say. */
function injectedNamespaces(mesh: MeshView, report: Parameters<Analyzer['analyze']>[1]): Set<string> {
  const injected = new Set<string>();
  for (const object of mesh.of('Namespace')) {
    const { name, labels = {} } = object.metadata;
    if (name === mesh.rootNamespace || SYSTEM.has(name)) continue;
    const enabled = labels[INJECTION];
    const present = [INJECTION, REVISION, MODE].filter((label) => labels[label] !== undefined);
    if (present.length > 1 && (enabled === undefined || enabled === 'enabled')) {
      const values = { labels: present.map((label) => `${label}=${labels[label]}`).join(' ') };
      report('IST0123', { object, path: 'metadata.labels' }, values);
    }
    if (labels[MODE] === 'ambient') continue;
    if (enabled === undefined && labels[REVISION] === undefined) {
      report('IST0102', { object, path: 'metadata.name' }, { namespace: name });
    } else if (enabled === 'enabled' || (enabled === undefined && labels[REVISION] !== undefined)) injected.add(name);
  }
  return injected;
}

/** IST0102, IST0103 and IST0123: namespaces that are not enabled for injection, and pods that missed it. */
export const injection: Analyzer = {
  name: 'injection.Analyzer',
  codes: ['IST0102', 'IST0103', 'IST0123'],
  analyze(mesh, report) {
    const injected = injectedNamespaces(mesh, report);
    for (const object of mesh.of('Pod')) {
      const { name, labels, annotations } = object.metadata;
      const asked = (labels?.[INJECT] ?? annotations?.[INJECT] ?? '').toLowerCase();
      const spec = specOf(object);
      if (!injected.has(namespaceOf(object)) || asked === 'false' || spec.get('hostNetwork').isTrue) continue;
      const containers = [...spec.get('containers').items, ...spec.get('initContainers').items];
      if (containers.some((container) => container.get('name').text === 'istio-proxy')) continue;
      report('IST0103', { object, path: 'metadata.name' }, { pod: `${namespaceOf(object)}/${name}` });
    }
  },
};
