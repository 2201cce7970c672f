import type { MeshSnapshot } from '#control-plane';
import type { KubeStore } from '#kube-api';
import type { DebugConnection } from './connections.ts';
import { proxyName } from './connections.ts';

type Registry = MeshSnapshot['services'];
type Service = Registry['all'][number];
type Endpoint = NonNullable<ReturnType<MeshSnapshot['endpoints']['get']>>[number];

export const CLUSTER_ID = 'Kubernetes';
/** Places in istiod's enumerations. Source: model.Resolution, model.TrafficDistribution, model.HealthStatus in istio pilot. */
const RESOLUTIONS: readonly Service['resolution'][] = [
  'ClientSideLB',
  'DNSLB',
  'Passthrough',
  'DNSRoundRobinLB',
  'Alias',
  'DynamicDNS',
];
const DISTRIBUTIONS: readonly Service['trafficDistribution'][] = ['Any', 'PreferSameZone', 'PreferSameNode'];
const HEALTH = { HEALTHY: 1, UNHEALTHY: 2, DRAINING: 3, TERMINATING: 4 } as const;

/** Names of protocols that are not all capitals. Source: pkg/config/protocol/instance.go in istio. */
const PROTOCOLS: Readonly<Partial<Record<Service['ports'][number]['protocol'], string>>> = {
  auto: 'UnsupportedProtocol',
  'grpc-web': 'GRPC-Web',
  mongo: 'Mongo',
  mysql: 'MySQL',
  redis: 'Redis',
};

const NETWORK = 'topology.istio.io/network';

const orNull = <Held extends object>(held: Held): Held | null => (Object.keys(held).length === 0 ? null : held);
const at = (ms: number): string =>
  ms === 0 ? '0001-01-01T00:00:00Z' : new Date(ms).toISOString().replace('.000Z', 'Z');

/** `/debug/registryz`: the services as model.Service prints in JSON. */
export const registryServices = ({ all }: Registry, store: KubeStore): object[] =>
  all.toSorted(byRegistry).map((service) => serviceShown(service, store));

/** Kubernetes' own services come first; within a registry names decide. */
const byRegistry = (a: Service, b: Service): number =>
  Number(a.registry !== 'Kubernetes') - Number(b.registry !== 'Kubernetes') || (a.hostname < b.hostname ? -1 : 1);

/** What only Kubernetes' own object tells. */
interface KubernetesService {
  readonly spec?: { readonly type?: string; readonly publishNotReadyAddresses?: boolean };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { ip?: string; hostname?: string }[] } };
}

/** One service, as model.Service prints in JSON. */
export function serviceShown(service: Service, store: KubeStore): object {
  const { hostname, namespace, labels, selector, exportTo, ports, address, extraAddresses } = service;
  const addresses = [address, ...extraAddresses];
  const { name } = service;
  const isKubernetes = service.registry === 'Kubernetes';
  const object = isKubernetes ? store.get('Service', { namespace, name }) : undefined;
  const { spec, status } = (object ?? {}) as KubernetesService;
  const external = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname: host }) => ip ?? host ?? []);
  return {
    Attributes: {
      ServiceRegistry: service.registry,
      Name: name,
      Namespace: namespace,
      Labels: orNull(labels),
      ExportTo: exportTo === undefined ? null : Object.fromEntries(exportTo.map((to) => [to, {}])),
      Visibility: 0,
      LabelSelectors: orNull(selector),
      Aliases: orNull(service.aliases.map((alias) => ({ Hostname: alias, Namespace: namespace }))),
      ClusterExternalAddresses: { Addresses: external.length === 0 ? null : { [CLUSTER_ID]: external } },
      ClusterExternalPorts: null,
      PassthroughTargetPorts: null,
      Type: isKubernetes ? (spec?.type ?? 'ClusterIP') : '',
      ExternalName: service.externalName,
      NodeLocal: service.nodeLocal,
      TrafficDistribution: DISTRIBUTIONS.indexOf(service.trafficDistribution),
      ObjectName: service.registry === 'External' ? service.origin.name : '',
      DNSConnectStrategy: 0,
      PublishNotReadyAddresses: spec?.publishNotReadyAddresses === true,
    },
    ports: ports.map(portShown),
    creationTime: at(service.createdMs),
    hostname,
    clusterVIPs: { Addresses: isKubernetes ? { [CLUSTER_ID]: addresses } : null },
    defaultAddress: address,
    ...(service.autoAddress !== '' && { autoAllocatedIPv4Address: service.autoAddress }),
    Resolution: RESOLUTIONS.indexOf(service.resolution),
    MeshExternal: service.meshExternal,
    ResourceVersion: object?.metadata.resourceVersion ?? '',
  };
}

const portShown = ({ name, port, protocol }: Service['ports'][number]): object => ({
  name,
  port,
  protocol: PROTOCOLS[protocol] ?? protocol.toUpperCase(),
});

/** `/debug/endpointShardz`: host → namespace → what each registry tells. */
export function endpointShards({ services, endpoints }: MeshSnapshot): object {
  const byHost: Record<string, Record<string, object>> = {};
  for (const service of services.all) {
    const held = endpoints.get(`${service.namespace}/${service.hostname}`) ?? [];
    if (held.length === 0) continue;
    const accounts = held.flatMap(({ workload }) => serviceAccountOf(workload));
    byHost[service.hostname] = {
      ...byHost[service.hostname],
      [service.namespace]: {
        Shards: { [`${service.registry}/${CLUSTER_ID}`]: held.map((endpoint) => endpointShown(endpoint, service)) },
        ServiceAccounts: Object.fromEntries(accounts.map((account) => [account, {}])),
      },
    };
  }
  return byHost;
}

const serviceAccountOf = ({ serviceAccount, trustDomain, namespace }: Endpoint['workload']): string[] =>
  serviceAccount === '' ? [] : [`spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`];

function endpointShown(endpoint: Endpoint, { registry }: Service): object {
  const { ip, port, portName, portKey, weight, network, health, workload } = endpoint;
  const { region, zone, subZone } = workload.locality;
  return {
    // Pods tell their network even where they have none.
    Labels: registry === 'Kubernetes' ? { [NETWORK]: network, ...workload.labels } : orNull(workload.labels),
    Addresses: [ip],
    ServicePortName: portName,
    LegacyClusterPortKey: portKey,
    ServiceAccount: serviceAccountOf(workload)[0] ?? '',
    Network: network,
    Locality: { Label: [region, zone, subZone].filter(Boolean).join('/'), ClusterID: CLUSTER_ID },
    EndpointPort: port,
    LbWeight: weight,
    TLSMode: workload.tlsMode,
    Namespace: workload.namespace,
    WorkloadName: workload.workloadName,
    HostName: '',
    SubDomain: '',
    HealthStatus: health === undefined ? 0 : HEALTH[health],
    SendUnhealthyEndpoints: true,
    NodeName: workload.node,
  };
}

const portOf = ({ ports }: Service, wanted: string): object | undefined => {
  const found = ports.find(({ name }) => name === wanted);
  return found && portShown(found);
};

/** `/debug/instancesz`: the services that each proxy stands behind. */
export function serviceTargets(
  { services, endpoints }: MeshSnapshot,
  connections: readonly DebugConnection[],
  store: KubeStore,
): object {
  const shown = connections.map(({ node }) => {
    const name = proxyName(node.id);
    const targets = services.all.flatMap((service) => {
      const own = (endpoints.get(`${service.namespace}/${service.hostname}`) ?? []).filter(
        ({ workload }) => `${workload.name}.${workload.namespace}` === name,
      );
      return own.map(({ port, portName }) => ({
        Service: serviceShown(service, store),
        Port: { ...portOf(service, portName), TargetPort: port },
      }));
    });
    return [name, targets] as const;
  });
  return Object.fromEntries(shown);
}
