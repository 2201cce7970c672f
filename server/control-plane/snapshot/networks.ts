import type { KubeObject } from '#domain';
import { isIp } from './addresses.ts';
import { compareText } from './config.ts';

const NETWORK_LABEL = 'topology.istio.io/network';
const PORT_LABEL = 'networking.istio.io/gatewayPort';
const DEFAULT_PORT = 15443;

/** Where a network's workloads are reached from outside it. */
export interface NetworkGateway {
  readonly network: string;
  readonly address: string;
  readonly port: number;
}

export interface Networks {
  /** Network of workloads that name none themselves; empty: none. */
  readonly home: string;
  /** By network, each list by address. Networks without a gateway have no entry. */
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

/**
 * The networks of the mesh: the label of the root namespace names its own, and a Service with the label is a gateway of that network at
 * its addresses outside the cluster. Names of such addresses are not resolved. Source: network.go in istio's Kubernetes registry.
 */
export function deriveNetworks(
  services: readonly KubeObject[],
  namespaces: readonly KubeObject[],
  rootNamespace: string,
): Networks {
  const gateways = new Map<string, NetworkGateway[]>();
  for (const gateway of services.flatMap(gatewaysOf)) {
    const held = gateways.get(gateway.network) ?? [];
    gateways.set(gateway.network, held);
    if (!held.some(({ address, port }) => address === gateway.address && port === gateway.port)) held.push(gateway);
  }
  for (const held of gateways.values()) held.sort((a, b) => compareText(a.address, b.address) || a.port - b.port);
  const root = namespaces.find(({ metadata }) => metadata.name === rootNamespace);
  return {
    home: root?.metadata.labels?.[NETWORK_LABEL] ?? '',
    gateways,
    scale: [...gateways.values()].reduce((scale, { length }) => leastCommonMultiple(scale, length), 1),
  };
}

function gatewaysOf(service: KubeObject): NetworkGateway[] {
  const { labels = {} } = service.metadata;
  const network = labels[NETWORK_LABEL];
  if (!network) return [];
  const { spec, status } = service as ServiceShape;
  const named = Number(labels[PORT_LABEL] ?? Number.NaN);
  const port = Number.isInteger(named) ? named : DEFAULT_PORT;
  if (spec?.ports?.some((each) => each.port === port) !== true) return [];
  const balanced = spec.type === 'LoadBalancer' ? (status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip) : [];
  return [...balanced, ...(spec.externalIPs ?? [])].filter(isIp).map((address) => ({ network, address, port }));
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));

const leastCommonMultiple = (a: number, b: number): number => (a * b) / greatestDivisor(a, b);
