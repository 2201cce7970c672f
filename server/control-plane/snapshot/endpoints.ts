import { isIP } from 'node:net';
import { type KubeObject, serviceHostname, spiffeId } from '#domain';
import { compareText } from './config.ts';
import { labelsMatch } from './hosts.ts';
import type { ServiceRegistry } from './registry.ts';
import { endpointsOfEntries, type ServiceEntry } from './service-entries.ts';
import { keepsSessions, type Service, serviceKey } from './services.ts';
import type { WorkloadInstance } from './workload-entries.ts';
import { augmentLabels, NOWHERE, type Workload, type WorkloadIndex } from './workloads.ts';

/**
 * `DRAINING`: shuts down, and serves the sessions it has. `TERMINATING`: shuts down and is sent to nobody, but headless services still have
 * their listeners on its address. Source: endpointHealthStatus in istio pilot.
 */
export type Health = 'HEALTHY' | 'UNHEALTHY' | 'DRAINING' | 'TERMINATING';

/** One address that serves one port of a service. */
export interface Endpoint {
  /** An IP, a DNS name, a socket's path (with port 0), or empty where only its network's gateway is known. */
  readonly ip: string;
  readonly port: number;
  /** Name of the service's port that it serves. */
  readonly portName: string;
  /** Number of the service's port; 0 where only its name is known. */
  readonly portKey: number;
  /** 0 stands for 1. */
  readonly weight: number;
  readonly network: string;
  /** Undefined: nobody watches it, so it counts as healthy. */
  readonly health: Health | undefined;
  readonly workload: Workload;
}

/** Endpoints by `namespace/hostname` of the service. */
export type EndpointIndex = ReadonlyMap<string, readonly Endpoint[]>;

/** SPIFFE ids and names that may serve a service, sorted, by `namespace/hostname`. */
export type ServiceAccountIndex = ReadonlyMap<string, readonly string[]>;

interface SliceShape {
  readonly endpoints?: readonly {
    readonly addresses?: readonly string[];
    readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
    readonly targetRef?: { readonly kind?: string; readonly name?: string; readonly namespace?: string };
  }[];
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[];
  readonly addressType?: string;
}

export interface EndpointSources {
  readonly slices: readonly KubeObject[];
  readonly entries: readonly ServiceEntry[];
  readonly workloadEntries: readonly WorkloadInstance[];
  /** Network of pods that name none. */
  readonly networkOf: (ip: string) => string;
}

/** What stands behind each service: slices, ServiceEntries, and the WorkloadEntries that Kubernetes Services select. */
export function deriveEndpoints(
  { slices, entries, workloadEntries, networkOf }: EndpointSources,
  workloads: WorkloadIndex,
  registry: ServiceRegistry,
  trustDomain: string,
): EndpointIndex {
  const byService = new Map<string, Endpoint[]>();
  const add = (key: string, endpoints: readonly Endpoint[]): void => {
    const held = byService.get(key);
    if (held === undefined) byService.set(key, [...endpoints]);
    else held.push(...endpoints);
  };
  for (const slice of slices) {
    const service = slice.metadata.labels?.['kubernetes.io/service-name'];
    if (service === undefined || (slice as SliceShape).addressType === 'FQDN') continue;
    const namespace = slice.metadata.namespace ?? 'default';
    const hostname = serviceHostname(service, namespace);
    const held = registry.byHost.get(hostname)?.get(namespace);
    const drains = held !== undefined && keepsSessions(held);
    add(serviceKey({ namespace, hostname }), sliceEndpoints(slice, { namespace, drains, networkOf }, workloads));
  }
  for (const [key, endpoints] of byService) byService.set(key, withoutTwins(endpoints));
  for (const service of registry.all) {
    if (service.registry === 'Kubernetes') add(serviceKey(service), entryEndpoints(service, workloadEntries));
  }
  const pods = workloads.ready.map((pod) => podInstance(pod, networkOf));
  for (const [key, endpoints] of endpointsOfEntries(entries, [...pods, ...workloadEntries], trustDomain)) {
    // Where both describe a service, those of ServiceEntries come first.
    byService.set(key, [...endpoints, ...(byService.get(key) ?? [])]);
  }
  return byService;
}

const podInstance = (workload: Workload, networkOf: (ip: string) => string): WorkloadInstance => ({
  kind: 'Pod',
  address: workload.ip,
  ports: {},
  weight: 0,
  network: workload.network || networkOf(workload.ip),
  workload,
});

type Conditions = NonNullable<NonNullable<SliceShape['endpoints']>[number]['conditions']>;

/** An endpoint without a `ready` condition counts as ready, one that is not and does not say that it stays as one that goes. */
function healthOf({ ready, serving, terminating }: Conditions, drains: boolean): Health {
  if (ready !== false) return 'HEALTHY';
  if (terminating === false) return 'UNHEALTHY';
  return drains && serving !== false ? 'DRAINING' : 'TERMINATING';
}

interface SliceContext {
  readonly namespace: string;
  readonly drains: boolean;
  readonly networkOf: (ip: string) => string;
}

function sliceEndpoints(
  slice: KubeObject,
  { namespace, drains, networkOf }: SliceContext,
  workloads: WorkloadIndex,
): Endpoint[] {
  const { endpoints = [], ports = [] } = slice as SliceShape;
  return endpoints.flatMap(({ addresses = [], targetRef, conditions = {} }) => {
    const health = healthOf(conditions, drains);
    return addresses.flatMap((ip) => {
      const named = targetRef?.name && workloads.byName.get(`${targetRef.namespace ?? namespace}/${targetRef.name}`);
      const workload = named || workloads.byIp.get(ip) || strangerAt(ip);
      const network = workload.network || networkOf(ip);
      return ports.flatMap(({ port, name = '' }) =>
        port === undefined ? [] : [{ ip, port, portName: name, portKey: 0, weight: 0, network, health, workload }],
      );
    });
  });
}

const OUTSIDE = augmentLabels({}, { locality: NOWHERE, network: '', node: '' });

/** An address that no pod of the store has: outside the mesh, so in no namespace of it. */
const strangerAt = (ip: string): Workload => ({
  name: '',
  namespace: '',
  ip,
  labels: OUTSIDE,
  serviceAccount: '',
  locality: NOWHERE,
  tlsMode: 'disabled',
  workloadName: '',
  namedPorts: new Map(),
  node: '',
  network: '',
  trustDomain: '',
});

/** WorkloadEntries that stand in for pods, except for a headless service's. Their ports go by the target port's number or name, then by the service port's name. */
export function entryEndpoints(service: Service, workloadEntries: readonly WorkloadInstance[]): Endpoint[] {
  if (Object.keys(service.selector).length === 0 || service.resolution !== 'ClientSideLB') return [];
  return workloadEntries
    .filter(
      ({ workload, address }) =>
        workload.namespace === service.namespace &&
        !address.startsWith('unix://') &&
        labelsMatch(service.selector, workload.labels),
    )
    .flatMap(({ address, ports, weight, network, workload }) =>
      service.ports.flatMap((port) => {
        const named = ports[String(port.targetPort)] ?? ports[port.name];
        const number = named || (typeof port.targetPort === 'number' ? port.targetPort : undefined);
        if (number === undefined) return [];
        const place = { ip: address, port: number, portName: port.name, portKey: port.port };
        return [{ ...place, weight, network, health: undefined, workload }];
      }),
    );
}

/** In the order of the slices, each address once for a port's name. Source: endpointSliceCache in istio pilot. */
function withoutTwins(endpoints: readonly Endpoint[]): Endpoint[] {
  const seen = new Set<string>();
  return endpoints.filter(({ ip, portName }) => {
    const key = `${ip} ${portName}`;
    return !seen.has(key) && seen.add(key);
  });
}

/**
 * The endpoints of one port of a service. Those of a cluster that looks its hosts up belong to the port by its number alone, which counts
 * where several ServiceEntries describe a host. Source: instancesByPort of istio pilot's push context.
 */
export function endpointsOnPort(
  index: EndpointIndex,
  service: Service,
  port: { readonly port: number; readonly name: string },
): Endpoint[] {
  const byNumber = service.resolution === 'DNSLB' || service.resolution === 'DNSRoundRobinLB';
  return (index.get(serviceKey(service)) ?? []).filter(({ portName, portKey }) =>
    byNumber && portKey !== 0
      ? portKey === port.port
      : portName === port.name && (portKey === 0 || portKey === port.port),
  );
}

interface DeploymentShape {
  readonly spec?: {
    readonly template?: {
      readonly metadata?: { readonly labels?: Record<string, string> };
      readonly spec?: { readonly serviceAccountName?: string };
    };
  };
}

/**
 * Which identities may serve each service: those of its endpoints and of the Deployments it selects, and the names it gives itself.
 * Unlike Istio, which remembers the accounts of endpoints that are gone, the Deployments keep the set steady while pods come and go.
 */
export function deriveServiceAccounts(
  registry: ServiceRegistry,
  endpoints: EndpointIndex,
  deployments: readonly KubeObject[],
  trustDomains: { readonly own: string; readonly aliases: readonly string[] },
): ServiceAccountIndex {
  const index = new Map<string, readonly string[]>();
  for (const service of registry.all) {
    const accounts = new Set<string>(service.subjectAltNames);
    for (const { workload, ip } of endpoints.get(serviceKey(service)) ?? []) {
      // A Service of Kubernetes has no use for a WorkloadEntry that is known by a name only.
      if (service.registry === 'Kubernetes' && isIP(ip) === 0) continue;
      const { serviceAccount, namespace, trustDomain } = workload;
      if (serviceAccount !== '') accounts.add(spiffeId(trustDomain || trustDomains.own, namespace, serviceAccount));
    }
    for (const deployment of service.registry === 'Kubernetes' ? deployments : []) {
      const { metadata, spec } = (deployment as DeploymentShape).spec?.template ?? {};
      if (deployment.metadata.namespace !== service.namespace || Object.keys(service.selector).length === 0) continue;
      if (!labelsMatch(service.selector, metadata?.labels ?? {})) continue;
      accounts.add(spiffeId(trustDomains.own, service.namespace, spec?.serviceAccountName ?? 'default'));
    }
    index.set(serviceKey(service), withAliases([...accounts], trustDomains).sort(compareText));
  }
  return index;
}

/** Each identity also under the mesh's former trust domains. */
function withAliases(
  accounts: readonly string[],
  { own, aliases }: { readonly own: string; readonly aliases: readonly string[] },
): string[] {
  const expanded = accounts.flatMap((account) => {
    const prefix = `spiffe://${own}/`;
    if (!account.startsWith(prefix)) return [account];
    return [account, ...aliases.map((alias) => `spiffe://${alias}/${account.slice(prefix.length)}`)];
  });
  return [...new Set(expanded)];
}
