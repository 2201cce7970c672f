import type { FilterChain, Listener, RouteConfiguration } from '#xds';
import { fieldOf } from '../snapshot/config.ts';
import { intersectHosts } from '../snapshot/hosts.ts';
import { type VirtualService, virtualServicesFor } from '../snapshot/virtual-services.ts';
import { statPrefix } from './envoy-types.ts';
import { type BoundServer, type GatewayPort, hostsForNamespace, sniHosts, terminatesHttps } from './gateway-servers.ts';
import { httpFilter } from './http-connection-manager.ts';
import { l4RuleChain } from './l4-chains.ts';
import { listenAddress, TLS_INSPECTOR } from './listener-filters.ts';
import { originMetadata } from './origin-metadata.ts';
import { gatewayRouteConfig } from './routes-gateway.ts';
import type { OutboundScope } from './scope.ts';
import { appliesHere } from './source-match.ts';
import { gatewayTlsSocket } from './tls-server.ts';
import type { WorkloadPolicies } from './workload-policies.ts';

export interface GatewayListeners {
  readonly listeners: Listener[];
  readonly routes: RouteConfiguration[];
}

/** The listeners of a gateway pod, one per port, and their route tables. A port without a usable chain has no listener. */
export function gatewayListeners(
  scope: OutboundScope,
  ports: readonly GatewayPort[],
  policies: WorkloadPolicies,
): GatewayListeners {
  const routes = new Map<string, RouteConfiguration>();
  const listeners = ports.flatMap((port) => {
    const chains = portChains(scope, port, policies);
    for (const { routeName } of port.servers) {
      if (routeName === '' || routes.has(routeName)) continue;
      routes.set(
        routeName,
        gatewayRouteConfig(
          scope,
          port.servers.filter((bound) => bound.routeName === routeName),
        ),
      );
    }
    return chains.length === 0 ? [] : [listener(port, chains)];
  });
  return { listeners, routes: [...routes.values()] };
}

function listener(port: GatewayPort, filter_chains: FilterChain[]): Listener {
  const address = port.bind === '' ? '0.0.0.0' : port.bind;
  const [first] = port.servers;
  return {
    name: `${address}_${port.port}`,
    address: listenAddress(address, port.port),
    traffic_direction: 'OUTBOUND',
    filter_chains,
    ...(port.kind === 'tls' && { listener_filters: [TLS_INSPECTOR] }),
    ...(first && { metadata: originMetadata(fieldOf(first.gateway, first.path)) }),
  };
}

function portChains(scope: OutboundScope, port: GatewayPort, policies: WorkloadPolicies): FilterChain[] {
  const name = `${port.bind === '' ? '0.0.0.0' : port.bind}_${port.port}`;
  const [first] = port.servers;
  if (port.kind === 'http') return first === undefined ? [] : [httpChain(scope, { name, bound: first, policies })];
  return port.servers.flatMap((bound) => {
    if (terminatesHttps(bound.server))
      return [{ ...httpChain(scope, { name, bound, policies }), ...tlsFields(scope, bound) }];
    const chains = port.kind === 'tls' && isPassthrough(bound) ? sniChains(scope, bound) : tcpChains(scope, bound);
    return chains.map((chain) => ({ ...chain, filters: [...policies.network, ...chain.filters] }));
  });
}

const isPassthrough = ({ server }: BoundServer): boolean =>
  server.tls?.mode === undefined || server.tls.mode === 'PASSTHROUGH' || server.tls.mode === 'AUTO_PASSTHROUGH';

interface HttpChainInput {
  /** The listener's. */
  readonly name: string;
  readonly bound: BoundServer;
  readonly policies: WorkloadPolicies;
}

const httpChain = ({ snapshot }: OutboundScope, { name, bound, policies }: HttpChainInput): FilterChain => ({
  filters: [
    httpFilter({
      mesh: snapshot.mesh,
      statPrefix: statPrefix(`outbound_${name}`),
      routes: { rds: bound.routeName },
      side: 'gateway',
      policies,
    }),
  ],
  metadata: originMetadata(fieldOf(bound.gateway, bound.path)),
});

function tlsFields(
  { snapshot }: OutboundScope,
  bound: BoundServer,
): Pick<FilterChain, 'filter_chain_match' | 'transport_socket' | 'metadata'> {
  const { tls } = bound.server;
  const names = sniHosts(bound).filter((host) => host !== '*');
  return {
    ...(names.length > 0 && { filter_chain_match: { server_names: names } }),
    ...(tls && { transport_socket: gatewayTlsSocket(tls, snapshot.mesh) }),
    metadata: originMetadata(fieldOf(bound.gateway, bound.path), { transport_socket: `${bound.path}.tls` }),
  };
}

function boundRules(scope: OutboundScope, bound: BoundServer): VirtualService[] {
  return virtualServicesFor(scope.snapshot.virtualServices, bound.gatewayName, scope.namespace).filter(
    (rule) => intersectHosts(hostsForNamespace(bound, rule.config.namespace), rule.hosts).length > 0,
  );
}

const context = (scope: OutboundScope, bound: BoundServer) => ({
  scope,
  listenPort: bound.server.port.number,
  gateways: new Set([bound.gatewayName]),
});

/** TLS that is forwarded unread, by the server name the client asks for. */
function sniChains(scope: OutboundScope, bound: BoundServer): FilterChain[] {
  const here = context(scope, bound);
  const taken = new Set<string>();
  return boundRules(scope, bound).flatMap((rule) =>
    rule.tls.flatMap((l4) =>
      (l4.spec.match ?? []).flatMap((match) => {
        const names = (match.sniHosts ?? []).filter((name) => !taken.has(name));
        if (!appliesHere(match, here) || names.length === 0 || (l4.spec.route ?? []).length === 0) return [];
        for (const name of names) taken.add(name);
        return [l4RuleChain({ scope, rule, l4, port: here.listenPort }, { server_names: names })];
      }),
    ),
  );
}

/** Bytes of a TCP server: the first rule that applies takes them all. */
function tcpChains(scope: OutboundScope, bound: BoundServer): FilterChain[] {
  const here = context(scope, bound);
  for (const rule of boundRules(scope, bound)) {
    for (const l4 of rule.tcp) {
      const matches = l4.spec.match ?? [];
      const applies = matches.length === 0 || matches.some((match) => appliesHere(match, here));
      if (!applies || (l4.spec.route ?? []).length === 0) continue;
      const chain = l4RuleChain({ scope, rule, l4, port: here.listenPort }, undefined);
      return [bound.server.tls === undefined ? chain : { ...chain, ...tlsFields(scope, bound) }];
    }
  }
  return [];
}
