import { BlockList, isIP } from 'node:net';
import type { KubeObject } from '#domain';
import { parseKubernetesYaml } from '#istio';

/** istio.mesh.v1alpha1.MeshNetworks: which endpoints belong to a network, and where its workloads are reached from outside. */
export interface MeshNetworks {
  readonly networks?: Readonly<Record<string, NetworkText | null>>;
}

interface NetworkText {
  readonly endpoints?: readonly { readonly fromCidr?: string; readonly fromRegistry?: string }[];
  readonly gateways?: readonly {
    readonly address?: string;
    readonly registryServiceName?: string;
    readonly port?: number;
  }[];
}

/** Key of the ConfigMap `istio` that holds them. */
const KEY = 'meshNetworks';

/** Reads the ConfigMap's text; what is no YAML mapping counts as absent. */
export function readMeshNetworks(configMap: KubeObject | undefined): MeshNetworks {
  const text = (configMap?.['data'] as Readonly<Record<string, string>> | undefined)?.[KEY];
  try {
    const value: unknown = text === undefined ? undefined : parseKubernetesYaml(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as MeshNetworks) : {};
  } catch {
    // A ConfigMap that is being edited must not take the mesh down.
    return {};
  }
}

const networksOf = ({ networks = {} }: MeshNetworks): [string, NetworkText][] =>
  Object.entries(networks).map(([name, network]) => [name, network ?? {}]);

/** The networks to which whole registries belong: those of the cluster's own name. */
export const ofRegistry = (given: MeshNetworks, registry: string): string[] =>
  networksOf(given)
    .filter(([, { endpoints = [] }]) => endpoints.some(({ fromRegistry }) => fromRegistry === registry))
    .map(([name]) => name);

/** The gateways of a network as they are declared, by address or by the name of a Service. */
export const declaredGateways = (given: MeshNetworks) =>
  networksOf(given).flatMap(([network, { gateways = [] }]) =>
    gateways.map(({ address = '', registryServiceName = '', port = 0 }) => ({
      network,
      address,
      registryServiceName,
      port,
    })),
  );

/** Addresses that belong to a network. */
export interface NetworkRange {
  readonly network: string;
  readonly cidr: string;
}

export const rangesOf = (given: MeshNetworks): NetworkRange[] =>
  networksOf(given).flatMap(([network, { endpoints = [] }]) =>
    endpoints.flatMap(({ fromCidr }) => (fromCidr ? [{ network, cidr: fromCidr }] : [])),
  );

const lengthOf = ({ cidr }: NetworkRange): number => Number(cidr.split('/')[1] ?? 0);

/** Finds the network of an address, the widest range first, as istiod does; empty where no range has it. */
export function createNetworkLookup(ranges: readonly NetworkRange[]): (ip: string) => string {
  const lists = ranges
    .toSorted((a, b) => lengthOf(a) - lengthOf(b))
    .flatMap(({ network, cidr }) => {
      const [base = ''] = cidr.split('/');
      const family = isIP(base);
      const bits = lengthOf({ network, cidr });
      if (family === 0 || !Number.isInteger(bits) || bits < 0 || bits > (family === 4 ? 32 : 128)) return [];
      const list = new BlockList();
      list.addSubnet(base, bits, family === 4 ? 'ipv4' : 'ipv6');
      return [{ network, list, family }];
    });
  return (ip) => {
    const family = isIP(ip);
    const found = lists.find((each) => each.family === family && each.list.check(ip, family === 4 ? 'ipv4' : 'ipv6'));
    return found?.network ?? '';
  };
}
