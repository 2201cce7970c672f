import type { KubeObject } from '#domain';
import { isIp } from './addresses.ts';
import { compareText } from './config.ts';
import { declaredGateways, type MeshNetworks, type NetworkRange, ofRegistry, rangesOf } from './mesh-networks.ts';
import { CLUSTER_ID } from './workloads.ts';

const NETWORK_LABEL = 'topology.istio.io/network';
const PORT_LABEL = 'networking.istio.io/gatewayPort';
const DEFAULT_PORT = 15443;

/** Where a network's workloads are reached from outside it. */
export interface NetworkGateway {
  readonly network: string;
  readonly address: string;
  readonly port: number;
  /** The cluster whose Service it is; empty for one that MeshNetworks declare. */
  readonly cluster: string;
}

export interface Networks {
  /** Network of workloads that name none themselves; empty: none. */
  readonly home: string;
  /** Networks of addresses, where the mesh as a whole has none. */
  readonly ranges: readonly NetworkRange[];
  /** By network, each list by address: those of this cluster, else the declared ones. Networks without a gateway have no entry. */
  readonly gateways: ReadonlyMap<string, readonly NetworkGateway[]>;
  /** Weights are multiplied by this, so that they divide evenly among the gateways of every network. */
  readonly scale: number;
}

interface ServiceShape {
  readonly spec?: {
    readonly type?: string;
    readonly externalIPs?: readonly string[];
    readonly ports?: readonly { readonly port: number }[];
  };
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] };
  };
}

/** What networks are derived from, besides Services. */
export interface NetworkSettings {
  readonly rootNamespace: string;
  readonly trustDomain: string;
  readonly declared: MeshNetworks;
}

/**
 * The networks of the mesh: the label of the root namespace names its own, else MeshNetworks do; a Service with the label, or with a name
 * that a network of this registry gives, is a gateway of that network at its addresses outside the cluster. Names of such addresses are
 * not resolved. Source: network.go in istio's Kubernetes registry, and in its model.
 */
export function deriveNetworks(
  services: readonly KubeObject[],
  namespaces: readonly KubeObject[],
  { rootNamespace, trustDomain, declared }: NetworkSettings,
): Networks {
  const own = ofRegistry(declared, CLUSTER_ID);
  const all = declaredGateways(declared);
  const byService = all.filter(
    ({ network, registryServiceName }) => own.includes(network) && registryServiceName !== '',
  );
  const byAddress = all.filter(({ address }) => isIp(address));
  const declaredByAddress = byAddress.map(({ network, address, port }) => ({ network, address, port, cluster: '' }));
  const found = services.flatMap((service) => {
    const { name, namespace = 'default' } = service.metadata;
    const host = `${name}.${namespace}.svc.${trustDomain}`;
    const named = byService.filter(({ registryServiceName }) => registryServiceName === host);
    return gatewaysOf(service, named);
  });
  const inCluster = byNetwork(found);
  const everywhere = byNetwork([...declaredByAddress, ...found]);
  const groups = [...everywhere.values(), ...inCluster.values(), ...byNetwork(declaredByAddress).values()];
  const root = namespaces.find(({ metadata }) => metadata.name === rootNamespace);
  return {
    home: root?.metadata.labels?.[NETWORK_LABEL] || (own[0] ?? ''),
    ranges: rangesOf(declared),
    gateways: new Map([...everywhere, ...inCluster]),
    scale: groups.reduce((scale, { length }) => leastCommonMultiple(scale, length), 1),
  };
}

function byNetwork(gateways: readonly NetworkGateway[]): Map<string, NetworkGateway[]> {
  const grouped = new Map<string, NetworkGateway[]>();
  for (const gateway of gateways) {
    const held = grouped.get(gateway.network) ?? [];
    grouped.set(gateway.network, held);
    const { address, port, cluster } = gateway;
    if (!held.some((each) => each.address === address && each.port === port && each.cluster === cluster)) {
      held.push(gateway);
    }
  }
  for (const held of grouped.values()) held.sort((a, b) => compareText(a.address, b.address) || a.port - b.port);
  return grouped;
}

function gatewaysOf(
  service: KubeObject,
  named: readonly { readonly network: string; readonly port: number }[],
): NetworkGateway[] {
  const { spec, status } = service as ServiceShape;
  const wanted = labelled(service) ?? named;
  if (wanted.length === 0) return [];
  const balanced = spec?.type === 'LoadBalancer' ? (status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip) : [];
  const addresses = [...balanced, ...(spec?.externalIPs ?? [])].filter(isIp);
  return addresses.flatMap((address) =>
    wanted.map(({ network, port }) => ({ network, address, port, cluster: CLUSTER_ID })),
  );
}

/** Undefined for a Service without the label; none where it does not have the port. */
function labelled(service: KubeObject): { network: string; port: number }[] | undefined {
  const { labels = {} } = service.metadata;
  const network = labels[NETWORK_LABEL];
  if (!network) return undefined;
  const given = Number(labels[PORT_LABEL] ?? Number.NaN);
  const port = Number.isInteger(given) ? given : DEFAULT_PORT;
  return (service as ServiceShape).spec?.ports?.some((each) => each.port === port) === true ? [{ network, port }] : [];
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));

const leastCommonMultiple = (a: number, b: number): number => (a * b) / greatestDivisor(a, b);
