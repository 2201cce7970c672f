import { compareText } from '../snapshot/config.ts';
import { entryEndpoints } from '../snapshot/endpoints.ts';
import { labelsMatch } from '../snapshot/hosts.ts';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import { type Service, type ServicePort, serviceKey } from '../snapshot/services.ts';
import type { WorkloadInstance } from '../snapshot/workload-entries.ts';
import type { Workload } from '../snapshot/workloads.ts';

/** A service port that the proxy's own workload serves. */
export interface ServiceTarget {
  readonly service: Service;
  readonly port: ServicePort;
  /** The port the workload listens on. */
  readonly targetPort: number;
}

export interface TargetQuery {
  readonly namespace: string;
  /** `pod.namespace`, as its node says. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ip: string;
  /** The pod; undefined: the store has none. */
  readonly workload: Workload | undefined;
}

/** The ports of a proxy's own services, oldest service first. */
export function findTargets(snapshot: MeshSnapshot, query: TargetQuery): ServiceTarget[] {
  return [...kubernetesTargets(snapshot, query), ...entryTargets(snapshot, query)].sort(
    (a, b) => a.service.createdMs - b.service.createdMs || compareText(a.service.hostname, b.service.hostname),
  );
}

/**
 * Of Kubernetes Services: those that select the pod, whether or not it is ready, as a proxy needs its inbound configuration before that.
 * A pod that none selects has those whose slices list it. A WorkloadEntry with the proxy's address counts in the place of the pod.
 * Source: GetProxyServiceTargets in istio pilot.
 */
function kubernetesTargets(snapshot: MeshSnapshot, query: TargetQuery): ServiceTarget[] {
  const services = snapshot.services.all.filter(({ registry }) => registry === 'Kubernetes');
  const entry = entryOf(snapshot.workloadEntries, query);
  if (entry !== undefined) return services.flatMap((service) => standInTargets(service, entry));
  const selecting = services.filter(
    ({ namespace, selector }) =>
      namespace === query.namespace && Object.keys(selector).length > 0 && labelsMatch(selector, query.labels),
  );
  if (selecting.length > 0 || query.workload === undefined) {
    return selecting.flatMap((service) => podTargets(service, query.workload));
  }
  return services
    .filter(({ namespace }) => namespace === query.namespace)
    .flatMap((service) => listedTargets(snapshot, service, query.ip));
}

/** Of several WorkloadEntries with one address: that of the proxy's name, else the first of its namespace, else the first. */
function entryOf(all: readonly WorkloadInstance[], { ip, name, namespace }: TargetQuery): WorkloadInstance | undefined {
  const nameOf = ({ workload }: WorkloadInstance): string => `${workload.namespace}/${workload.name}`;
  const found = all.filter(({ address }) => address === ip).sort((a, b) => compareText(nameOf(a), nameOf(b)));
  return (
    found.find(({ workload }) => `${workload.name}.${workload.namespace}` === name) ??
    found.find(({ workload }) => workload.namespace === namespace) ??
    found[0]
  );
}

const standInTargets = (service: Service, entry: WorkloadInstance): ServiceTarget[] =>
  entryEndpoints(service, [entry]).flatMap((endpoint) =>
    service.ports
      .filter(
        ({ name, port, protocol }) => name === endpoint.portName && port === endpoint.portKey && protocol !== 'udp',
      )
      .map((port) => ({ service, port, targetPort: endpoint.port })),
  );

function podTargets(service: Service, workload: Workload | undefined): ServiceTarget[] {
  return service.ports.flatMap((port) => {
    const named = workload?.namedPorts ?? new Map<string, number>();
    const targetPort = typeof port.targetPort === 'number' ? port.targetPort : named.get(port.targetPort);
    return targetPort === undefined ? [] : [{ service, port, targetPort }];
  });
}

const listedTargets = (snapshot: MeshSnapshot, service: Service, ip: string): ServiceTarget[] =>
  (snapshot.endpoints.get(serviceKey(service)) ?? [])
    .filter((endpoint) => endpoint.ip === ip)
    .flatMap(({ portName, port: targetPort }) => {
      const port = service.ports.find(({ name }) => name === portName);
      return port === undefined ? [] : [{ service, port, targetPort }];
    });

/** ServiceEntries go by the proxy's address, and open no ports of a proxy in another namespace. */
function entryTargets(snapshot: MeshSnapshot, { namespace, ip }: TargetQuery): ServiceTarget[] {
  return snapshot.services.all
    .filter((service) => service.registry !== 'Kubernetes' && (namespace === '' || service.namespace === namespace))
    .flatMap((service) =>
      (snapshot.endpoints.get(serviceKey(service)) ?? [])
        .filter((endpoint) => endpoint.ip === ip)
        .flatMap((endpoint) =>
          service.ports
            .filter(({ port }) => port === endpoint.portKey)
            .map((port) => ({ service, port, targetPort: endpoint.port })),
        ),
    );
}
