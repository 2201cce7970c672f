import { type KubeObject, serviceHostname, spiffeId } from '#domain';
import { compareText } from './config.ts';
import { labelsMatch } from './hosts.ts';
import type { ServiceRegistry } from './services.ts';
import { NOWHERE, type Workload, type WorkloadIndex } from './workloads.ts';

/** One address that serves one port of a service. */
export interface Endpoint {
  readonly ip: string;
  readonly port: number;
  /** Name of the service's port that it serves. */
  readonly portName: string;
  readonly workload: Workload;
}

/** Ready endpoints by the service's host name, in address order. */
export type EndpointIndex = ReadonlyMap<string, readonly Endpoint[]>;

/** SPIFFE ids that may serve a host, sorted. */
export type ServiceAccountIndex = ReadonlyMap<string, readonly string[]>;

interface SliceShape {
  readonly endpoints?: readonly {
    readonly addresses?: readonly string[];
    readonly conditions?: { readonly ready?: boolean };
    readonly targetRef?: { readonly kind?: string; readonly name?: string; readonly namespace?: string };
  }[];
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[];
}

/** An endpoint without a `ready` condition counts as ready, as Kubernetes says. */
export function deriveEndpoints(slices: readonly KubeObject[], workloads: WorkloadIndex): EndpointIndex {
  const byHost = new Map<string, Endpoint[]>();
  for (const slice of slices) {
    const service = slice.metadata.labels?.['kubernetes.io/service-name'];
    if (service === undefined) continue;
    const namespace = slice.metadata.namespace ?? 'default';
    const host = serviceHostname(service, namespace);
    const endpoints = byHost.get(host) ?? [];
    byHost.set(host, endpoints);
    endpoints.push(...sliceEndpoints(slice, namespace, workloads));
  }
  for (const endpoints of byHost.values()) {
    endpoints.sort((a, b) => compareAddresses(a.ip, b.ip) || a.port - b.port);
  }
  return byHost;
}

function sliceEndpoints(slice: KubeObject, namespace: string, workloads: WorkloadIndex): Endpoint[] {
  const { endpoints = [], ports = [] } = slice as SliceShape;
  return endpoints
    .filter((endpoint) => endpoint.conditions?.ready !== false)
    .flatMap(({ addresses = [], targetRef }) => {
      const ip = addresses[0];
      if (ip === undefined) return [];
      const named = targetRef?.name && workloads.byName.get(`${targetRef.namespace ?? namespace}/${targetRef.name}`);
      const workload = named || workloads.byIp.get(ip) || strangerAt(ip, namespace);
      return ports.flatMap(({ port, name = '' }) =>
        port === undefined ? [] : [{ ip, port, portName: name, workload }],
      );
    });
}

/** An address that no pod of the store has: outside the mesh. */
const strangerAt = (ip: string, namespace: string): Workload => ({
  name: '',
  namespace,
  ip,
  labels: {},
  serviceAccount: '',
  locality: NOWHERE,
  tlsMode: 'disabled',
  workloadName: '',
  namedPorts: new Map(),
});

const numeric = (ip: string): number => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

const compareAddresses = (a: string, b: string): number => numeric(a) - numeric(b) || compareText(a, b);

interface DeploymentShape {
  readonly spec?: {
    readonly template?: {
      readonly metadata?: { readonly labels?: Record<string, string> };
      readonly spec?: { readonly serviceAccountName?: string };
    };
  };
}

/**
 * Which identities may serve each host: those of its endpoints and of the Deployments it selects.
 * Unlike Istio, which remembers the accounts of endpoints that are gone, the Deployments keep the set steady while pods come and go.
 */
export function deriveServiceAccounts(
  services: ServiceRegistry,
  endpoints: EndpointIndex,
  deployments: readonly KubeObject[],
  trustDomain: string,
): ServiceAccountIndex {
  const index = new Map<string, readonly string[]>();
  for (const service of services.values()) {
    const accounts = new Set<string>();
    for (const { workload } of endpoints.get(service.hostname) ?? []) {
      if (workload.serviceAccount !== '')
        accounts.add(spiffeId(trustDomain, workload.namespace, workload.serviceAccount));
    }
    for (const deployment of deployments) {
      const { metadata, spec } = (deployment as DeploymentShape).spec?.template ?? {};
      if (deployment.metadata.namespace !== service.namespace || Object.keys(service.selector).length === 0) continue;
      if (!labelsMatch(service.selector, metadata?.labels ?? {})) continue;
      accounts.add(spiffeId(trustDomain, service.namespace, spec?.serviceAccountName ?? 'default'));
    }
    index.set(service.hostname, [...accounts].sort(compareText));
  }
  return index;
}
