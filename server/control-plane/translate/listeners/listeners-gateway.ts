import type { Listener, RouteConfiguration } from '#xds';
import { fieldOf } from '../../snapshot/config.ts';
import { hostCovers, hostsOverlap } from '../../snapshot/hosts.ts';
import { type PortProtocol, parseProtocol, trafficKind } from '../../snapshot/protocol.ts';
import { type VirtualService, virtualServicesFor } from '../../snapshot/virtual-services.ts';
import { originMetadata, serviceOrigin } from '../clusters/origin-metadata.ts';
import { dnsSrvName, fillPattern } from '../clusters/stat-names.ts';
import { statPrefix } from '../envoy-types.ts';
import {
  type BoundServer,
  claimNames,
  type GatewayPort,
  hostsForNamespace,
  type MergedGateway,
  passesThrough,
  sniHosts,
  terminatesHttps,
  terminatesTcp,
} from '../gateway-servers.ts';
import { codecFilters } from '../http-filters/codec-filters.ts';
import { TCP_METADATA_EXCHANGE } from '../http-filters/istio-filters.ts';
import type { WorkloadPolicies } from '../http-filters/workload-policies.ts';
import { withTokenOrigins } from '../jwt/token-origins.ts';
import { gatewayRouteConfig } from '../routes/routes-gateway.ts';
import type { OutboundScope } from '../scope.ts';
import { type ChainDraft, toChain } from './chain-draft.ts';
import { httpFilter } from './http-connection-manager.ts';
import { ruleFilters } from './l4-chains.ts';
import { listenAddress, TLS_INSPECTOR } from './listener-filters.ts';
import { mayOpen } from './room.ts';
import { tcpFilter, tcpOptions } from './tcp-proxy.ts';
import { gatewayTlsSocket } from './tls-server.ts';

export interface GatewayListeners {
  readonly listeners: Listener[];
  readonly routes: RouteConfiguration[];
}

interface GatewayInput {
  readonly scope: OutboundScope;
  readonly policies: WorkloadPolicies;
  /** Server names that rules took on a port, by port number. */
  readonly taken: Map<number, Map<string, string>>;
}

/**
 * The listeners of a gateway pod, one per address and port, and their route tables. A port without a usable chain has no listener.
 * Source: buildGatewayListeners in istio pilot.
 */
export function gatewayListeners(
  scope: OutboundScope,
  merged: MergedGateway,
  policies: WorkloadPolicies,
): GatewayListeners {
  const input: GatewayInput = { scope, policies, taken: new Map() };
  const drafts = new Map<string, { readonly port: GatewayPort; readonly chains: ChainDraft[] }>();
  for (const port of merged.ports.filter(({ port: number }) => mayOpen(scope, number))) {
    const name = listenerName(scope, port);
    const held = drafts.get(name) ?? { port, chains: [] };
    drafts.set(name, held);
    held.chains.push(...portChains(input, port));
  }
  return {
    listeners: [...drafts.values()].flatMap(({ port, chains }) =>
      chains.length === 0 ? [] : [withTokenOrigins(listener(input, port, chains), input.policies.tokens)],
    ),
    routes: [...merged.tables].map(([name, servers]) => gatewayRouteConfig(scope, name, servers)),
  };
}

const addressOf = ({ local }: OutboundScope, { bind }: GatewayPort): string => (bind === '' ? local.any : bind);

const listenerName = (scope: OutboundScope, port: GatewayPort): string => `${addressOf(scope, port)}_${port.port}`;

function listener({ scope }: GatewayInput, port: GatewayPort, chains: readonly ChainDraft[]): Listener {
  const [first] = port.servers;
  const needsTls = chains.some((chain) => chain.sniHosts.length > 0 || chain.transport_socket !== undefined);
  const proxyProtocol = scope.snapshot.mesh.defaultConfig?.gatewayTopology?.proxyProtocol !== undefined;
  return {
    name: listenerName(scope, port),
    address: listenAddress(addressOf(scope, port), port.port),
    traffic_direction: 'OUTBOUND',
    max_connections_to_accept_per_socket_event: 1,
    filter_chains: chains.map(toChain),
    ...((needsTls || proxyProtocol) && {
      listener_filters: [...(proxyProtocol ? [PROXY_PROTOCOL] : []), ...(needsTls ? [TLS_INSPECTOR] : [])],
    }),
    ...(first && { metadata: { filter_metadata: { meshwork: meshwork(first) } } }),
  };
}

const PROXY_PROTOCOL = {
  name: 'envoy.filters.listener.proxy_protocol',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol',
  },
};

function portChains(input: GatewayInput, port: GatewayPort): ChainDraft[] {
  const [first] = port.servers;
  if (first === undefined) return [];
  if (trafficKind(port.protocol) === 'http') {
    return [httpDraft(input, { port, bound: first, routeName: port.routeName })];
  }
  return port.servers.flatMap((bound) => serverChains(input, port, bound));
}

function serverChains(input: GatewayInput, port: GatewayPort, bound: BoundServer): ChainDraft[] {
  const { server } = bound;
  if (terminatesHttps(server)) {
    return [{ ...httpDraft(input, { port, bound, routeName: bound.routeName }), ...tlsParts(input, bound) }];
  }
  if (passesThrough(server)) {
    return server.tls?.mode === 'AUTO_PASSTHROUGH' ? autoChains(input, bound) : sniChains(input, port, bound);
  }
  const filters = tcpFilters(input, bound);
  if (filters === undefined) return [];
  const draft: ChainDraft = { sniHosts: [], cidrs: [], ...filters };
  return [server.tls === undefined ? draft : { ...draft, ...tlsParts(input, bound) }];
}

interface HttpInput {
  readonly port: GatewayPort;
  readonly bound: BoundServer;
  readonly routeName: string;
}

const httpDraft = ({ scope, policies }: GatewayInput, { port, bound, routeName }: HttpInput): ChainDraft => ({
  sniHosts: [],
  cidrs: [],
  filters: [
    httpFilter({
      mesh: scope.snapshot.mesh,
      istioProxy: scope.istioProxy,
      statPrefix:
        terminatesHttps(bound.server) && bound.server.name
          ? bound.server.name
          : statPrefix(`outbound_${listenerName(scope, port)}`),
      routes: { rds: routeName },
      side: 'gateway',
      grpcWeb: port.protocol === 'grpc-web',
      policies,
    }),
  ],
  metadata: { filter_metadata: { meshwork: meshwork(bound) } },
});

const meshwork = (bound: BoundServer, parts: Readonly<Record<string, string>> = {}): Record<string, unknown> =>
  originMetadata(fieldOf(bound.gateway, bound.path), parts).filter_metadata?.['meshwork'] ?? {};

/** The names that lead to a server, and its side of TLS. */
function tlsParts(
  { scope }: GatewayInput,
  bound: BoundServer,
): Pick<ChainDraft, 'sniHosts' | 'transport_socket' | 'metadata'> {
  const { tls } = bound.server;
  return {
    sniHosts: sniHosts(bound),
    ...(tls && {
      transport_socket: gatewayTlsSocket(
        tls,
        scope.snapshot.mesh,
        terminatesTcp(bound.server) ? scope.exchangeAlpn : [],
      ),
    }),
    metadata: { filter_metadata: { meshwork: meshwork(bound, { transport_socket: `${bound.path}.tls` }) } },
  };
}

function boundRules({ scope }: GatewayInput, bound: BoundServer): readonly VirtualService[] {
  const { virtualServices, mesh } = scope.snapshot;
  return virtualServicesFor(virtualServices, bound.gatewayName, scope.namespace, mesh).filter((rule) =>
    rule.hosts.some((host) => hostsForNamespace(bound, rule.config.namespace).some((own) => hostsOverlap(own, host))),
  );
}

const portOf = ({ server: { port } }: BoundServer): { readonly port: number; readonly protocol: PortProtocol } => ({
  port: port.number,
  protocol: parseProtocol(port.protocol),
});

interface L4Condition {
  readonly port?: number;
  readonly gateways?: readonly string[];
}

/** On a gateway only port and gateway count: who its clients are is not known. */
const applies = ({ port, gateways = [] }: L4Condition, { server, gatewayName }: BoundServer): boolean =>
  (port === undefined || port === 0 || port === server.port.number) &&
  (gateways.length === 0 || gateways.includes(gatewayName));

/** TLS that is forwarded unread, by the server name the client asks for. A name that a rule has already is not given twice. */
function sniChains(input: GatewayInput, port: GatewayPort, bound: BoundServer): ChainDraft[] {
  const { scope, taken } = input;
  const known = taken.get(port.port) ?? new Map<string, string>();
  taken.set(port.port, known);
  return boundRules(input, bound).flatMap((rule) =>
    rule.tls.flatMap((l4) =>
      (l4.spec.match ?? []).flatMap((match) => {
        const names = match.sniHosts ?? [];
        if ((l4.spec.route ?? []).length === 0 || !applies(match, bound)) return [];
        if (!claimNames(known, names, bound.server.bind ?? '')) return [];
        const forward = ruleFilters({ scope, rule, l4, port: portOf(bound) });
        return [withPolicies(input, { sniHosts: names, cidrs: [], ...forward, isIstioNameless: true })];
      }),
    ),
  );
}

/** The policies of a gateway are checked before bytes are forwarded. */
const withPolicies = ({ policies }: GatewayInput, draft: ChainDraft): ChainDraft => ({
  ...draft,
  filters: [...policies.network, ...draft.filters],
});

/** Bytes of a TCP server: the first rule that applies takes them all. */
function tcpFilters(
  input: GatewayInput,
  bound: BoundServer,
): Pick<ChainDraft, 'filters' | 'metadata' | 'isIstioNameless'> | undefined {
  const { scope } = input;
  const exchange = scope.exchangesPeers && bound.server.tls?.mode === 'ISTIO_MUTUAL' ? [TCP_METADATA_EXCHANGE] : [];
  const port = portOf(bound);
  for (const rule of boundRules(input, bound)) {
    const ofTlsRoute = rule.config.annotations?.['internal.istio.io/parents']?.startsWith('TLSRoute/') === true;
    const candidates = [
      ...rule.tcp.filter(
        ({ spec }) => (spec.match ?? []).length === 0 || spec.match?.some((match) => applies(match, bound)),
      ),
      ...(ofTlsRoute ? rule.tls.filter(({ spec }) => spec.match?.some((match) => applies(match, bound))) : []),
    ];
    const l4 = candidates.find(({ spec }) => (spec.route ?? []).length > 0);
    if (l4 === undefined) continue;
    const { filters, metadata } = ruleFilters({ scope, rule, l4, port });
    return {
      filters: [...exchange, ...input.policies.network, ...filters],
      ...(metadata && { metadata }),
      isIstioNameless: true,
    };
  }
  return undefined;
}

/** One chain for each cluster of the mesh that the server's hosts cover, found by the name that a client's mTLS asks for. */
function autoChains({ scope }: GatewayInput, bound: BoundServer): ChainDraft[] {
  const hosts = sniHosts(bound);
  const { mesh } = scope.snapshot;
  return scope.services
    .filter(({ meshExternal, hostname }) => !meshExternal && hosts.some((host) => hostCovers(host, hostname)))
    .flatMap((service) => {
      const rule = scope.ruleFor(service.hostname);
      return service.ports
        .filter(({ protocol }) => protocol !== 'udp')
        .flatMap((port) =>
          ['', ...(rule?.subsets ?? []).map(({ value }) => value.name)].map((subset): ChainDraft => {
            const name = dnsSrvName(port.port, subset, service.hostname);
            const pattern = mesh.outboundClusterStatName;
            const prefix = pattern ? fillPattern(pattern, { service, subset, port, targetPort: 0 }) : name;
            return {
              sniHosts: [name],
              cidrs: [],
              applicationProtocols: MESH_ALPN,
              filters: [
                ...codecFilters(scope, port.protocol, prefix),
                ...tcpFilter(name, mesh, { statPrefix: prefix, options: tcpOptions(rule, { subset, tunnels: false }) }),
              ],
              metadata: { filter_metadata: originMetadata(serviceOrigin(service, port.index)).filter_metadata ?? {} },
            };
          }),
        );
    });
}

/** What only sidecars of the mesh offer. */
const MESH_ALPN = ['istio', 'istio-peer-exchange', 'istio-http/1.0', 'istio-http/1.1', 'istio-h2'];
