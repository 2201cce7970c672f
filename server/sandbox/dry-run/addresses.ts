import { isIPv4 } from 'node:net';
import type { KubeObject, SocketAddress } from '#domain';
import type { PodObject } from '../kube-types.ts';

/** What a name outside the mesh resolves to: an address for documentation, RFC 5737. */
export const OUTSIDE_ADDRESS = '198.51.100.1';

interface ServiceShape extends KubeObject {
  readonly spec?: {
    readonly clusterIP?: string;
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly { readonly port: number; readonly targetPort?: number | string }[];
  };
}
interface SliceShape extends KubeObject {
  readonly endpoints?: readonly {
    readonly addresses?: readonly string[];
    readonly conditions?: { readonly ready?: boolean };
  }[];
}
interface ServiceEntryShape extends KubeObject {
  readonly spec?: {
    readonly hosts?: readonly string[];
    readonly addresses?: readonly string[];
    readonly endpoints?: readonly { readonly address?: string }[];
  };
}

/** The address behind a host name as a pod of this namespace resolves it. */
export function resolveHost(host: string, namespace: string, objects: readonly KubeObject[]): string {
  if (isIPv4(host)) return host;
  return serviceAddress(host, namespace, objects) ?? entryAddress(host, objects) ?? OUTSIDE_ADDRESS;
}

function serviceAddress(host: string, namespace: string, objects: readonly KubeObject[]): string | undefined {
  const [name = '', ns = namespace, ...rest] = host.replace(/\.$/, '').split('.');
  if (!['', 'svc', 'svc.cluster', 'svc.cluster.local'].includes(rest.join('.'))) return undefined;
  const service = objects.find(
    ({ kind, apiVersion, metadata }) =>
      kind === 'Service' && apiVersion === 'v1' && metadata.name === name && (metadata.namespace ?? 'default') === ns,
  ) as ServiceShape | undefined;
  if (service === undefined) return undefined;
  const { clusterIP } = service.spec ?? {};
  return clusterIP === 'None' ? firstEndpoint(service, objects) : clusterIP;
}

function firstEndpoint({ metadata }: ServiceShape, objects: readonly KubeObject[]): string | undefined {
  const slices = objects.filter(
    (object) =>
      object.kind === 'EndpointSlice' &&
      object.metadata.labels?.['kubernetes.io/service-name'] === metadata.name &&
      (object.metadata.namespace ?? 'default') === (metadata.namespace ?? 'default'),
  ) as SliceShape[];
  const endpoints = slices.flatMap(({ endpoints: listed = [] }) => listed);
  return endpoints.find(({ conditions }) => conditions?.ready !== false)?.addresses?.[0];
}

/** A ServiceEntry's own address, else that of its first endpoint. */
function entryAddress(host: string, objects: readonly KubeObject[]): string | undefined {
  for (const object of objects) {
    if (object.kind !== 'ServiceEntry') continue;
    const { hosts = [], addresses = [], endpoints = [] } = (object as ServiceEntryShape).spec ?? {};
    if (!hosts.some((pattern) => pattern === host || (pattern.startsWith('*.') && host.endsWith(pattern.slice(1)))))
      continue;
    const found = [
      ...addresses.map((address) => address.split('/')[0] ?? ''),
      ...endpoints.map(({ address }) => address ?? ''),
    ];
    return found.find(isIPv4);
  }
  return undefined;
}

/** Where the Service of Istio's own gateway charts leads, when no file describes it. */
const CHART_PORTS: Readonly<Record<number, readonly number[]>> = { 80: [8080], 443: [8443] };

/** The ports of a gateway's pod, likeliest first, behind the port that a client outside asks for, by the Services that select the pod. */
export function gatewayPorts(port: number, pod: PodObject, objects: readonly KubeObject[]): number[] {
  const { labels = {}, namespace } = pod.metadata;
  const behind = objects.flatMap((object) => {
    if (object.kind !== 'Service' || object.apiVersion !== 'v1' || object.metadata.namespace !== namespace) return [];
    const { selector = {}, ports = [] } = (object as ServiceShape).spec ?? {};
    const wanted = Object.entries(selector);
    if (wanted.length === 0 || !wanted.every(([label, value]) => labels[label] === value)) return [];
    return ports.filter((each) => each.port === port).map(({ targetPort }) => targetPort);
  });
  return [...behind.filter((target) => typeof target === 'number'), port, ...(CHART_PORTS[port] ?? [])];
}

export const destinationOf = (url: URL, ip: string): SocketAddress => ({ ip, port: portOf(url) });

export const portOf = (url: URL): number => (url.port !== '' ? Number(url.port) : url.protocol === 'https:' ? 443 : 80);
