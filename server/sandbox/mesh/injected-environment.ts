import type { ContainerPort, EnvVar, PodObject } from '../kube-types.ts';
import { environmentOf, type ProxySettings, proxyConfigVariable } from './proxy-config.ts';

/** What stands behind a pod: the workload that istiod names it by. */
export interface PodOwner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
}

const POD: Omit<PodOwner, 'name'> = { apiVersion: 'v1', kind: 'Pod' };

/** A ReplicaSet's Deployment, else the controller, else the pod itself. Source: GetDeployMetaFromPod in istio pkg/kube. */
export function ownerOf({ metadata }: PodObject): PodOwner {
  const controller = (metadata.ownerReferences ?? []).find((reference) => reference.controller === true);
  if (controller === undefined) return { ...POD, name: metadata.name };
  const { apiVersion, kind, name } = controller;
  const hash = metadata.labels?.['pod-template-hash'];
  if (kind === 'ReplicaSet' && hash !== undefined && name.endsWith(`-${hash}`)) {
    return { apiVersion: 'apps/v1', kind: 'Deployment', name: name.slice(0, -hash.length - 1) };
  }
  return { apiVersion, kind, name };
}

export interface EnvironmentInput {
  readonly pod: PodObject;
  readonly settings: ProxySettings;
  readonly trustDomain: string;
  readonly role: 'sidecar' | 'router';
}

/** The variables of an injected proxy, in the order of Istio's templates. Source: injection-template.yaml of istio. */
export function injectedEnvironment({ pod, settings, trustDomain, role }: EnvironmentInput): EnvVar[] {
  const { annotations = {}, namespace } = pod.metadata;
  const owner = ownerOf(pod);
  const containers = appContainers(pod).join(',');
  const mode = annotations['sidecar.istio.io/interceptionMode'] ?? String(settings['interceptionMode'] ?? 'REDIRECT');
  const apps = { name: 'ISTIO_META_APP_CONTAINERS', ...(containers !== '' && { value: containers }) };
  const limits = [limit('GOMEMLIMIT', 'limits.memory'), limit('GOMAXPROCS', 'limits.cpu')];
  return [
    { name: 'PILOT_CERT_PROVIDER', value: 'istiod' },
    { name: 'CA_ADDR', value: 'istiod.istio-system.svc:15012' },
    field('POD_NAME', 'metadata.name'),
    field('POD_NAMESPACE', 'metadata.namespace'),
    field('INSTANCE_IP', 'status.podIP'),
    field('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
    field('HOST_IP', 'status.hostIP'),
    limit('ISTIO_CPU_LIMIT', 'limits.cpu'),
    proxyConfigVariable(settings),
    { name: 'ISTIO_META_POD_PORTS', value: podPorts(pod) },
    ...(role === 'sidecar' ? [apps, ...limits] : [...limits, apps]),
    { name: 'ISTIO_META_CLUSTER_ID', value: 'Kubernetes' },
    field('ISTIO_META_NODE_NAME', 'spec.nodeName'),
    { name: 'ISTIO_META_INTERCEPTION_MODE', value: mode },
    { name: 'ISTIO_META_WORKLOAD_NAME', value: owner.name },
    { name: 'ISTIO_META_OWNER', value: ownerPath(owner, namespace ?? 'default') },
    { name: 'ISTIO_META_MESH_ID', value: trustDomain },
    { name: 'TRUST_DOMAIN', value: trustDomain },
    ...environmentOf(settings),
  ];
}

export const PROXY_CONTAINER = 'istio-proxy';

/** Names of the containers beside the proxy. */
export const appContainers = ({ spec }: PodObject): string[] =>
  spec.containers.map(({ name }) => name).filter((name) => name !== PROXY_CONTAINER);

const field = (name: string, fieldPath: string): EnvVar => ({ name, valueFrom: { fieldRef: { fieldPath } } });

const limit = (name: string, resource: string): EnvVar => ({
  name,
  valueFrom: { resourceFieldRef: { divisor: '1', resource } },
});

const ownerPath = ({ apiVersion, kind, name }: PodOwner, namespace: string): string =>
  `kubernetes://apis/${apiVersion}/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`;

/** A list with one port a line. */
function podPorts({ spec }: PodObject): string {
  const ports = spec.containers.flatMap(({ ports = [] }) => ports).map((port) => JSON.stringify(inOrder(port)));
  return ['[', ...ports.map((port, i) => `    ${i > 0 ? ',' : ''}${port}`), ']'].join('\n');
}

const inOrder = ({ name, containerPort, protocol, ...rest }: ContainerPort): object => ({
  ...(name !== undefined && { name }),
  ...('hostPort' in rest && { hostPort: rest.hostPort }),
  containerPort,
  ...(protocol !== undefined && { protocol }),
});
