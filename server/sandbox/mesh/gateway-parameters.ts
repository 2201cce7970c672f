import { parse } from 'yaml';
import type { KubeObject } from '#domain';
import { MeshworkError } from '#domain';
import { type KubeStore, patchStrategically } from '#kube-api';
import type { GatewaySpec } from './gateway-template.ts';
import { rootNamespace } from './system.ts';

const DEFAULTS_LABEL = 'gateway.istio.io/defaults-for-class';

/** Keys of a ConfigMap of parameters, each with the kind that its patch is for. */
const KINDS: Readonly<Record<string, string>> = {
  deployment: 'Deployment',
  service: 'Service',
  serviceAccount: 'ServiceAccount',
  horizontalPodAutoscaler: 'HorizontalPodAutoscaler',
  podDisruptionBudget: 'PodDisruptionBudget',
};
/** Made only where somebody says something of them. */
const ON_DEMAND = new Set(['HorizontalPodAutoscaler', 'PodDisruptionBudget']);

type Overlay = Readonly<Record<string, string>>;

/** Whether the ConfigMap says something of the Gateway's proxy: by the Gateway's own reference, or for all of its class. */
export function isParameters({ metadata }: KubeObject, gateway: KubeObject): boolean {
  const { infrastructure, gatewayClassName } = (gateway.spec ?? {}) as GatewaySpec;
  const own =
    infrastructure?.parametersRef?.name === metadata.name && metadata.namespace === gateway.metadata.namespace;
  return own || (metadata.namespace === rootNamespace && metadata.labels?.[DEFAULTS_LABEL] === gatewayClassName);
}

/**
 * What is said of the Gateway's proxy: of its class first, in the oldest ConfigMap that is labelled for it, then by its own reference.
 * Throws MeshworkError MW9313 in istiod's words for a reference that leads nowhere.
 */
export function overlaysFor(store: KubeStore, gateway: KubeObject<GatewaySpec>): readonly Overlay[] {
  const { infrastructure, gatewayClassName = '' } = gateway.spec ?? {};
  const [ofClass] = store
    .list('ConfigMap', { namespace: rootNamespace, labelSelector: `${DEFAULTS_LABEL}=${gatewayClassName}` })
    .sort((a, b) => ageOf(a) - ageOf(b) || (a.metadata.name < b.metadata.name ? -1 : 1));
  const overlays = ofClass === undefined ? [] : [dataOf(ofClass)];
  const reference = infrastructure?.parametersRef;
  if (reference === undefined) return overlays;
  const { group, kind, name } = reference;
  if (group !== '' || kind !== 'ConfigMap') {
    throw refused(`invalid parameters: unknown infrastructure parameters type ${group}/${kind}`);
  }
  const { namespace = '' } = gateway.metadata;
  const own = store.get('ConfigMap', { namespace, name });
  if (own === undefined) {
    throw refused(`parametersRef targeting configmap "${namespace}/${name}", but configmap does not exist`);
  }
  return [...overlays, dataOf(own)];
}

const ageOf = ({ metadata }: KubeObject): number => Date.parse(metadata.creationTimestamp ?? '') || 0;

const dataOf = (configMap: KubeObject): Overlay => (configMap['data'] as Overlay | undefined) ?? {};

const refused = (message: string): MeshworkError => new MeshworkError('MW9313', message);

/** The rendered objects under strategic merge patches; throws MeshworkError MW9313 for patches that istiod does not take. */
export function withOverlays(
  objects: readonly KubeObject[],
  overlays: readonly Overlay[],
  kinds: KubeStore['kinds'],
): readonly KubeObject[] {
  for (const key of overlays.flatMap((overlay) => Object.keys(overlay))) {
    if (KINDS[key] !== undefined) continue;
    throw refused(`unsupported overlay "${key}" (supported: [${Object.keys(KINDS).sort().join(' ')}])`);
  }
  return objects.flatMap((object) => {
    const key = Object.keys(KINDS).find((each) => KINDS[each] === object.kind) ?? '';
    const patches = overlays.flatMap((overlay) => overlay[key] ?? []);
    if (patches.length === 0) return ON_DEMAND.has(object.kind) ? [] : [object];
    return [patches.reduce((patched, text) => patchedBy(patched, text, kinds), object)];
  });
}

function patchedBy(object: KubeObject, text: string, kinds: KubeStore['kinds']): KubeObject {
  const kind = kinds.find(object.kind);
  if (kind === undefined) return object;
  let patch: unknown;
  try {
    patch = parse(text);
  } catch (cause) {
    throw new MeshworkError('MW9313', 'strategic merge patch failed: invalid YAML', { cause });
  }
  const patched = patchStrategically(kind, object, patch ?? {});
  if (identity(patched) !== identity(object)) throw refused('illegal metadata change');
  return patched;
}

/** The parts of an object's metadata that no patch may touch. */
const identity = ({ metadata }: KubeObject): string => {
  const { labels: _labels, annotations: _annotations, ...rest } = metadata;
  return JSON.stringify(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)));
};
