import type { KubeObject, SocketAddress } from '#domain';
import type { KubeStore } from '#kube-api';
import {
  addressOf,
  isReady,
  keyOf,
  matchesLabels,
  nameOf,
  type PodObject,
  SERVICE_NAME_LABEL,
  type ServiceObject,
  type ServicePort,
  slicesOf,
} from '../kube-types.ts';
import type { AddressPool } from '../network/addresses.ts';
import { createWorkQueue } from './work-queue.ts';

export interface ServiceControllerOptions {
  readonly store: KubeStore;
  readonly addresses: AddressPool;
  readonly onError: (what: string, error: unknown) => void;
}

/** Gives each Service its cluster address and keeps its EndpointSlices equal to the ready pods that it selects. */
export function startServiceController({ store, addresses, onError }: ServiceControllerOptions): () => void {
  const held = new Map<string, string>();
  const queue = createWorkQueue({
    reconcile: (key, changeId) => writeSlices(store, key, changeId),
    onError: (key, error) => onError(`service ${key}`, error),
    pace: 'calm',
  });
  const allocation = createWorkQueue({
    reconcile: (key, changeId) => allocate({ store, addresses, held, changeId }, key),
    onError: (key, error) => onError(`service ${key}`, error),
  });
  const stops = [
    store.watch('Service', ({ object, changeId }) => {
      allocation.add(keyOf(object), changeId);
      queue.add(keyOf(object), changeId);
    }),
    store.watch('Pod', ({ object, changeId }) => {
      for (const service of store.list('Service', { namespace: object.metadata.namespace ?? '' }) as ServiceObject[]) {
        if (matchesLabels(service.spec.selector, object.metadata)) queue.add(keyOf(service), changeId);
      }
    }),
  ];
  return () => {
    for (const stop of stops) stop();
    queue.stop();
    allocation.stop();
  };
}

interface Allocation {
  readonly store: KubeStore;
  readonly addresses: AddressPool;
  readonly held: Map<string, string>;
  readonly changeId: string;
}

function allocate({ store, addresses, held, changeId }: Allocation, key: string): void {
  const service = store.get('Service', nameOf(key)) as ServiceObject | undefined;
  if (service === undefined) {
    const ip = held.get(key);
    if (ip !== undefined) addresses.release(ip);
    held.delete(key);
    return;
  }
  const { clusterIP, type } = service.spec;
  if (type === 'ExternalName' || clusterIP === 'None') return;
  if (clusterIP !== undefined && clusterIP !== '') {
    if (!held.has(key) && addresses.take(clusterIP)) held.set(key, clusterIP);
    return;
  }
  const ip = held.get(key) ?? addresses.next();
  held.set(key, ip);
  store.patch('Service', nameOf(key), { spec: { clusterIP: ip, clusterIPs: [ip] } }, { changeId });
  if (type === 'LoadBalancer') {
    store.updateStatus('Service', nameOf(key), { loadBalancer: { ingress: [{ ip }] } }, { changeId });
  }
}

interface Group {
  readonly ports: readonly { readonly name: string; readonly port: number; readonly protocol: string }[];
  readonly pods: PodObject[];
}

function writeSlices(store: KubeStore, key: string, changeId: string): void {
  const name = nameOf(key);
  const service = store.get('Service', name) as ServiceObject | undefined;
  const present = slicesOf(store, name);
  const groups = service === undefined || service.spec.selector === undefined ? [] : groupPods(store, service);
  const wanted = service === undefined ? [] : groups.map((group, index) => slice(service, group, index));
  for (const object of wanted) {
    const old = present.find(({ metadata }) => metadata.name === object.metadata.name);
    if (old === undefined) store.create(object, { changeId });
    else if (JSON.stringify([old.endpoints, old.ports]) !== JSON.stringify([object['endpoints'], object['ports']])) {
      store.update({ ...old, endpoints: object['endpoints'], ports: object['ports'] } as KubeObject, { changeId });
    }
  }
  // A Service without selector has slices that somebody wrote by hand.
  if (service !== undefined && service.spec.selector === undefined) return;
  for (const old of present) {
    if (!wanted.some(({ metadata }) => metadata.name === old.metadata.name)) {
      store.delete('EndpointSlice', addressOf(old), { changeId });
    }
  }
}

/** Pods whose named ports come out the same share a slice; a Service with no ready pod keeps one empty slice. */
function groupPods(store: KubeStore, service: ServiceObject): Group[] {
  const groups = new Map<string, Group>();
  for (const pod of store.list('Pod', { namespace: service.metadata.namespace ?? '' }) as PodObject[]) {
    if (!matchesLabels(service.spec.selector, pod.metadata) || !isReady(pod)) continue;
    const ports = (service.spec.ports ?? []).flatMap((port) => {
      const target = targetPort(port, pod);
      return target === undefined ? [] : [endpointPort(port, target)];
    });
    const signature = JSON.stringify(ports);
    const group = groups.get(signature) ?? { ports, pods: [] };
    group.pods.push(pod);
    groups.set(signature, group);
  }
  if (groups.size > 0) return [...groups.values()];
  return [
    {
      ports: (service.spec.ports ?? []).map((port) =>
        endpointPort(port, Number(port.targetPort ?? port.port) || port.port),
      ),
      pods: [],
    },
  ];
}

const endpointPort = (port: ServicePort, target: number) => ({
  name: port.name ?? '',
  port: target,
  protocol: port.protocol ?? 'TCP',
  ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
});

/** The pod's port behind a Service port: a number, or the name of one of its container ports. */
export function targetPort(port: ServicePort, pod: PodObject): SocketAddress['port'] | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target;
  if (/^\d+$/.test(target)) return Number(target);
  return pod.spec.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === target)?.containerPort;
}

function slice(service: ServiceObject, { ports, pods }: Group, index: number): KubeObject {
  const { name, namespace = '', uid = '', labels } = service.metadata;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${index + 1}`,
      namespace,
      labels: {
        ...labels,
        [SERVICE_NAME_LABEL]: name,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid, controller: true }],
    },
    addressType: 'IPv4',
    endpoints: pods
      .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
      .map((pod) => ({
        addresses: [pod.status?.podIP ?? ''],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: pod.spec.nodeName ?? '',
        targetRef: { kind: 'Pod', name: pod.metadata.name, namespace, uid: pod.metadata.uid ?? '' },
      })),
    ports,
  };
}
