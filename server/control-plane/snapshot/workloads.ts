import type { KubeObject } from '#domain';

export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

/** A pod, or what stands in for one, as the mesh sees it. */
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
  readonly node: string;
  /** Its own, or undefined for that of the whole mesh. */
  readonly network: string;
  /** Of its identity. */
  readonly trustDomain: string;
  /** The object and field that describe it; absent for a pod. */
  readonly origin?: { readonly kind: 'WorkloadEntry' | 'ServiceEntry'; readonly name: string; readonly path: string };
}

export interface WorkloadIndex {
  readonly byName: ReadonlyMap<string, Workload>;
  readonly byIp: ReadonlyMap<string, Workload>;
  /** Pods that are ready and not about to end: those that a ServiceEntry may select. */
  readonly ready: readonly Workload[];
}

interface PodShape {
  readonly spec?: {
    readonly serviceAccountName?: string;
    readonly nodeName?: string;
    readonly containers?: readonly {
      readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
    }[];
  };
  readonly status?: {
    readonly podIP?: string;
    readonly phase?: string;
    readonly conditions?: readonly { readonly type?: string; readonly status?: string }[];
  };
}

export function deriveWorkloads(
  pods: readonly KubeObject[],
  nodes: readonly KubeObject[],
  trustDomain: string,
): WorkloadIndex {
  const localities = new Map(nodes.map((node) => [node.metadata.name, nodeLocality(node.metadata.labels ?? {})]));
  const byName = new Map<string, Workload>();
  const byIp = new Map<string, Workload>();
  const ready: Workload[] = [];
  for (const pod of pods) {
    const { phase } = (pod as PodShape).status ?? {};
    const workload = toWorkload(pod, localities, trustDomain);
    byName.set(`${workload.namespace}/${workload.name}`, workload);
    if (workload.ip === '' || phase === 'Failed' || phase === 'Succeeded') continue;
    byIp.set(workload.ip, workload);
    if (isReady(pod)) ready.push(workload);
  }
  return { byName, byIp, ready };
}

const isReady = (pod: KubeObject): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  (pod as PodShape).status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;

function toWorkload(pod: KubeObject, localities: ReadonlyMap<string, Locality>, trustDomain: string): Workload {
  const { spec, status } = pod as PodShape;
  const { name, namespace = 'default', labels = {} } = pod.metadata;
  const ports = (spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  const node = spec?.nodeName ?? '';
  const locality = ownLocality(labels) ?? localities.get(node) ?? NOWHERE;
  const network = labels['topology.istio.io/network'] ?? '';
  return {
    name,
    namespace,
    ip: status?.podIP ?? '',
    labels: augmentLabels(labels, { locality, network, node }),
    serviceAccount: spec?.serviceAccountName ?? 'default',
    locality,
    tlsMode: labels['security.istio.io/tlsMode'] === 'istio' ? 'istio' : 'disabled',
    workloadName: workloadName(pod),
    namedPorts: new Map(ports.flatMap((port) => (port.name === undefined ? [] : [[port.name, port.containerPort]]))),
    node,
    network,
    trustDomain,
  };
}

export const NOWHERE: Locality = { region: '', zone: '', subZone: '' };

/** What a pod's own labels say, which counts before its node's; the newer label first. Source: GetLocalityLabel in istio pkg/model. */
export function ownLocality(labels: Readonly<Record<string, string>>): Locality | undefined {
  const text = labels['topology.istio.io/locality'] ?? labels['istio-locality'];
  return text ? parseLocality(text) : undefined;
}

/** Where a node's labels say that it is. */
export function nodeLocality(labels: Readonly<Record<string, string>>): Locality {
  return {
    region: labels['topology.kubernetes.io/region'] ?? labels['failure-domain.beta.kubernetes.io/region'] ?? '',
    zone: labels['topology.kubernetes.io/zone'] ?? labels['failure-domain.beta.kubernetes.io/zone'] ?? '',
    subZone: labels['topology.istio.io/subzone'] ?? '',
  };
}

/** `region/zone/subzone`; in labels with dots, as labels may not hold a slash. */
export function parseLocality(text: string | undefined): Locality {
  if (text === undefined || text === '') return NOWHERE;
  const [region = '', zone = '', subZone = ''] = text.split(text.includes('/') ? '/' : '.');
  return { region, zone, subZone };
}

export const formatLocality = ({ region, zone, subZone }: Locality): string =>
  [region, ...(zone || subZone ? [zone] : []), ...(subZone ? [subZone] : [])].join('/');

interface Place {
  readonly locality: Locality;
  readonly network: string;
  readonly node: string;
}

/** A workload's labels and those that Istio adds, which subsets and failover priorities may name. */
export function augmentLabels(
  labels: Readonly<Record<string, string>>,
  { locality, network, node }: Place,
): Readonly<Record<string, string>> {
  return {
    ...labels,
    ...(locality.region && { 'topology.kubernetes.io/region': locality.region }),
    ...(locality.zone && { 'topology.kubernetes.io/zone': locality.zone }),
    ...(locality.subZone && { 'topology.istio.io/subzone': locality.subZone }),
    'topology.istio.io/cluster': CLUSTER_ID,
    ...(network && { 'topology.istio.io/network': network }),
    ...(node && { 'kubernetes.io/hostname': node }),
  };
}

/** Istio's name for the only cluster of a mesh. */
export const CLUSTER_ID = 'Kubernetes';

/** The Deployment's name: the ReplicaSet's without its template hash. */
function workloadName(pod: KubeObject): string {
  const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller !== false);
  if (owner?.kind !== 'ReplicaSet') return owner?.name ?? pod.metadata.name;
  const hash = pod.metadata.labels?.['pod-template-hash'];
  return hash !== undefined && owner.name.endsWith(`-${hash}`) ? owner.name.slice(0, -hash.length - 1) : owner.name;
}
