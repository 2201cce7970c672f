import { clusterName } from '#domain';
import type { FilterChain, FilterChainMatch } from '#xds';
import { fieldOf } from '../snapshot/config.ts';
import { hostCovers } from '../snapshot/hosts.ts';
import type { L4Match } from '../snapshot/istio-types.ts';
import type { Service, ServicePort } from '../snapshot/services.ts';
import { type L4Rule, MESH_GATEWAY, type VirtualService, virtualServicesFor } from '../snapshot/virtual-services.ts';
import { destinationCluster } from './destinations.ts';
import { originMetadata, serviceOrigin } from './origin-metadata.ts';
import type { OutboundScope } from './scope.ts';
import { appliesHere } from './source-match.ts';
import { tcpFilter, weightedTcpFilter } from './tcp-proxy.ts';

const MESH: ReadonlySet<string> = new Set([MESH_GATEWAY]);

/** The chains that forward bytes of one service port: by the `tcp` (or, on TLS ports, `tls`) rules for it, else to its cluster. */
export function l4Chains(scope: OutboundScope, service: Service, port: ServicePort): FilterChain[] {
  const isTls = port.protocol === 'tls' || port.protocol === 'https';
  const chains: FilterChain[] = [];
  const context = { scope, listenPort: port.port, gateways: MESH };
  for (const rule of rulesFor(scope, service)) {
    for (const l4 of isTls ? rule.tls : rule.tcp) {
      const matches = l4.spec.match ?? [];
      const applying = matches.filter((match) => appliesHere(match, context));
      if ((l4.spec.route ?? []).length === 0 || (matches.length > 0 && applying.length === 0)) continue;
      const wanted = applying.map(chainMatch).find((match) => Object.keys(match).length > 0);
      chains.push(l4RuleChain({ scope, rule, l4, port: port.port }, wanted));
      if (wanted === undefined) return chains;
    }
  }
  // A TLS rule takes the port over: names that it does not list find no chain. TCP rules leave the rest to the service.
  return isTls && chains.length > 0 ? chains : [...chains, serviceChain(scope, service, port)];
}

function rulesFor(scope: OutboundScope, { hostname }: Service): VirtualService[] {
  return virtualServicesFor(scope.snapshot.virtualServices, MESH_GATEWAY, scope.namespace).filter(({ hosts }) =>
    hosts.some((host) => hostCovers(host, hostname)),
  );
}

/** The conditions that are settled only when a connection comes. */
function chainMatch({ sniHosts = [], destinationSubnets = [] }: L4Match): FilterChainMatch {
  return {
    ...(sniHosts.length > 0 && { server_names: [...sniHosts] }),
    ...(destinationSubnets.length > 0 && { prefix_ranges: destinationSubnets.map(cidr) }),
  };
}

function cidr(subnet: string): { address_prefix: string; prefix_len: number } {
  const [address_prefix = '', length = '32'] = subnet.split('/');
  return { address_prefix, prefix_len: Number(length) };
}

interface RuleChainInput {
  readonly scope: OutboundScope;
  readonly rule: VirtualService;
  readonly l4: L4Rule;
  readonly port: number;
}

/** A chain that forwards to a rule's destinations. */
export function l4RuleChain(
  { scope, rule, l4, port }: RuleChainInput,
  match: FilterChainMatch | undefined,
): FilterChain {
  const { mesh } = scope.snapshot;
  const routes = l4.spec.route ?? [];
  const clusters = routes.map(({ destination, weight }) => ({
    name: destinationCluster(destination, scope.findService(destination.host), port),
    weight: weight ?? 0,
  }));
  const [only] = clusters;
  const weighted = clusters.filter(({ weight }) => weight > 0);
  const single = clusters.length === 1 && only !== undefined;
  return {
    ...(match && { filter_chain_match: match }),
    filters: single
      ? tcpFilter(only.name, mesh)
      : weightedTcpFilter(`${rule.config.name}.${rule.config.namespace}`, weighted, mesh),
    metadata: originMetadata(
      fieldOf(rule.config, l4.path),
      single
        ? { cluster: `${l4.path}.route[0]` }
        : Object.fromEntries(
            routes
              .map(({ weight }, position) => ({ weight, position }))
              .filter(({ weight }) => (weight ?? 0) > 0)
              .map(({ position }, i) => [`weighted_clusters.${i}`, `${l4.path}.route[${position}]`]),
          ),
    ),
  };
}

const serviceChain = (scope: OutboundScope, service: Service, port: ServicePort): FilterChain => ({
  filters: tcpFilter(clusterName('outbound', port.port, '', service.hostname), scope.snapshot.mesh),
  metadata: originMetadata(serviceOrigin(service, port.index)),
});
