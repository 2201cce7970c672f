import type { KubeObject } from '#domain';
import type { PodObject } from '../kube-types.ts';

/** Contents by key or file name. */
export type Files = ReadonlyMap<string, Buffer>;
const none: Files = new Map();

/** A field of the pod by the downward API's path; empty when it has none. */
export function podField(
  pod: PodObject,
  path: string,
  ips: { readonly podIp: string; readonly hostIp: string },
): string {
  const bracket = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (bracket !== null) return pod.metadata[bracket[1] as 'labels' | 'annotations']?.[bracket[2] ?? ''] ?? '';
  const fields: Readonly<Record<string, string | undefined>> = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace,
    'metadata.uid': pod.metadata.uid,
    'spec.nodeName': pod.spec.nodeName,
    'spec.serviceAccountName': pod.spec.serviceAccountName,
    'status.podIP': ips.podIp,
    'status.podIPs': ips.podIp,
    'status.hostIP': ips.hostIp,
  };
  return fields[path] ?? '';
}

/** The keys of a ConfigMap. */
export function configMapFiles(object: KubeObject | undefined): Files {
  if (object === undefined) return none;
  const text = Object.entries((object['data'] ?? {}) as Record<string, string>);
  const binary = Object.entries((object['binaryData'] ?? {}) as Record<string, string>);
  return new Map([
    ...text.map(([key, value]) => [key, Buffer.from(value)] as const),
    ...binary.map(([key, value]) => [key, Buffer.from(value, 'base64')] as const),
  ]);
}

/** The keys of a Secret, decoded. */
export function secretFiles(object: KubeObject | undefined): Files {
  if (object === undefined) return none;
  const data = Object.entries((object['data'] ?? {}) as Record<string, string>);
  const plain = Object.entries((object['stringData'] ?? {}) as Record<string, string>);
  return new Map([
    ...data.map(([key, value]) => [key, Buffer.from(value, 'base64')] as const),
    ...plain.map(([key, value]) => [key, Buffer.from(value)] as const),
  ]);
}
