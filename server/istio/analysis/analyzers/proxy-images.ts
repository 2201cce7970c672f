import { parse } from 'yaml';
import type { KubeObject } from '#domain';
import { Field, specOf } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import { allContainers, INJECTION_LABEL, PROXY_CONTAINER, REVISION_LABEL } from '../mesh/in-mesh.ts';
import { append } from '../mesh/lists.ts';
import type { MeshView } from '../mesh/mesh-view.ts';
import { fullName, labelsOf, namespaceOf, objectAnnotations, objectLabels } from '../mesh/objects.ts';
import { selects } from '../mesh/selectors.ts';
import { injectorConfigMap, injectorValues } from './injection.ts';

/** The proxy's image that an injector puts into pods. */
function configuredImage(configMap: KubeObject): string {
  const global = injectorValues(configMap).get('global');
  const image = global.at('proxy.image').text;
  return image.includes('/') ? image : `${global.get('hub').text}/${image}:${global.get('tag').text}`;
}

const imageTypeOf = (spec: Field): string => spec.at('image.imageType').text;

/** The image type of the annotation proxy.istio.io/config; empty when it has none or is no YAML. */
function annotatedType(pod: KubeObject): string {
  const text = objectAnnotations(pod)['proxy.istio.io/config'] ?? '';
  try {
    return imageTypeOf(new Field(parse(text, { logLevel: 'error' }) as unknown, ''));
  } catch (error) {
    if (error instanceof Error && error.name === 'YAMLParseError') return '';
    throw error;
  }
}

/** Which variant of the image each pod is to have: from the mesh, the root namespace, the namespace, the workload, the pod itself. */
function variants(mesh: MeshView): (pod: KubeObject) => string {
  const root = mesh.settings.rootNamespace;
  const configs = mesh.istio('ProxyConfig');
  const inRoot = configs.filter((each) => namespaceOf(each) === root).at(-1);
  const others = configs.filter((each) => namespaceOf(each) !== root);
  return (pod) => {
    const labels = objectLabels(pod);
    const own = others.filter((each) => namespaceOf(each) === namespaceOf(pod));
    const ofNamespace = own.filter((each) => !specOf(each).get('selector').exists).at(-1);
    const ofWorkload = own.filter((each) => {
      const selector = specOf(each).get('selector');
      return selector.exists && selects(labelsOf(selector.get('matchLabels')), labels);
    });
    const chosen = [inRoot, ofNamespace, ...ofWorkload].map((each) => (each ? imageTypeOf(specOf(each)) : ''));
    const type = [mesh.settings.proxyImageType, ...chosen, annotatedType(pod)].findLast((each) => each !== '') ?? '';
    return type === 'default' ? '' : type;
  };
}

/** The injector's ConfigMap of each namespace with injection. */
function injectorByNamespace(mesh: MeshView): Map<string, string> {
  const injectors = new Map<string, string>();
  for (const object of mesh.of('Namespace')) {
    const labels = objectLabels(object);
    const revision = labels[REVISION_LABEL];
    if (labels[INJECTION_LABEL] === 'enabled' || revision !== undefined) {
      injectors.set(object.metadata.name, injectorConfigMap(revision));
    }
  }
  return injectors;
}

/** IST0158: namespaces with pods whose proxy is not the one that injection would give them now. */
export const proxyImages: Analyzer = {
  name: 'injection.ImageAnalyzer',
  codes: ['IST0158'],
  analyze(mesh, report) {
    const configMaps = mesh.of('ConfigMap').filter((each) => each.metadata.name.startsWith('istio-sidecar-injector'));
    if (configMaps.length === 0) return;
    const images = new Map(configMaps.map((each) => [each.metadata.name, configuredImage(each)]));
    const injectors = injectorByNamespace(mesh);
    const variantOf = variants(mesh);
    const outdated = new Map<string, string[]>();
    for (const pod of mesh.of('Pod')) {
      const namespace = namespaceOf(pod);
      const expected = images.get(injectors.get(namespace) ?? '');
      if (expected === undefined || (objectAnnotations(pod)['sidecar.istio.io/proxyImage'] ?? '') !== '') continue;
      const allowed = [expected, `${expected}-${variantOf(pod)}`];
      for (const container of allContainers(specOf(pod))) {
        if (container.get('name').text !== PROXY_CONTAINER || allowed.includes(container.get('image').text)) continue;
        append(outdated, namespace, pod.metadata.name);
      }
    }
    for (const object of mesh.of('Namespace')) {
      const pods = outdated.get(fullName(object));
      if (pods) report('IST0158', { object, path: 'metadata.name' }, { pods: pods.sort() });
    }
  },
};
