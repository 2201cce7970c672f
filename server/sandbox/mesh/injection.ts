import type { KubeStore } from '#kube-api';
import type { ContainerSpec, PodObject } from '../kube-types.ts';
import { captureRules } from '../network/capture-rules.ts';
import { rewriteProbes, rewritesProbes } from './probe-rewrite.ts';
import {
  effectiveProxySettings,
  environmentOf,
  imageOfType,
  type ProxySettings,
  proxyConfigVariable,
  readAnnotation,
} from './proxy-config.ts';
import { nodeName, proxyImage } from './system.ts';

export const PROXY_CONTAINER = 'istio-proxy';
export const INIT_CONTAINER = 'istio-init';

const SWITCH = 'sidecar.istio.io/inject';
const STATUS = 'sidecar.istio.io/status';

/**
 * What the API server and istiod's webhook do to a new pod, at creation and never later: the default service account, the node, and a
 * sidecar where the namespace or the pod asks for one.
 */
export function admitPod(store: KubeStore, pod: PodObject): PodObject {
  const spec = { ...pod.spec, serviceAccountName: pod.spec.serviceAccountName ?? 'default', nodeName };
  const admitted = { ...pod, spec };
  return wantsSidecar(store, pod) ? inject(admitted, settingsFor(store, pod)) : admitted;
}

/** The pod's own label or annotation decides; else the namespace's `istio-injection`, or `istio.io/rev` when that is absent. */
export function wantsSidecar(store: KubeStore, pod: PodObject): boolean {
  const { namespace = '', labels = {}, annotations = {} } = pod.metadata;
  if (annotations[STATUS] !== undefined || pod.spec.containers.some(({ name }) => name === PROXY_CONTAINER))
    return false;
  if (pod.spec['hostNetwork'] === true) return false;
  const own = labels[SWITCH] ?? annotations[SWITCH];
  if (own !== undefined) return own === 'true';
  if (namespace === 'kube-system') return false;
  const ofNamespace = store.get('Namespace', { namespace: '', name: namespace })?.metadata.labels ?? {};
  const injection = ofNamespace['istio-injection'];
  return injection === undefined ? ofNamespace['istio.io/rev'] === 'default' : injection === 'enabled';
}

/** `proxy.istio.io/config` on the pod: the application waits for its proxy. */
export const holdsApplication = ({ metadata }: PodObject): boolean =>
  readAnnotation(metadata.annotations?.['proxy.istio.io/config']).holdApplicationUntilProxyStarts === true;

const settingsFor = (store: KubeStore, { metadata }: PodObject): ProxySettings =>
  effectiveProxySettings(store, {
    namespace: metadata.namespace ?? '',
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
  });

function inject(pod: PodObject, settings: ProxySettings): PodObject {
  const { labels = {}, annotations = {} } = pod.metadata;
  const { containers, env } = rewritesProbes(pod)
    ? rewriteProbes(pod.spec.containers)
    : { containers: pod.spec.containers, env: undefined };
  const variables = environmentOf(settings);
  const image = imageOfType(proxyImage, settings, annotations);
  const proxy = {
    ...proxyContainer,
    image,
    env: [proxyConfigVariable(settings), ...(env === undefined ? [] : [env]), ...variables],
  };
  const init = {
    ...initContainer,
    image: imageOfType(proxyImage, {}, annotations),
    args: captureRules(annotations).args,
    ...(variables.length > 0 && { env: variables }),
  };
  const app =
    labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels['app'] ?? pod.metadata.name;
  const revision =
    labels['service.istio.io/canonical-revision'] ??
    labels['app.kubernetes.io/version'] ??
    labels['version'] ??
    'latest';
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: {
        ...labels,
        'security.istio.io/tlsMode': 'istio',
        'service.istio.io/canonical-name': app,
        'service.istio.io/canonical-revision': revision,
      },
      annotations: {
        ...annotations,
        'kubectl.kubernetes.io/default-container':
          annotations['kubectl.kubernetes.io/default-container'] ?? pod.spec.containers[0]?.name ?? '',
        [STATUS]: JSON.stringify({
          initContainers: [INIT_CONTAINER],
          containers: [PROXY_CONTAINER],
          revision: 'default',
        }),
      },
    },
    spec: {
      ...pod.spec,
      initContainers: [...(pod.spec.initContainers ?? []), init],
      // A proxy that the application waits for stands first.
      containers: holdsApplication(pod) ? [proxy, ...containers] : [...containers, proxy],
    },
  };
}

const initContainer: ContainerSpec = { name: INIT_CONTAINER, image: proxyImage };

const proxyContainer: ContainerSpec = {
  name: PROXY_CONTAINER,
  image: proxyImage,
  args: ['proxy', 'sidecar', '--domain', '$(POD_NAMESPACE).svc.cluster.local', '--proxyLogLevel=warning'],
  ports: [{ name: 'http-envoy-prom', containerPort: 15090, protocol: 'TCP' }],
  readinessProbe: { httpGet: { path: '/healthz/ready', port: 15021 }, periodSeconds: 15, failureThreshold: 4 },
};
