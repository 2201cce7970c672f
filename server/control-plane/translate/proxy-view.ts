import type { ProxyNode } from '#xds';
import { labelsMatch } from '../snapshot/hosts.ts';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import type { Service, ServicePort } from '../snapshot/services.ts';
import { type Locality, NOWHERE } from '../snapshot/workloads.ts';

/** A service port that the proxy's own workload serves. */
export interface ServiceTarget {
  readonly service: Service;
  readonly port: ServicePort;
  /** The port the workload listens on. */
  readonly targetPort: number;
}

/** Who asks for configuration, as translation sees it. */
export interface ProxyView {
  /** `grpc`: a gRPC client that speaks xDS itself. */
  readonly role: 'sidecar' | 'router' | 'grpc';
  readonly id: string;
  readonly ip: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly locality: Locality;
  /** Oldest service first. */
  readonly targets: readonly ServiceTarget[];
}

/**
 * Reads a node: its id is `sidecar~<ip>~<pod>.<namespace>~<namespace>.svc.cluster.local`, its metadata may carry NAMESPACE, LABELS and
 * GENERATOR. What the store knows of the pod completes it.
 */
export function viewProxy(snapshot: MeshSnapshot, node: ProxyNode): ProxyView {
  const [kind = 'sidecar', ip = '', pod = '', domain = ''] = node.id.split('~');
  const { metadata } = node;
  const dot = pod.lastIndexOf('.');
  const namespace =
    text(metadata['NAMESPACE']) ?? (dot >= 0 ? pod.slice(dot + 1) : (domain.split('.')[0] ?? '')) ?? 'default';
  const workload =
    snapshot.workloads.byName.get(`${namespace}/${dot >= 0 ? pod.slice(0, dot) : pod}`) ??
    snapshot.workloads.byIp.get(ip);
  const labels = workload?.labels ?? stringRecord(metadata['LABELS']);
  return {
    role: metadata['GENERATOR'] === 'grpc' ? 'grpc' : kind === 'router' ? 'router' : 'sidecar',
    id: node.id,
    ip,
    namespace: namespace === '' ? 'default' : namespace,
    labels,
    locality: workload?.locality ?? NOWHERE,
    targets: findTargets(snapshot, namespace, labels, workload?.namedPorts ?? new Map()),
  };
}

/** By selector, not by endpoints: a proxy needs its inbound configuration before its pod is ready. */
function findTargets(
  snapshot: MeshSnapshot,
  namespace: string,
  labels: Readonly<Record<string, string>>,
  namedPorts: ReadonlyMap<string, number>,
): ServiceTarget[] {
  return [...snapshot.services.values()]
    .filter(({ selector }) => Object.keys(selector).length > 0)
    .filter((service) => service.namespace === namespace && labelsMatch(service.selector, labels))
    .sort((a, b) => a.createdMs - b.createdMs)
    .flatMap((service) =>
      service.ports.flatMap((port) => {
        const targetPort = typeof port.targetPort === 'number' ? port.targetPort : namedPorts.get(port.targetPort);
        return targetPort === undefined ? [] : [{ service, port, targetPort }];
      }),
    );
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

const stringRecord = (value: unknown): Readonly<Record<string, string>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, string>) : {};
