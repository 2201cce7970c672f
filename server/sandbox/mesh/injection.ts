import { readMeshConfig } from '#control-plane';
import type { KubeObject } from '#domain';
import { type KubeStore, patchStrategically } from '#kube-api';
import type { ContainerSpec, EnvVar, PodObject } from '../kube-types.ts';
import { chooseNode } from './choose-node.ts';
import { appContainers, ownerOf, PROXY_CONTAINER } from './injected-environment.ts';
import { gatewayParts, holds, INIT_CONTAINER, type InjectedParts, sidecarParts } from './injection-template.ts';
import { isNativeSidecar } from './native-sidecars.ts';
import { defaultTolerations, type Toleration } from './node-fit.ts';
import { rewriteProbes, rewritesProbes } from './probe-rewrite.ts';
import { prometheusMerge } from './prometheus-merge.ts';
import { settingsOfPod } from './proxy-config.ts';
import { rootNamespace } from './system.ts';

export { INIT_CONTAINER, PROXY_CONTAINER };

const SWITCH = 'sidecar.istio.io/inject';
const STATUS = 'sidecar.istio.io/status';
const OVERRIDES = 'proxy.istio.io/overrides';
const TEMPLATES = 'inject.istio.io/templates';
/** Source: IgnoredNamespaces in istio pkg/kube/inject. */
const NEVER_INJECTED: ReadonlySet<string> = new Set([
  'kube-system',
  'kube-public',
  'kube-node-lease',
  'local-path-storage',
]);

/**
 * What the API server and istiod's webhook do to a new pod, at creation and never later: the default service account, the node, and a
 * sidecar where the namespace or the pod asks for one.
 */
export function admitPod(store: KubeStore, pod: PodObject): PodObject {
  const admitted = admitPlain(store, pod);
  return wantsSidecar(store, pod) ? inject(store, admitted) : admitted;
}

/** The same without a sidecar. */
export function admitPlain(store: KubeStore, pod: PodObject): PodObject {
  const choice = chooseNode(store, pod);
  const { nodeName: _named, ...spec } = pod.spec;
  const placed = 'node' in choice ? { nodeName: choice.node } : {};
  const tolerations = [...((spec['tolerations'] ?? []) as Toleration[]), ...defaultTolerations(pod)];
  return {
    ...pod,
    spec: { ...spec, serviceAccountName: spec.serviceAccountName ?? 'default', tolerations, ...placed },
  };
}

/**
 * What the webhook makes of a pod that it is asked about. Who asks has decided that the namespace wants proxies; the pod itself may not
 * want one, and then it stays as it is. Source: injectRequired in istio pkg/kube/inject.
 */
export function injectedPod(store: KubeStore, pod: PodObject): PodObject {
  const { namespace = '', labels = {}, annotations = {} } = pod.metadata;
  if (pod.spec['hostNetwork'] === true || NEVER_INJECTED.has(namespace)) return pod;
  const own = labels[SWITCH] ?? annotations[SWITCH];
  return own === undefined || own === 'true' ? inject(store, pod) : pod;
}

/** Whether a pod has a proxy of the mesh, among its containers or as a sidecar container of Kubernetes. */
export const hasProxy = ({ spec }: PodObject): boolean =>
  [...spec.containers, ...(spec.initContainers ?? [])].some(({ name }) => name === PROXY_CONTAINER);

/** The pod's own label or annotation decides; else the namespace's `istio-injection`, or `istio.io/rev` when that is absent. */
export function wantsSidecar(store: KubeStore, pod: PodObject): boolean {
  const { namespace = '', labels = {}, annotations = {} } = pod.metadata;
  if (annotations[STATUS] !== undefined) return false;
  if (pod.spec['hostNetwork'] === true) return false;
  const own = labels[SWITCH] ?? annotations[SWITCH];
  if (own !== undefined) return own === 'true';
  if (namespace === 'kube-system') return false;
  const ofNamespace = store.get('Namespace', { namespace: '', name: namespace })?.metadata.labels ?? {};
  const injection = ofNamespace['istio-injection'];
  return injection === undefined ? ofNamespace['istio.io/rev'] === 'default' : injection === 'enabled';
}

/** As Istio's webhook: the template joined with the pod, then what the pod itself says of its proxy. Source: RunTemplate in istio. */
function inject(store: KubeStore, pod: PodObject): PodObject {
  const settings = settingsOfPod(store, pod);
  const mesh = readMeshConfig(store.get('ConfigMap', { namespace: rootNamespace, name: 'istio' }));
  const role = pod.metadata.annotations?.[TEMPLATES] === 'gateway' ? 'router' : 'sidecar';
  const input = { pod, settings, trustDomain: mesh.trustDomain, role } as const;
  const parts = role === 'router' ? gatewayParts(input) : sidecarParts(input, isNativeSidecar(store, pod));
  const { containers, env: probers } = rewritesProbes(pod)
    ? rewriteProbes(pod.spec.containers)
    : { containers: pod.spec.containers, env: undefined };
  const own = containers.find(({ name }) => name === PROXY_CONTAINER);
  const scraping = prometheusMerge(pod.metadata.annotations ?? {});
  const proxy = withOwn(store, parts.proxy, own, [...scraping.env, ...(probers === undefined ? [] : [probers])]);
  const others = containers.filter(({ name }) => name !== PROXY_CONTAINER);
  const ownInit = (pod.spec.initContainers ?? []).filter(({ name }) => name !== INIT_CONTAINER);
  // Init containers behind a proxy are a part of the mesh; without one they must come before capture.
  const init = parts.native ? [...parts.init, proxy, ...ownInit] : [...ownInit, ...parts.init];
  const { volumes = [] } = pod.spec as typeof pod.spec & { readonly volumes?: readonly object[] };
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: injectedLabels(pod, role),
      annotations: { ...injectedAnnotations(pod, parts, own), ...scraping.annotations },
    },
    spec: {
      ...(parts.securityContext && { securityContext: parts.securityContext }),
      ...pod.spec,
      ...(init.length > 0 && { initContainers: init }),
      containers: containersWith({ proxy, others, native: parts.native, first: holds(settings) }),
      volumes: [...volumes, ...parts.volumes],
    },
  };
}

/** A proxy that the application waits for stands first. */
function containersWith({
  proxy,
  others,
  native,
  first,
}: {
  readonly proxy: ContainerSpec;
  readonly others: readonly ContainerSpec[];
  readonly native: boolean;
  readonly first: boolean;
}): readonly ContainerSpec[] {
  if (native) return others;
  return first ? [proxy, ...others] : [...others, proxy];
}

/** The container that the pod itself calls its proxy, over that of the template; `image: auto` means the template's. */
function withOwn(
  store: KubeStore,
  template: ContainerSpec,
  own: ContainerSpec | undefined,
  added: readonly EnvVar[],
): ContainerSpec {
  const proxy = { ...template, env: [...(template.env ?? []), ...added] };
  const kind = store.kinds.find('Pod');
  if (own === undefined || kind === undefined) return proxy;
  const given = withoutAuto(own);
  // The template's elements come first in every list, and the pod's own values win.
  const merged = [proxy, given].reduce<KubeObject>(
    (pod, container) => patchStrategically(kind, pod, { spec: { containers: [container] } }),
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'merged' }, spec: { containers: [given] } },
  ) as PodObject;
  return merged.spec.containers[0] ?? proxy;
}

/** The order of a container's fields in Go's JSON. */
const FIELDS = ['name', 'image', 'command', 'args', 'workingDir', 'ports', 'envFrom', 'env', 'resources'];

/** What the pod says of its proxy, for those who inject again. */
function overridesOf(own: ContainerSpec, native: boolean): string {
  const given = { resources: {}, ...withoutAuto(own) };
  const rank = (field: string): number => (FIELDS.includes(field) ? FIELDS.indexOf(field) : FIELDS.length);
  const entries = Object.entries(given).sort(([a], [b]) => rank(a) - rank(b));
  return JSON.stringify({ [native ? 'initContainers' : 'containers']: [Object.fromEntries(entries)] });
}

function withoutAuto({ image, ...fields }: ContainerSpec): Partial<ContainerSpec> {
  return image === 'auto' ? fields : { ...fields, image };
}

function injectedLabels(pod: PodObject, role: 'sidecar' | 'router'): Record<string, string> {
  const { labels = {} } = pod.metadata;
  const app =
    labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels['app'] ?? ownerOf(pod).name;
  const revision =
    labels['service.istio.io/canonical-revision'] ??
    labels['app.kubernetes.io/version'] ??
    labels['version'] ??
    'latest';
  return {
    ...(role === 'sidecar' && { 'security.istio.io/tlsMode': 'istio' }),
    ...labels,
    'service.istio.io/canonical-name': app,
    'service.istio.io/canonical-revision': revision,
  };
}

function injectedAnnotations(
  pod: PodObject,
  parts: InjectedParts,
  own: ContainerSpec | undefined,
): Record<string, string> {
  const [first] = appContainers(pod);
  const init = [...parts.init.map(({ name }) => name), ...(parts.native ? [PROXY_CONTAINER] : [])];
  return {
    ...(first !== undefined && {
      'kubectl.kubernetes.io/default-container': first,
      'kubectl.kubernetes.io/default-logs-container': first,
    }),
    ...pod.metadata.annotations,
    'istio.io/rev': 'default',
    ...(own !== undefined && { [OVERRIDES]: overridesOf(own, parts.native) }),
    [STATUS]: JSON.stringify({
      initContainers: init.length > 0 ? init : null,
      containers: parts.native ? null : [PROXY_CONTAINER],
      volumes: parts.volumes.map(({ name }) => name),
      imagePullSecrets: null,
      revision: 'default',
    }),
  };
}
