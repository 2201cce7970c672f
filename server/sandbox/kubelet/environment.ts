import type { KubeStore } from '#kube-api';
import type { ContainerSpec, PodObject, ServiceObject } from '../kube-types.ts';

/** A container's environment: HOSTNAME, the Services of its namespace at that moment, then what the pod spec says. */
export function containerEnvironment(options: {
  readonly store: KubeStore;
  readonly pod: PodObject;
  readonly container: ContainerSpec;
  readonly podIp: string;
  readonly hostIp: string;
}): Record<string, string> {
  const { store, pod, container, podIp, hostIp } = options;
  const env: Record<string, string> = { HOSTNAME: pod.metadata.name };
  for (const { metadata, spec } of store.list('Service', {
    namespace: pod.metadata.namespace ?? '',
  }) as ServiceObject[]) {
    const port = spec.ports?.[0]?.port;
    if (port === undefined || spec.clusterIP === undefined || spec.clusterIP === 'None') continue;
    const prefix = metadata.name.toUpperCase().replaceAll('-', '_');
    env[`${prefix}_SERVICE_HOST`] = spec.clusterIP;
    env[`${prefix}_SERVICE_PORT`] = String(port);
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    const path = valueFrom?.fieldRef?.fieldPath;
    env[name] = path === undefined ? expand(value ?? '', env) : podField(pod, path, { podIp, hostIp });
  }
  return env;
}

/** `$(NAME)` of an earlier variable; unknown ones stay as they are. */
const expand = (value: string, env: Readonly<Record<string, string>>): string =>
  value.replace(/\$\((\w+)\)/g, (whole, name: string) => env[name] ?? whole);

function podField(pod: PodObject, path: string, ips: { podIp: string; hostIp: string }): string {
  const bracket = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (bracket !== null) return pod.metadata[bracket[1] as 'labels' | 'annotations']?.[bracket[2] ?? ''] ?? '';
  const fields: Readonly<Record<string, string | undefined>> = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace,
    'metadata.uid': pod.metadata.uid,
    'spec.nodeName': pod.spec.nodeName,
    'spec.serviceAccountName': pod.spec.serviceAccountName,
    'status.podIP': ips.podIp,
    'status.hostIP': ips.hostIp,
  };
  return fields[path] ?? '';
}
