import type { FilterChain, FilterChainMatch, Listener, RouteConfiguration } from '#xds';
import { type TlsDecision, workloadTls } from '../../snapshot/peer-authentications.ts';
import { isHttp2, trafficKind } from '../../snapshot/protocol.ts';
import { configPath, meshworkOrigin } from '../clusters/origin-metadata.ts';
import { NO_TIMEOUT } from '../envoy-types.ts';
import { codecFilters } from '../http-filters/codec-filters.ts';
import { TCP_METADATA_EXCHANGE } from '../http-filters/istio-filters.ts';
import { type WorkloadPolicies, workloadPolicies } from '../http-filters/workload-policies.ts';
import { type InboundPort, inboundPorts, passthroughPort } from '../inbound-ports.ts';
import { withTokenOrigins } from '../jwt/token-origins.ts';
import type { ProxyView } from '../proxy-view.ts';
import { inboundRetries } from '../routes/retries.ts';
import type { OutboundScope } from '../scope.ts';
import { INBOUND_PORT } from './capture-ports.ts';
import { type ChainOption, chainOptions, ownTls } from './chain-options.ts';
import { httpFilter } from './http-connection-manager.ts';
import { inspectors } from './inspectors.ts';
import { listenAddress, ORIGINAL_DST_FILTER } from './listener-filters.ts';
import { blackHoleFilter, tcpFilter } from './tcp-proxy.ts';
import { gatewayTlsSocket, mutualTlsSocket } from './tls-server.ts';

interface Inbound {
  readonly scope: OutboundScope;
  readonly policies: WorkloadPolicies;
  readonly tlsFor: (port: number) => TlsDecision;
}

/**
 * A sidecar's inbound side. Port 15006 is the door of everything that comes to the pod from outside, with chains for each port of its
 * services; ports that a Sidecar binds by themselves have listeners of their own. Source: buildInboundListeners in istio pilot.
 */
export function inboundListeners(scope: OutboundScope, proxy: ProxyView): Listener[] {
  const { snapshot } = scope;
  const tls = workloadTls(snapshot.peerAuthentications, proxy, snapshot.mesh.rootNamespace);
  const inbound: Inbound = {
    scope,
    policies: workloadPolicies(snapshot, proxy),
    tlsFor: (port) => (port === 0 ? tls.workload : tls.forPort(port)),
  };
  const ports = inboundPorts(scope, proxy);
  // Where a Sidecar says what comes in, its ports count. Source: needPerPortPassthroughFilterChain in istio pilot.
  const served = new Set(ports.map(({ port }) => port));
  const others = [...tls.ports.keys()].filter((port) => !served.has(port)).sort((a, b) => a - b);
  const captured = [
    ...[0, ...others].map((port) => passthroughPort(port, snapshot.mesh)),
    ...ports.filter(({ bind }) => bind === undefined),
  ];
  const listenPort = snapshot.mesh.proxyInboundListenPort ?? INBOUND_PORT;
  const blackHole: FilterChain = {
    name: 'virtualInbound-blackhole',
    filter_chain_match: { destination_port: listenPort },
    filters: [...(scope.exchangesPeers ? [TCP_METADATA_EXCHANGE] : []), ...blackHoleFilter],
  };
  const timeout = snapshot.mesh.protocolDetectionTimeout ?? NO_TIMEOUT;
  const chains = (): FilterChain[] => [blackHole, ...captured.flatMap((port) => portChains(inbound, port))];
  const address = listenAddress(scope.local.any, listenPort);
  return [
    ...(scope.bindsPorts ? [] : [listener('virtualInbound', address, { chains: chains(), timeout, captured: true })]),
    ...ports.flatMap((port) =>
      port.bind === undefined
        ? []
        : [
            listener(port.names.tcp, listenAddress(port.bind, port.port), {
              chains: portChains(inbound, port),
              timeout,
              captured: false,
            }),
          ],
    ),
  ].map((each) => withTokenOrigins(each, inbound.policies.tokens));
}

interface ListenerParts {
  readonly chains: FilterChain[];
  readonly timeout: string;
  readonly captured: boolean;
}

function listener(
  name: string,
  address: NonNullable<Listener['address']>,
  { chains, timeout, captured }: ListenerParts,
): Listener {
  return {
    name,
    address,
    traffic_direction: 'INBOUND',
    max_connections_to_accept_per_socket_event: 1,
    filter_chains: chains,
    listener_filters: [...(captured ? [ORIGINAL_DST_FILTER] : []), ...inspectors(chains)],
    listener_filters_timeout: timeout,
    continue_on_listener_filters_timeout: true,
  };
}

function portChains(inbound: Inbound, port: InboundPort): FilterChain[] {
  const kind = trafficKind(port.protocol);
  const { mode } = inbound.tlsFor(port.port);
  // A client's TLS ends here only where the mesh's does not.
  if (port.tls !== undefined && mode === 'DISABLE') return [portChain(inbound, port, ownTls(kind))];
  // A UDP port's number is served over TCP too, as istiod does it.
  return chainOptions(kind === 'none' ? 'tcp' : kind, mode).map((option) => portChain(inbound, port, option));
}

function portChain({ scope, policies, tlsFor }: Inbound, port: InboundPort, option: ChainOption): FilterChain {
  const { mesh } = scope.snapshot;
  const tls = tlsFor(port.port);
  const origin = tls.origin ?? port.origin;
  const isHttp = option.protocol === 'http';
  const exchange = scope.exchangesPeers ? [TCP_METADATA_EXCHANGE] : [];
  return {
    name: isHttp ? port.names.http : port.names.tcp,
    filter_chain_match: chainMatch(port.port, option),
    filters: isHttp
      ? [
          ...exchange,
          httpFilter({
            mesh,
            istioProxy: scope.istioProxy,
            statPrefix: port.statPrefix,
            routes: { inline: inboundRouteConfig(port) },
            side: 'inbound',
            http2: isHttp2(port.protocol),
            grpcWeb: port.protocol === 'grpc-web',
            policies,
          }),
        ]
      : [
          ...exchange,
          ...policies.network,
          ...codecFilters(scope, port.protocol, port.tcpStatPrefix),
          ...tcpFilter(port.cluster, mesh, { statPrefix: port.tcpStatPrefix }),
        ],
    ...(option.terminates && {
      transport_socket:
        port.tls !== undefined && tls.mode === 'DISABLE'
          ? gatewayTlsSocket(port.tls, mesh)
          : mutualTlsSocket(mesh, isHttp ? [] : scope.exchangeAlpn),
    }),
    ...(origin && {
      metadata: {
        filter_metadata: {
          ...(port.sidecar && { istio: { config: configPath({ ...port.sidecar, path: '' }) } }),
          meshwork: meshworkOrigin(origin, tls.origin && { transport_socket: tls.origin.path }),
        },
      },
    }),
  };
}

const chainMatch = (port: number, { transport, alpn }: ChainOption): FilterChainMatch => ({
  ...(port > 0 && { destination_port: port }),
  transport_protocol: transport,
  ...(alpn && { application_protocols: [...alpn] }),
});

/** Everything to the application, without a time limit, whatever the Host header says. */
function inboundRouteConfig({ cluster, servicePort, operation, protocol, origin }: InboundPort): RouteConfiguration {
  const retries = inboundRetries(protocol === 'grpc' || protocol === 'grpc-web');
  return {
    name: cluster,
    virtual_hosts: [
      {
        name: `inbound|http|${servicePort}`,
        domains: ['*'],
        routes: [
          {
            name: 'default',
            match: { prefix: '/' },
            route: {
              cluster,
              timeout: NO_TIMEOUT,
              max_stream_duration: { max_stream_duration: NO_TIMEOUT, grpc_timeout_header_max: NO_TIMEOUT },
              ...(retries && { retry_policy: retries }),
            },
            ...(origin && { metadata: { filter_metadata: { meshwork: meshworkOrigin(origin) } } }),
            decorator: { operation },
          },
        ],
      },
    ],
    validate_clusters: false,
  };
}
