import type { KubeObject, NamespacedName, SocketAddress } from '#domain';
import { formatAddress } from '#domain';
import type { KubeStore } from '#kube-api';
import type { RunningPod } from '../doors.ts';
import { matchesLabels, type ServiceObject } from '../kube-types.ts';
import type { FrontDoors } from '../network/front-doors.ts';
import { hostPort } from '../network/host-ports.ts';
import { GATEWAY_NAME_LABEL } from './gateway-template.ts';

/** By port as the gateway names it: `{"80": "127.20.128.5:80"}`. */
export type PortAddresses = Readonly<Record<string, string>>;

interface Sources {
  readonly store: KubeStore;
  readonly pods: readonly RunningPod[];
  readonly frontDoors: FrontDoors;
}

/**
 * Where a client outside the cluster reaches each gateway, by `namespace/name`: Services before gateway pods, Istio's Gateways and those of the
 * Gateway API. A port that no Service opens is reached at a gateway pod itself.
 */
export function gatewayAddresses(sources: Sources): Readonly<Record<string, PortAddresses>> {
  const found: Record<string, Record<string, string>> = {};
  const add = (name: NamespacedName, port: number, address: SocketAddress | undefined): void => {
    if (address === undefined) return;
    const key = `${name.namespace}/${name.name}`;
    found[key] = { ...found[key], [port]: formatAddress(address) };
  };
  const routers = sources.pods.filter(({ proxy, containers }) => proxy !== undefined && isRouter(containers));
  for (const service of servicesBefore(sources.store, routers)) {
    const { name, namespace = '' } = service.metadata;
    for (const { port } of service.spec.ports ?? []) {
      add({ namespace, name }, port, sources.frontDoors.addressOf(service, port));
    }
  }
  for (const { object, ports, selector } of gatewaysOf(sources.store)) {
    const { name, namespace = '' } = object.metadata;
    const behind = routers.filter((pod) => matchesLabels(selector, pod) && inReach(object, pod));
    for (const port of ports) add({ namespace, name }, port, reach(sources, behind, port));
  }
  return found;
}

const isRouter = (containers: RunningPod['containers']): boolean =>
  containers.filter(({ kind }) => kind !== 'init').length === 1;

/** A Kubernetes Gateway has its pods beside it; Istio's Gateway selects pods anywhere. */
const inReach = (gateway: KubeObject, pod: RunningPod): boolean =>
  gateway.apiVersion.startsWith('networking.istio.io/') || gateway.metadata.namespace === pod.namespace;

const servicesBefore = (store: KubeStore, pods: readonly RunningPod[]): ServiceObject[] =>
  (store.list('Service') as ServiceObject[]).filter(({ metadata, spec }) =>
    pods.some((pod) => pod.namespace === metadata.namespace && matchesLabels(spec.selector, pod)),
  );

/** The door of a Service before one of these pods, else the first ready pod's own port. */
function reach({ store, frontDoors }: Sources, pods: readonly RunningPod[], port: number): SocketAddress | undefined {
  for (const service of servicesBefore(store, pods)) {
    // Istio takes a Gateway's port for a port of the Service, or for the port behind one.
    const behind = (service.spec.ports ?? []).find(({ targetPort }) => targetPort === port)?.port ?? port;
    const address = frontDoors.addressOf(service, port) ?? frontDoors.addressOf(service, behind);
    if (address !== undefined) return address;
  }
  const [pod] = pods;
  if (pod === undefined) return undefined;
  return { ip: pod.ip, port: hostPort(podPort(servicesBefore(store, pods), port)) };
}

/** Where a gateway's pod listens for a Service's port: its target port, when that is a number. */
function podPort(services: readonly ServiceObject[], port: number): number {
  const target = services.flatMap(({ spec }) => spec.ports ?? []).find((each) => each.port === port)?.targetPort;
  return typeof target === 'number' ? target : port;
}

interface KnownGateway {
  readonly object: KubeObject;
  readonly ports: readonly number[];
  readonly selector: Readonly<Record<string, string>>;
}

function gatewaysOf(store: KubeStore): KnownGateway[] {
  const list = (kind: string): KubeObject[] => (store.kinds.find(kind) === undefined ? [] : store.list(kind));
  const istio = list('Gateway.networking.istio.io').map((object) => {
    const spec = object.spec as { selector?: Record<string, string>; servers?: { port?: { number?: number } }[] };
    const ports = (spec.servers ?? []).flatMap(({ port }) => port?.number ?? []);
    return { object, ports, selector: spec.selector ?? {} };
  });
  const kubernetes = list('Gateway.gateway.networking.k8s.io').map((object) => {
    const spec = object.spec as { listeners?: { port?: number }[] };
    const ports = (spec.listeners ?? []).flatMap(({ port }) => port ?? []);
    return { object, ports, selector: { [GATEWAY_NAME_LABEL]: object.metadata.name } };
  });
  return [...istio, ...kubernetes];
}
