import type { KubeObject } from '#domain';

export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

/** A pod as the mesh sees it. */
export interface Workload {
  readonly name: string;
  readonly namespace: string;
  readonly ip: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly locality: Locality;
  /** `istio` when the pod has a sidecar that speaks mTLS. */
  readonly tlsMode: 'istio' | 'disabled';
  /** The Deployment (or pod) it belongs to: `reviews-v1`. */
  readonly workloadName: string;
  /** Named container ports. */
  readonly namedPorts: ReadonlyMap<string, number>;
}

export interface WorkloadIndex {
  readonly byName: ReadonlyMap<string, Workload>;
  readonly byIp: ReadonlyMap<string, Workload>;
}

interface PodShape {
  readonly spec?: {
    readonly serviceAccountName?: string;
    readonly nodeName?: string;
    readonly containers?: readonly {
      readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
    }[];
  };
  readonly status?: { readonly podIP?: string; readonly phase?: string };
}

export function deriveWorkloads(pods: readonly KubeObject[], nodes: readonly KubeObject[]): WorkloadIndex {
  const localities = new Map(nodes.map((node) => [node.metadata.name, nodeLocality(node.metadata.labels ?? {})]));
  const byName = new Map<string, Workload>();
  const byIp = new Map<string, Workload>();
  for (const pod of pods) {
    const { phase } = (pod as PodShape).status ?? {};
    const workload = toWorkload(pod, localities);
    byName.set(`${workload.namespace}/${workload.name}`, workload);
    if (workload.ip !== '' && phase !== 'Failed' && phase !== 'Succeeded') byIp.set(workload.ip, workload);
  }
  return { byName, byIp };
}

function toWorkload(pod: KubeObject, localities: ReadonlyMap<string, Locality>): Workload {
  const { spec, status } = pod as PodShape;
  const { name, namespace = 'default', labels = {} } = pod.metadata;
  const ports = (spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  return {
    name,
    namespace,
    ip: status?.podIP ?? '',
    labels,
    serviceAccount: spec?.serviceAccountName ?? 'default',
    locality: podLocality(labels['istio-locality']) ?? localities.get(spec?.nodeName ?? '') ?? NOWHERE,
    tlsMode: labels['security.istio.io/tlsMode'] === 'istio' ? 'istio' : 'disabled',
    workloadName: workloadName(pod),
    namedPorts: new Map(ports.flatMap((port) => (port.name === undefined ? [] : [[port.name, port.containerPort]]))),
  };
}

export const NOWHERE: Locality = { region: '', zone: '', subZone: '' };

function nodeLocality(labels: Readonly<Record<string, string>>): Locality {
  return {
    region: labels['topology.kubernetes.io/region'] ?? '',
    zone: labels['topology.kubernetes.io/zone'] ?? '',
    subZone: labels['topology.istio.io/subzone'] ?? '',
  };
}

/** The pod label `istio-locality` (`region.zone.subzone`, as labels may not hold a slash) beats the node's. */
function podLocality(label: string | undefined): Locality | undefined {
  if (label === undefined || label === '') return undefined;
  const [region = '', zone = '', subZone = ''] = label.split(label.includes('/') ? '/' : '.');
  return { region, zone, subZone };
}

/** The Deployment's name: the ReplicaSet's without its template hash. */
function workloadName(pod: KubeObject): string {
  const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller !== false);
  if (owner?.kind !== 'ReplicaSet') return owner?.name ?? pod.metadata.name;
  const hash = pod.metadata.labels?.['pod-template-hash'];
  return hash !== undefined && owner.name.endsWith(`-${hash}`) ? owner.name.slice(0, -hash.length - 1) : owner.name;
}
