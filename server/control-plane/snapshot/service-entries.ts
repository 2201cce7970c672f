import { isIPv4 } from 'node:net';
import type { KubeObject } from '#domain';
import { isIp } from './addresses.ts';
import { type Config, compareConfigs, compareText, toConfig } from './config.ts';
import type { Endpoint } from './endpoints.ts';
import { labelsMatch } from './hosts.ts';
import { parseProtocol } from './protocol.ts';
import {
  annotatedDistribution,
  type Resolution,
  type Service,
  type ServicePort,
  serviceKey,
  UNSPECIFIED,
} from './services.ts';
import { type WorkloadEntrySpec, type WorkloadInstance, workloadOfEntry } from './workload-entries.ts';

export interface ServiceEntrySpec {
  readonly hosts?: readonly string[];
  readonly addresses?: readonly string[];
  readonly ports?: readonly {
    readonly number: number;
    readonly name?: string;
    readonly protocol?: string;
    readonly targetPort?: number;
  }[];
  readonly location?: 'MESH_EXTERNAL' | 'MESH_INTERNAL';
  readonly resolution?: 'NONE' | 'STATIC' | 'DNS' | 'DNS_ROUND_ROBIN' | 'DYNAMIC_DNS';
  readonly endpoints?: readonly WorkloadEntrySpec[];
  readonly workloadSelector?: { readonly labels?: Readonly<Record<string, string>> };
  readonly exportTo?: readonly string[];
  readonly subjectAltNames?: readonly string[];
}

export type ServiceEntry = Config<ServiceEntrySpec> & { readonly object: KubeObject };

const RESOLUTIONS: Readonly<Record<string, Resolution>> = {
  NONE: 'Passthrough',
  STATIC: 'ClientSideLB',
  DNS: 'DNSLB',
  DNS_ROUND_ROBIN: 'DNSRoundRobinLB',
  DYNAMIC_DNS: 'DynamicDNS',
};

export const deriveServiceEntries = (objects: readonly KubeObject[]): readonly ServiceEntry[] =>
  objects.map((object) => ({ ...toConfig<ServiceEntrySpec>(object), object })).sort(compareConfigs);

/** One service for each host and address of a ServiceEntry. Source: convertServices in istio pilot. */
export function servicesOfEntry(
  entry: ServiceEntry,
  namespaceAnnotations: Readonly<Record<string, string>> = {},
): readonly Service[] {
  const { spec, object } = entry;
  const { annotations = {}, labels = {} } = object.metadata;
  const ports: ServicePort[] = (spec.ports ?? []).map((port, index) => ({
    port: port.number,
    name: port.name ?? '',
    protocol: parseProtocol(port.protocol),
    targetPort: port.targetPort || port.number,
    index,
  }));
  return (spec.hosts ?? []).flatMap((hostname) =>
    addressesOf(spec).map(
      (address): Service => ({
        hostname,
        name: hostname,
        namespace: entry.namespace,
        registry: 'External',
        resolution: RESOLUTIONS[spec.resolution ?? 'NONE'] ?? 'Passthrough',
        meshExternal: spec.location !== 'MESH_INTERNAL',
        address,
        extraAddresses: [],
        autoAddress: allocatedAddress(object, hostname),
        ports,
        selector: spec.workloadSelector?.labels ?? {},
        labels,
        exportTo: spec.exportTo?.length ? spec.exportTo : undefined,
        createdMs: entry.createdMs,
        subjectAltNames: spec.subjectAltNames ?? [],
        externalName: '',
        aliases: [],
        trafficDistribution: annotatedDistribution(annotations, namespaceAnnotations),
        nodeLocal: false,
        origin: {
          kind: entry.kind,
          apiVersion: entry.apiVersion,
          namespace: entry.namespace,
          name: entry.name,
          path: '',
        },
      }),
    ),
  );
}

/** A CIDR of a single address is that address; what is no address at all is left out. */
function addressesOf({ addresses = [] }: ServiceEntrySpec): string[] {
  if (addresses.length === 0) return [UNSPECIFIED];
  return addresses.flatMap((address) => {
    if (isIp(address)) return [address];
    const [ip = '', bits = ''] = address.split('/');
    if (!isIp(ip) || bits === '') return [];
    return [Number(bits) === (ip.includes(':') ? 128 : 32) ? ip : address];
  });
}

/** An address in the status of a ServiceEntry, and the host that it stands for. */
export interface AllocatedAddress {
  readonly value: string;
  readonly host: string;
}

export const allocatedAddresses = ({ status }: KubeObject): readonly AllocatedAddress[] =>
  (status as { readonly addresses?: readonly AllocatedAddress[] } | undefined)?.addresses ?? [];

/** The label by which an entry wants none. */
const ALLOCATES = 'networking.istio.io/enable-autoallocate-ip';

/**
 * Whether an entry may have addresses that istiod chooses: it names none itself, and endpoints are known without the address that a client
 * dialled. Source: shouldV2AutoAllocateIPFromPieces in istio pilot.
 */
export function mayBeAllocated({ spec, metadata }: KubeObject): boolean {
  const { resolution = 'NONE', addresses = [] } = (spec ?? {}) as ServiceEntrySpec;
  return resolution !== 'NONE' && addresses.length === 0 && metadata.labels?.[ALLOCATES]?.toLowerCase() !== 'false';
}

const allocatedAddress = (entry: KubeObject, hostname: string): string =>
  mayBeAllocated(entry)
    ? (allocatedAddresses(entry).findLast(({ host, value = '' }) => host === hostname && isIPv4(value))?.value ?? '')
    : '';

const isDns = (resolution: Resolution): boolean => resolution === 'DNSLB' || resolution === 'DNSRoundRobinLB';

/**
 * The endpoints of all ServiceEntries, by service: those they list, those they select, or (DNS) the host itself.
 * Source: convertServiceEntryToInstances and mergeServicesInstancesByNamespaceHost in istio pilot.
 */
export function endpointsOfEntries(
  entries: readonly ServiceEntry[],
  workloads: readonly WorkloadInstance[],
  trustDomain: string,
): ReadonlyMap<string, readonly Endpoint[]> {
  const byService = new Map<string, Endpoint[]>();
  for (const entry of entries) {
    for (const service of servicesOfEntry(entry)) {
      const held = byService.get(serviceKey(service)) ?? [];
      byService.set(serviceKey(service), held);
      const roundRobin = service.resolution === 'DNSRoundRobinLB';
      const taken = new Set(roundRobin ? held.map(({ portKey }) => portKey) : []);
      for (const endpoint of entryEndpoints(entry, service, workloads, trustDomain)) {
        // One logical host cannot have two names.
        if (roundRobin && taken.has(endpoint.portKey)) continue;
        if (roundRobin) taken.add(endpoint.portKey);
        if (!held.some((other) => sameEndpoint(other, endpoint))) held.push(endpoint);
      }
    }
  }
  return byService;
}

const sameEndpoint = (a: Endpoint, b: Endpoint): boolean =>
  a.ip === b.ip && a.port === b.port && a.portName === b.portName && a.workload === b.workload;

function entryEndpoints(
  entry: ServiceEntry,
  service: Service,
  workloads: readonly WorkloadInstance[],
  trustDomain: string,
): readonly Endpoint[] {
  const { spec, namespace, name } = entry;
  const origin = (path: string) => ({ kind: 'ServiceEntry' as const, name, path });
  if (spec.workloadSelector === undefined && (spec.endpoints ?? []).length === 0) {
    if (!isDns(service.resolution)) return [];
    const workload = workloadOfEntry(
      { address: service.hostname },
      { namespace, name, origin: origin('spec.hosts') },
      trustDomain,
    );
    return service.ports.map((port) => ({
      ...endpointOf(workload, port),
      ip: service.hostname,
      port: Number(port.targetPort),
    }));
  }
  const instances =
    spec.workloadSelector === undefined
      ? (spec.endpoints ?? []).map((endpoint, i) =>
          workloadOfEntry(
            endpoint,
            { namespace, name: `${name}-${i}`, origin: origin(`spec.endpoints[${i}]`) },
            trustDomain,
          ),
        )
      : selectWorkloads(spec.workloadSelector.labels ?? {}, namespace, workloads, isDns(service.resolution));
  return instances.flatMap((instance) => service.ports.map((port) => endpointOf(instance, port)));
}

/** Those with a name instead of an address can only stand behind DNS. */
const selectWorkloads = (
  labels: Readonly<Record<string, string>>,
  namespace: string,
  workloads: readonly WorkloadInstance[],
  dns: boolean,
): WorkloadInstance[] =>
  workloads
    .filter(
      (each) =>
        each.workload.namespace === namespace &&
        labelsMatch(labels, each.workload.labels) &&
        (dns || each.address === '' || isIp(each.address)),
    )
    .sort((a, b) => compareText(a.kind, b.kind) || compareText(a.workload.name, b.workload.name));

/** The port: the entry's own number for the port's name, else the port's target port. */
function endpointOf(
  { kind, address, ports, weight, network, workload }: WorkloadInstance,
  port: ServicePort,
): Endpoint {
  const isSocket = address.startsWith('unix://');
  return {
    ip: isSocket ? address.slice('unix://'.length) : address,
    port: isSocket ? 0 : ports[port.name] || Number(port.targetPort),
    portName: port.name,
    portKey: port.port,
    weight,
    network,
    health: kind === 'Pod' ? 'HEALTHY' : undefined,
    workload,
  };
}
