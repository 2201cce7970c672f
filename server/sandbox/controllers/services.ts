import { isIPv4 } from 'node:net';
import { type Clock, hashLabel, type KubeObject, type SocketAddress, type Timer } from '#domain';
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
  /**
   * A pod that becomes ready so soon is listed then; absent: each is listed unready as soon as it has its address, as by Kubernetes. Proxies take
   * a change of health alone up to a second late, as Envoy does, so that pods which start more quickly than on any cluster would be missing
   * when everybody is told that they are ready.
   */
  readonly startsWithin?: {
    readonly clock: Clock;
    readonly ms: number;
    /** Somebody waits for all pods: each that is not ready yet is going to be, however long this machine takes. */
    readonly awaited: () => boolean;
  };
}

/** Gives each Service its cluster address and keeps its EndpointSlices equal to the pods that it selects, ready or not. */
export function startServiceController(options: ServiceControllerOptions): () => void {
  const { store, addresses, onError } = options;
  const held = new Map<string, string>();
  const look = (pod: PodObject, changeId: string): void => {
    for (const service of store.list('Service', { namespace: pod.metadata.namespace ?? '' }) as ServiceObject[]) {
      if (matchesLabels(service.spec.selector, pod.metadata)) queue.add(keyOf(service), changeId);
    }
  };
  const starting = new StartingPods(options, look);
  const queue = createWorkQueue({
    reconcile: (key, changeId) => writeSlices({ store, starting, changeId }, key),
    onError: (key, error) => onError(`service ${key}`, error),
    pace: 'calm',
  });
  const allocation = createWorkQueue({
    reconcile: (key, changeId) => {
      const freed = (): void => {
        for (const service of store.list('Service') as ServiceObject[]) {
          if (service.spec.loadBalancerIP) allocation.add(keyOf(service), changeId);
        }
      };
      allocate({ store, addresses, held, changeId, freed }, key);
    },
    onError: (key, error) => onError(`service ${key}`, error),
  });
  const stops = [
    store.watch('Service', ({ object, changeId }) => {
      allocation.add(keyOf(object), changeId);
      queue.add(keyOf(object), changeId);
    }),
    store.watch('Pod', ({ type, object, changeId }) => {
      if (type === 'DELETED') starting.forget(object as PodObject);
      look(object as PodObject, changeId);
    }),
  ];
  return () => {
    for (const stop of stops) stop();
    starting.stop();
    queue.stop();
    allocation.stop();
  };
}

interface Allocation {
  readonly store: KubeStore;
  readonly addresses: AddressPool;
  readonly held: Map<string, string>;
  readonly changeId: string;
  /** Called when an address is free again, for which somebody may wait. */
  readonly freed: () => void;
}

function allocate(run: Allocation, key: string): void {
  const { store, changeId } = run;
  const service = store.get('Service', nameOf(key)) as ServiceObject | undefined;
  if (service === undefined) {
    release(run, key);
    release(run, balancerKey(key));
    return;
  }
  const ip = clusterIpOf(run, key, service);
  if (ip === undefined) return;
  const ports = withNodePorts(store, service);
  const spec = {
    ...(ip === service.spec.clusterIP ? {} : { clusterIP: ip, clusterIPs: [ip] }),
    ...(ports && { ports }),
  };
  if (Object.keys(spec).length > 0) store.patch('Service', nameOf(key), { spec }, { changeId });
  const outside = balancerIpOf(run, key, { service, clusterIp: ip });
  const balanced = outside === undefined ? {} : { ingress: [{ ip: outside, ipMode: 'VIP' }] };
  store.updateStatus('Service', nameOf(key), { ...(service.status as object), loadBalancer: balanced }, { changeId });
}

/** The address of a Service that has one, taken from the pool when it is new. */
function clusterIpOf({ addresses, held }: Allocation, key: string, service: ServiceObject): string | undefined {
  const { clusterIP, type } = service.spec;
  if (type === 'ExternalName' || clusterIP === 'None') return undefined;
  if (clusterIP !== undefined && clusterIP !== '') {
    if (!held.has(key) && addresses.take(clusterIP)) held.set(key, clusterIP);
    return clusterIP;
  }
  const ip = held.get(key) ?? addresses.next();
  held.set(key, ip);
  return ip;
}

const balancerKey = (key: string): string => `${key} balancer`;

function release({ addresses, held, freed }: Allocation, key: string): void {
  const ip = held.get(key);
  if (ip === undefined) return;
  addresses.release(ip);
  held.delete(key);
  freed();
}

/**
 * Where the load balancer stands: at the address that the Service asks for, or else at its cluster address. Undefined while somebody else has
 * the wanted address, or it is none of this sandbox's: as on a cluster whose load balancer gives addresses of its own range, the Service waits.
 */
function balancerIpOf(
  run: Allocation,
  key: string,
  { service, clusterIp }: { readonly service: ServiceObject; readonly clusterIp: string },
): string | undefined {
  const { addresses, held } = run;
  const { type, loadBalancerIP = '' } = service.spec;
  const wanted = type === 'LoadBalancer' && loadBalancerIP !== clusterIp ? loadBalancerIP : '';
  const place = balancerKey(key);
  if (held.get(place) !== undefined && held.get(place) !== wanted) release(run, place);
  if (type !== 'LoadBalancer') return undefined;
  if (wanted === '' || held.has(place)) return wanted || clusterIp;
  if (!isIPv4(wanted) || !addresses.take(wanted)) return undefined;
  held.set(place, wanted);
  return wanted;
}

const NODE_PORTS = { first: 30_000, count: 2768 } as const;

/**
 * The ports with a node port each where the type wants them, and without where it does not (a Service may have had another type before);
 * undefined when nothing is to be changed.
 */
function withNodePorts(store: KubeStore, { spec, metadata }: ServiceObject): ServicePort[] | undefined {
  const { type, ports = [] } = spec;
  if (type !== 'NodePort' && type !== 'LoadBalancer') {
    if (ports.every(({ nodePort }) => nodePort === undefined)) return undefined;
    return ports.map(({ nodePort: _given, ...port }) => port);
  }
  if (ports.every(({ nodePort }) => nodePort)) return undefined;
  const taken = new Set(
    (store.list('Service') as ServiceObject[]).flatMap((other) =>
      (other.spec.ports ?? []).map((port) => port.nodePort),
    ),
  );
  return ports.map((port) => {
    if (port.nodePort) return port;
    // Where the search begins depends on the name alone, so that a mesh that is built again gets the same numbers.
    let step = hashLabel(`${metadata.namespace}/${metadata.name}/${port.port}`) % NODE_PORTS.count;
    while (taken.has(NODE_PORTS.first + step)) step = (step + 1) % NODE_PORTS.count;
    taken.add(NODE_PORTS.first + step);
    return { ...port, nodePort: NODE_PORTS.first + step };
  });
}

interface Group {
  readonly ports: readonly { readonly name: string; readonly port: number; readonly protocol: string }[];
  readonly pods: PodObject[];
}

interface Writing {
  readonly store: KubeStore;
  readonly starting: StartingPods;
  readonly changeId: string;
}

function writeSlices({ store, starting, changeId }: Writing, key: string): void {
  const name = nameOf(key);
  const service = store.get('Service', name) as ServiceObject | undefined;
  const present = slicesOf(store, name);
  const listed = new Set(present.flatMap(({ endpoints }) => endpoints.flatMap((each) => each.addresses)));
  const waits = (pod: PodObject): boolean =>
    service?.spec.publishNotReadyAddresses !== true &&
    !listed.has(pod.status?.podIP ?? '') &&
    starting.has(pod, changeId);
  const groups = service === undefined || service.spec.selector === undefined ? [] : groupPods(store, service, waits);
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

/** Pods whose named ports come out the same share a slice; a Service without pods keeps one empty slice. */
function groupPods(store: KubeStore, service: ServiceObject, waits: (pod: PodObject) => boolean): Group[] {
  const groups = new Map<string, Group>();
  for (const pod of store.list('Pod', { namespace: service.metadata.namespace ?? '' }) as PodObject[]) {
    if (!matchesLabels(service.spec.selector, pod.metadata) || !hasAddress(pod) || waits(pod)) continue;
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

/** Every pod is listed from when it has its address until it has ended. Source: ShouldPodBeInEndpoints in kubernetes' endpointslice package. */
const hasAddress = ({ status }: PodObject): boolean =>
  (status?.podIP ?? '') !== '' && status?.phase !== 'Succeeded' && status?.phase !== 'Failed';

/** Pods that have an address for a short time and have not been ready yet. */
class StartingPods {
  readonly #within: ServiceControllerOptions['startsWithin'];
  readonly #again: (pod: PodObject, changeId: string) => void;
  readonly #seen = new Map<string, { readonly sinceMs: number; readonly timer: Timer }>();

  /** `again` is called when a pod has taken too long. */
  constructor({ startsWithin }: ServiceControllerOptions, again: (pod: PodObject, changeId: string) => void) {
    this.#within = startsWithin;
    this.#again = again;
  }

  has(pod: PodObject, changeId: string): boolean {
    if (this.#within === undefined || isReady(pod) || pod.metadata.deletionTimestamp !== undefined) return false;
    const { clock, ms, awaited } = this.#within;
    const uid = pod.metadata.uid ?? '';
    const seen = this.#seen.get(uid);
    if (seen !== undefined && clock.monotonic() - seen.sinceMs < ms) return true;
    if (seen !== undefined && !awaited()) return false;
    const timer = clock.after(ms, () => this.#again(pod, changeId));
    this.#seen.set(uid, { sinceMs: clock.monotonic(), timer });
    return true;
  }

  forget({ metadata }: PodObject): void {
    this.#seen.get(metadata.uid ?? '')?.timer.cancel();
    this.#seen.delete(metadata.uid ?? '');
  }

  stop(): void {
    for (const { timer } of this.#seen.values()) timer.cancel();
    this.#seen.clear();
  }
}

/** `ready` says whether new clients may come: never to a pod that ends, unless the Service publishes all that it has. */
function conditionsOf(pod: PodObject, { spec }: ServiceObject): object {
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  return { ready: spec.publishNotReadyAddresses === true || (serving && !terminating), serving, terminating };
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

/** Pods are listed in the order of their addresses. */
const placeOf = ({ status }: PodObject): number =>
  (status?.podIP ?? '').split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

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
      .toSorted((a, b) => placeOf(a) - placeOf(b) || (a.metadata.name < b.metadata.name ? -1 : 1))
      .map((pod) => ({
        addresses: [pod.status?.podIP ?? ''],
        conditions: conditionsOf(pod, service),
        nodeName: pod.spec.nodeName ?? '',
        targetRef: { kind: 'Pod', name: pod.metadata.name, namespace, uid: pod.metadata.uid ?? '' },
      })),
    ports,
  };
}
