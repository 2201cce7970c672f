import { type KubeObject, serviceHostname, spiffeId } from '#domain';
import type { FieldOrigin } from './field-origin.ts';
import { type PortProtocol, selectProtocol } from './protocol.ts';

export interface ServicePort {
  readonly port: number;
  readonly name: string;
  readonly protocol: PortProtocol;
  /** A number, or the name of a container port. */
  readonly targetPort: number | string;
  /** Position in `spec.ports`. */
  readonly index: number;
}

/** How the addresses behind a host are found. Istio's own words, with the ServiceEntry's in brackets. */
export type Resolution =
  /** From endpoints that the control plane sends (STATIC). */
  | 'ClientSideLB'
  /** Every address that DNS gives (DNS). */
  | 'DNSLB'
  /** The first address that DNS gives (DNS_ROUND_ROBIN). */
  | 'DNSRoundRobinLB'
  /** The address that the client dialled (NONE; headless services). */
  | 'Passthrough'
  /** By the name that the client asked for (DYNAMIC_DNS). */
  | 'DynamicDNS'
  /** Another name of a service (ExternalName). */
  | 'Alias';

/** A service of the registry: of Kubernetes, or one address of one host of a ServiceEntry. */
export interface Service {
  readonly hostname: string;
  readonly name: string;
  readonly namespace: string;
  readonly registry: 'Kubernetes' | 'External';
  readonly resolution: Resolution;
  readonly meshExternal: boolean;
  /** An IP, a CIDR, or `0.0.0.0` where it has none of its own. */
  readonly address: string;
  /** Further addresses, in their order. */
  readonly extraAddresses: readonly string[];
  /** Address allocated for a ServiceEntry without one, for clients whose DNS the sidecar answers. */
  readonly autoAddress: string;
  readonly ports: readonly ServicePort[];
  readonly selector: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly exportTo: readonly string[] | undefined;
  readonly createdMs: number;
  /** SPIFFE ids or DNS names that its servers may show, beside those of its endpoints. */
  readonly subjectAltNames: readonly string[];
  /** The host behind an ExternalName. */
  readonly externalName: string;
  /** Other hosts that stand for this one. */
  readonly aliases: readonly string[];
  readonly trafficDistribution: 'Any' | 'PreferSameZone' | 'PreferSameNode';
  /** Only endpoints on the client's own node. */
  readonly nodeLocal: boolean;
  /** The object it comes from, with an empty path. */
  readonly origin: FieldOrigin;
}

export const UNSPECIFIED = '0.0.0.0';

/** Whether a service has no address of its own, so that clients dial its endpoints. */
export const hasNoAddress = ({ address }: Pick<Service, 'address'>): boolean => address === UNSPECIFIED;

/** Labels of a Service that keep a client's session at its endpoint, by a cookie or a header of this name. */
export const SESSION_LABELS = {
  cookie: 'istio.io/persistent-session',
  header: 'istio.io/persistent-session-header',
} as const;

/** Whether sessions stay with their endpoint while it shuts down. */
export const keepsSessions = ({ labels }: Pick<Service, 'labels'>): boolean =>
  Boolean(labels[SESSION_LABELS.cookie] || labels[SESSION_LABELS.header]);

export const serviceKey = ({ namespace, hostname }: Pick<Service, 'namespace' | 'hostname'>): string =>
  `${namespace}/${hostname}`;

interface ServiceSpec {
  readonly type?: string;
  readonly externalName?: string;
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly selector?: Record<string, string>;
  readonly internalTrafficPolicy?: string;
  readonly trafficDistribution?: string;
  readonly ports?: readonly {
    readonly port: number;
    readonly name?: string;
    readonly protocol?: string;
    readonly appProtocol?: string;
    readonly targetPort?: number | string;
  }[];
}

const EXPORT_TO = 'networking.istio.io/exportTo';
const TRAFFIC_DISTRIBUTION = 'networking.istio.io/traffic-distribution';
const CANONICAL_ACCOUNTS = 'alpha.istio.io/canonical-serviceaccounts';
const KUBERNETES_ACCOUNTS = 'alpha.istio.io/kubernetes-serviceaccounts';

/** A Kubernetes Service as the registry holds it. Source: ConvertService in istio pilot. */
export function toService(
  object: KubeObject,
  trustDomain: string,
  namespaceAnnotations: Readonly<Record<string, string>> = {},
): Service {
  const spec = (object.spec ?? {}) as ServiceSpec;
  const { name, namespace = 'default', annotations = {}, labels = {}, creationTimestamp } = object.metadata;
  const isAlias = spec.type === 'ExternalName' && Boolean(spec.externalName);
  const given = spec.clusterIP ?? '';
  const ips =
    given === '' || given === 'None' ? [] : spec.clusterIPs && spec.clusterIPs.length > 1 ? spec.clusterIPs : [given];
  const list = (text: string | undefined): string[] => (text ? text.split(',').map((entry) => entry.trim()) : []);
  return {
    hostname: serviceHostname(name, namespace),
    name,
    namespace,
    registry: 'Kubernetes',
    resolution: isAlias ? 'Alias' : given === 'None' ? 'Passthrough' : 'ClientSideLB',
    meshExternal: isAlias,
    address: ips[0] ?? UNSPECIFIED,
    // Of a dual-stack service; each proxy has use for those of its own family.
    extraAddresses: ips.slice(1),
    autoAddress: '',
    ports: (spec.ports ?? []).map((port, index) => ({
      port: port.port,
      name: port.name ?? '',
      protocol: selectProtocol(port),
      targetPort: port.targetPort || port.port,
      index,
    })),
    selector: spec.selector ?? {},
    labels,
    exportTo: annotations[EXPORT_TO] ? list(annotations[EXPORT_TO]) : undefined,
    createdMs: Date.parse(creationTimestamp ?? '') || 0,
    subjectAltNames: [
      ...list(annotations[CANONICAL_ACCOUNTS]),
      ...list(annotations[KUBERNETES_ACCOUNTS]).map((account) => spiffeId(trustDomain, namespace, account)),
    ],
    externalName: isAlias ? (spec.externalName ?? '') : '',
    aliases: [],
    trafficDistribution:
      DISTRIBUTIONS.get(spec.trafficDistribution ?? '') ?? annotatedDistribution(annotations, namespaceAnnotations),
    nodeLocal: spec.internalTrafficPolicy === 'Local',
    origin: { kind: 'Service', apiVersion: 'v1', namespace, name, path: '' },
  };
}

type Annotations = Readonly<Record<string, string>>;

const DISTRIBUTIONS: ReadonlyMap<string, Service['trafficDistribution']> = new Map([
  ['PreferClose', 'PreferSameZone'],
  ['PreferSameZone', 'PreferSameZone'],
  ['PreferSameNode', 'PreferSameNode'],
]);
const ANNOTATED = new Map([...DISTRIBUTIONS].map(([word, meant]) => [word.toLowerCase(), meant]));

/** The object's own word, else that of its namespace, in letters of any case. Source: GetTrafficDistribution in istio pilot. */
export const annotatedDistribution = (own: Annotations, ofNamespace: Annotations): Service['trafficDistribution'] =>
  ANNOTATED.get((own[TRAFFIC_DISTRIBUTION] || ofNamespace[TRAFFIC_DISTRIBUTION] || '').toLowerCase()) ?? 'Any';
