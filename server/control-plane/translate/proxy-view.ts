import { AGENT_COUNTS, OWN_USER_AGENT, type ProxyNode } from '#xds';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import { type Locality, ownLocality, type Workload } from '../snapshot/workloads.ts';
import { type ProxySettings, readProxySettings } from './proxy-settings.ts';
import { findTargets, type ServiceTarget } from './proxy-targets.ts';

/** Who asks for configuration, as translation sees it. */
export interface ProxyView {
  /** `grpc`: a gRPC client that speaks xDS itself. */
  readonly role: 'sidecar' | 'router' | 'grpc';
  readonly id: string;
  /** The name that the node gives its group: `reviews.default`. */
  readonly cluster: string;
  /** Istio's build of Envoy (its node says ISTIO_VERSION), which has filters of its own. */
  readonly istioProxy: boolean;
  /** It introduces itself to the proxies that it talks to: Istio's build of Envoy, and the lab's proxies. */
  readonly exchangesPeers: boolean;
  /** It counts in Istio's metrics, or its agent does. */
  readonly counts: boolean;
  /** Envoy as it is built without Istio: it would take another's introduction for the application's bytes, and must not agree to any. */
  readonly plainEnvoy: boolean;
  readonly ip: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly locality: Locality;
  /** The Kubernetes node; empty: not known. */
  readonly node: string;
  /** What the proxy says of itself; EnvoyFilters may look at it. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly settings: ProxySettings;
  /** Empty: that of the whole mesh. */
  readonly network: string;
  /** Its agent answers the DNS questions of its application. */
  readonly answersNames: boolean;
  /** So applications dial the addresses that istiod has given to ServiceEntries. */
  readonly takesAllocated: boolean;
  /** Istio's agent has given it a cluster of its own workload. */
  readonly discoversItself: boolean;
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
  const istioProxy = text(metadata['ISTIO_VERSION']) !== undefined;
  const exchangesPeers = istioProxy || node.userAgent === OWN_USER_AGENT;
  const answersNames = isSet(metadata['DNS_CAPTURE']);
  const labels = workload?.labels ?? stringRecord(metadata['LABELS']);
  return {
    role: metadata['GENERATOR'] === 'grpc' ? 'grpc' : kind === 'router' ? 'router' : 'sidecar',
    id: node.id,
    cluster: node.cluster,
    istioProxy,
    plainEnvoy: !istioProxy && node.userAgent === 'envoy',
    exchangesPeers,
    counts: exchangesPeers || text(metadata[AGENT_COUNTS]) !== undefined,
    ip,
    namespace: namespace === '' ? 'default' : namespace,
    labels,
    locality: placeOf(node, labels),
    // Istio's template for gateways does not tell them their node, and istiod believes the proxy alone.
    node: text(metadata['NODE_NAME']) ?? (kind === 'router' ? '' : (workload?.node ?? '')),
    metadata,
    settings: readProxySettings(metadata, snapshot.mesh.features),
    network: text(metadata['NETWORK']) ?? workload?.network ?? '',
    answersNames,
    discoversItself: isSet(metadata['ENABLE_SELF_DISCOVERY']),
    takesAllocated: answersNames && snapshot.mesh.features.allocatesAddresses,
    targets: findTargets(snapshot, { namespace, name: pod, labels, ip, workload }),
  };
}

const TOPOLOGY = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone', 'topology.istio.io/subzone'] as const;

/**
 * What the mesh knows counts before what the proxy says of itself: a pod's labels, into which its node's place was written.
 * Source: setTopologyLabels in istio pilot/pkg/xds/ads.go.
 */
function placeOf({ locality = {} }: ProxyNode, labels: Workload['labels']): Locality {
  if (TOPOLOGY.some((name) => labels[name] !== undefined)) {
    const [inRegion = '', inZone = '', inSubZone = ''] = TOPOLOGY.map((name) => labels[name]);
    return { region: inRegion, zone: inZone, subZone: inSubZone };
  }
  const { region = '', zone = '', subZone = '' } = locality;
  return ownLocality(labels) ?? { region, zone, subZone };
}

/** A flag of the node's metadata: agents write text. */
const isSet = (value: unknown): boolean => value === true || value === 'true';

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

const stringRecord = (value: unknown): Readonly<Record<string, string>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, string>) : {};
