import type { MeshConfig } from '../doors.ts';
import {
  candidates,
  type DestinationRuleQuery,
  findDestinationRule,
  type MergedDestinationRule,
} from '../snapshot/destination-rules.ts';
import type { EndpointIndex } from '../snapshot/endpoints.ts';
import type { Destination } from '../snapshot/istio-types.ts';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import { type ServiceRegistry, visibleServices } from '../snapshot/registry.ts';
import { type Service, serviceKey } from '../snapshot/services.ts';
import { type Sidecar, sidecarFor } from '../snapshot/sidecars.ts';
import { atAllocated } from './allocated-services.ts';
import { type EgressListener, egressListeners } from './egress-scope.ts';
import { PEER_EXCHANGE } from './http-filters/istio-filters.ts';
import { exportedServices, importedServices } from './imported-services.ts';
import type { ProxySettings } from './proxy-settings.ts';
import type { ProxyView } from './proxy-view.ts';

/** What becomes of traffic to hosts and addresses that nobody declared. */
export interface OutboundPolicy {
  readonly mode: MeshConfig['outboundTrafficPolicy'];
  /** Where it is sent instead of its own address. */
  readonly egressProxy: Destination | undefined;
}

/** What of the proxy itself endpoints depend on. */
export type ScopeClient = Pick<ProxyView, 'ip' | 'labels' | 'locality' | 'node' | 'network'>;

export interface LocalAddresses {
  /** `0.0.0.0` or `::` */
  readonly any: string;
  /** `127.0.0.1` or `::1` */
  readonly loopback: string;
  /** Which addresses of a name it can use. */
  readonly lookups: 'V4_ONLY' | 'V6_ONLY';
}

const LOCAL_V4: LocalAddresses = { any: '0.0.0.0', loopback: '127.0.0.1', lookups: 'V4_ONLY' };
const LOCAL_V6: LocalAddresses = { any: '::', loopback: '::1', lookups: 'V6_ONLY' };

const isV6 = (ip: string): boolean => ip.includes(':');

/** What a group of proxies with the same outbound configuration sees of the mesh. */
export interface OutboundScope {
  readonly snapshot: MeshSnapshot;
  readonly role: ProxyView['role'];
  /** Whether the proxy is Istio's build of Envoy, with filters that others do not know. */
  readonly istioProxy: boolean;
  /** Whether it introduces itself to others at the beginning of connections. */
  readonly exchangesPeers: boolean;
  /** Names by which the two ends of mTLS agree to that. */
  readonly exchangeAlpn: readonly string[];
  /** Applications and clients come to ports that the proxy binds itself. */
  readonly bindsPorts: boolean;
  readonly settings: ProxySettings;
  readonly namespace: string;
  /** Empty when no rule looks at the labels of a client. */
  readonly labels: Readonly<Record<string, string>>;
  readonly client: ScopeClient;
  /** All addresses of the proxy's family, and this side of it. */
  readonly local: LocalAddresses;
  /** The Sidecar (API object) in force. */
  readonly sidecar: Sidecar | undefined;
  readonly egress: readonly EgressListener[];
  readonly outboundPolicy: OutboundPolicy;
  /** Services with clusters, each host once. */
  readonly services: readonly Service[];
  findService(host: string): Service | undefined;
  /** The DestinationRule that clients of this scope obey for a host. */
  ruleFor(host: string): MergedDestinationRule | undefined;
  /** All DestinationRules for a host, whichever clients they select. */
  rulesFor(host: string): readonly MergedDestinationRule[];
  /** The DestinationRule by which a server of this scope reads its own connection pool. */
  inboundRuleFor(host: string): MergedDestinationRule | undefined;
}

export function createScope(snapshot: MeshSnapshot, proxy: ScopeProxy): OutboundScope {
  const { role, namespace, istioProxy, exchangesPeers, plainEnvoy } = proxy;
  const { mesh } = snapshot;
  const labels = labelsMatter(snapshot) ? proxy.labels : {};
  const sidecar = role === 'sidecar' ? sidecarOf(snapshot, proxy) : undefined;
  const known = role === 'router' ? [] : egressListeners(snapshot, namespace, sidecar?.spec.egress);
  const egress = proxy.takesAllocated
    ? known.map((listener) => ({ ...listener, services: listener.services.map(atAllocated) }))
    : known;
  const named =
    role === 'router'
      ? exportedServices(visibleServices(snapshot.services, namespace, mesh))
      : importedServices(snapshot, namespace, known);
  const services = proxy.takesAllocated ? named.map(atAllocated) : named;
  const byHost = new Map(services.map((service) => [service.hostname, service]));
  const rules = new Map<string, MergedDestinationRule | undefined>();
  const policy = sidecar?.spec.outboundTrafficPolicy;
  const queryFor = (host: string): DestinationRuleQuery | undefined => {
    const service = byHost.get(host);
    return (
      service && {
        host,
        serviceNamespace: service.namespace,
        clientNamespace: namespace,
        clientLabels: labels,
        rootNamespace: mesh.rootNamespace,
      }
    );
  };
  const lookUp = (host: string, direction: 'inbound' | 'outbound'): MergedDestinationRule | undefined => {
    const query = queryFor(host);
    return query && findDestinationRule(snapshot.destinationRules, { ...query, direction });
  };
  return {
    snapshot,
    role,
    istioProxy,
    exchangesPeers,
    exchangeAlpn: plainEnvoy ? [] : [PEER_EXCHANGE],
    bindsPorts: proxy.settings.capture === 'NONE',
    settings: proxy.settings,
    namespace,
    labels,
    client: proxy,
    local: isV6(proxy.ip) ? LOCAL_V6 : LOCAL_V4,
    sidecar,
    egress,
    outboundPolicy: {
      mode: policy === undefined ? mesh.outboundTrafficPolicy : (policy.mode ?? 'REGISTRY_ONLY'),
      egressProxy: policy?.egressProxy,
    },
    services,
    findService: (host) => byHost.get(host),
    ruleFor(host) {
      if (!rules.has(host)) rules.set(host, lookUp(host, 'outbound'));
      return rules.get(host);
    },
    rulesFor: (host) => {
      const query = queryFor(host);
      return query === undefined ? [] : candidates(snapshot.destinationRules, query);
    },
    inboundRuleFor: (host) => lookUp(host, 'inbound'),
  };
}

export type ScopeProxy = Pick<
  ProxyView,
  'role' | 'namespace' | 'istioProxy' | 'exchangesPeers' | 'plainEnvoy' | 'takesAllocated' | 'settings'
> &
  ScopeClient;

const sidecarOf = (snapshot: MeshSnapshot, proxy: ScopeProxy): Sidecar | undefined =>
  sidecarFor(snapshot.sidecars, proxy, snapshot.mesh.rootNamespace);

/** Proxies of one key receive the same outbound configuration. */
export function scopeKey(snapshot: MeshSnapshot, proxy: ProxyView): string {
  const sidecar = proxy.role === 'sidecar' ? sidecarOf(snapshot, proxy) : undefined;
  const { region, zone, subZone } = proxy.locality;
  return JSON.stringify([
    proxy.role,
    proxy.istioProxy,
    proxy.exchangesPeers,
    proxy.counts,
    proxy.plainEnvoy,
    proxy.answersNames,
    proxy.settings,
    proxy.namespace,
    isV6(proxy.ip),
    sidecar && [sidecar.namespace, sidecar.name],
    // The policies of a workload stand in listeners of Istio's build.
    labelsMatter(snapshot) || proxy.istioProxy ? Object.entries(proxy.labels).sort() : 0,
    resolvesNames(snapshot.services) ? [region, zone, subZone] : 0,
    isHeadlessEndpoint(snapshot, proxy.ip) ? proxy.ip : 0,
    resolvesNames(snapshot.services) ? proxy.network : 0,
  ]);
}

const naming = new WeakMap<ServiceRegistry, boolean>();

/** Whether any cluster carries its endpoints itself, in the order that its clients prefer. */
function resolvesNames(registry: ServiceRegistry): boolean {
  const known = naming.get(registry);
  if (known !== undefined) return known;
  const answer = registry.all.some(({ resolution }) => resolution === 'DNSLB' || resolution === 'DNSRoundRobinLB');
  naming.set(registry, answer);
  return answer;
}

const headless = new WeakMap<EndpointIndex, ReadonlySet<string>>();

/** A proxy has no listener on its own address, where others have one for a headless service. */
function isHeadlessEndpoint({ services, endpoints }: MeshSnapshot, ip: string): boolean {
  const known =
    headless.get(endpoints) ??
    new Set(
      services.all
        .filter((service) => service.resolution === 'Passthrough')
        .flatMap((service) => (endpoints.get(serviceKey(service)) ?? []).map((endpoint) => endpoint.ip)),
    );
  headless.set(endpoints, known);
  return known.has(ip);
}

const matters = new WeakMap<MeshSnapshot, boolean>();

/** Whether any rule treats clients of one namespace differently by their labels. */
export function labelsMatter(snapshot: MeshSnapshot): boolean {
  const known = matters.get(snapshot);
  if (known !== undefined) return known;
  const { virtualServices, destinationRules, mesh } = snapshot;
  const bySource = (rules: readonly { readonly spec: { readonly match?: readonly { sourceLabels?: unknown }[] } }[]) =>
    rules.some(({ spec }) => (spec.match ?? []).some((match) => match.sourceLabels !== undefined));
  const answer =
    destinationRules.selectsClients ||
    mesh.localityLbSetting?.failoverPriority !== undefined ||
    mesh.zoneAwareLbSetting?.failoverPriority !== undefined ||
    virtualServices.some(({ http, tls, tcp }) => bySource(http) || bySource(tls) || bySource(tcp));
  matters.set(snapshot, answer);
  return answer;
}
