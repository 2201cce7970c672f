import type { LbEndpoint } from '#xds';
import type { Endpoint } from '../../snapshot/endpoints.ts';
import type { NetworkGateway, Networks } from '../../snapshot/networks.ts';
import { NOWHERE } from '../../snapshot/workloads.ts';
import type { LocalityGroup } from './locality-lb.ts';

/** Whether an endpoint is reached by mTLS, as its own metadata says. */
export const speaksMutualTls = ({ metadata }: LbEndpoint): boolean =>
  metadata?.filter_metadata?.['envoy.transport_socket_match']?.['tlsMode'] === 'istio';

/**
 * Puts the gateways of a foreign network in the place of its endpoints. A gateway finds the service by the server name of mTLS, so
 * endpoints without it cannot be reached. Source: EndpointsByNetworkFilter in istio pilot.
 */
export function splitHorizon(
  groups: readonly LocalityGroup[],
  { gateways, scale }: Networks,
  clientNetwork: string,
): readonly LocalityGroup[] {
  if (gateways.size === 0) return groups;
  return groups.map(({ llb, endpoints }) => {
    const kept: Pair[] = [];
    const weights = new Map<NetworkGateway, number>();
    for (const [i, endpoint] of endpoints.entries()) {
      const given = llb.lb_endpoints?.[i];
      if (given === undefined) continue;
      const weight = (given.load_balancing_weight ?? 1) * scale;
      const between = gateways.get(endpoint.network) ?? [];
      const isForeign = endpoint.network !== '' && endpoint.network !== clientNetwork;
      if (between.length === 0 || !isForeign) {
        if (endpoint.ip !== '') kept.push({ sent: { ...given, load_balancing_weight: weight }, endpoint });
      } else if (speaksMutualTls(given)) {
        const share = Math.floor(weight / between.length);
        for (const gateway of between) weights.set(gateway, (weights.get(gateway) ?? 0) + share);
      }
    }
    const used = [...weights].sort(([a], [b]) =>
      a.address < b.address ? -1 : a.address > b.address ? 1 : a.port - b.port,
    );
    return groupOf({ llb, endpoints }, [...kept, ...used.map(([gateway, weight]) => gatewayEndpoint(gateway, weight))]);
  });
}

interface Pair {
  readonly sent: LbEndpoint;
  readonly endpoint: Endpoint;
}

/** A locality with these endpoints alone, and their weight. */
export function groupOf({ llb }: LocalityGroup, pairs: readonly Pair[]): LocalityGroup {
  const { lb_endpoints: _, load_balancing_weight: __, ...place } = llb;
  if (pairs.length === 0) return { llb: place, endpoints: [] };
  return {
    llb: {
      ...place,
      lb_endpoints: pairs.map(({ sent }) => sent),
      load_balancing_weight: pairs.reduce((sum, { sent }) => sum + (sent.load_balancing_weight ?? 1), 0),
    },
    endpoints: pairs.map(({ endpoint }) => endpoint),
  };
}

function gatewayEndpoint({ network, address, port, cluster }: NetworkGateway, weight: number): Pair {
  return {
    sent: {
      endpoint: { address: { socket_address: { address, port_value: port } } },
      load_balancing_weight: Math.max(weight, 1),
      metadata: {
        filter_metadata: {
          'envoy.transport_socket_match': { tlsMode: 'istio' },
          istio: { workload: `;;;;${cluster}` },
        },
      },
    },
    endpoint: {
      ip: address,
      port,
      portName: '',
      portKey: 0,
      weight,
      network,
      health: undefined,
      workload: {
        name: '',
        namespace: '',
        ip: address,
        labels: {
          'topology.istio.io/network': network,
          ...(cluster !== '' && { 'topology.istio.io/cluster': cluster }),
        },
        serviceAccount: '',
        locality: NOWHERE,
        tlsMode: 'istio',
        workloadName: '',
        namedPorts: new Map(),
        node: '',
        network,
        trustDomain: '',
      },
    },
  };
}
