import { clusterName } from '#domain';
import type { FilterChain, FilterChainMatch, Listener, RouteConfiguration } from '#xds';
import type { FieldOrigin } from '../snapshot/field-origin.ts';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import { type TlsDecision, workloadTls } from '../snapshot/peer-authentications.ts';
import { isHttp2, type PortProtocol, trafficKind } from '../snapshot/protocol.ts';
import { type ChainOption, chainOptions } from './chain-options.ts';
import { INBOUND_PASSTHROUGH_CLUSTER, NO_TIMEOUT, statPrefix } from './envoy-types.ts';
import { httpFilter } from './http-connection-manager.ts';
import { inspectors } from './inspectors.ts';
import { listenAddress, ORIGINAL_DST_FILTER } from './listener-filters.ts';
import { INBOUND_PORT } from './listeners-outbound.ts';
import { originMetadata, serviceOrigin } from './origin-metadata.ts';
import type { ProxyView, ServiceTarget } from './proxy-view.ts';
import { inboundRetries } from './retries.ts';
import { blackHoleFilter, tcpFilter } from './tcp-proxy.ts';
import { mutualTlsSocket } from './tls-server.ts';
import { type WorkloadPolicies, workloadPolicies } from './workload-policies.ts';

/** A port (or, with port 0, every other port) of the workload and how its inbound chains look. */
interface InboundPort {
  readonly port: number;
  readonly protocol: PortProtocol;
  readonly cluster: string;
  readonly names: { readonly http: string; readonly tcp: string };
  readonly statPrefix: string;
  /** Service port and host of the traffic, for span names. */
  readonly operation: string;
  readonly servicePort: number;
  readonly tls: TlsDecision;
  readonly origin: FieldOrigin | undefined;
}

/** Port 15006: the door of everything that comes to the pod from outside, with chains for each port of its services. */
export function inboundListener(snapshot: MeshSnapshot, proxy: ProxyView): Listener {
  const tls = workloadTls(snapshot.peerAuthentications, proxy, snapshot.mesh.rootNamespace);
  const policies = workloadPolicies(snapshot, proxy);
  const ports = servicePorts(proxy, (port) => tls.forPort(port));
  const others = [...tls.ports.keys()].filter((port) => !ports.some((each) => each.port === port));
  const passthrough = [
    passthroughPort(0, tls.workload),
    ...others.sort((a, b) => a - b).map((port) => passthroughPort(port, tls.forPort(port))),
  ];
  const chains: FilterChain[] = [
    {
      name: 'virtualInbound-blackhole',
      filter_chain_match: { destination_port: INBOUND_PORT },
      filters: blackHoleFilter,
    },
    ...[...passthrough, ...ports].flatMap((port) => portChains(snapshot, port, policies)),
  ];
  return {
    name: 'virtualInbound',
    address: listenAddress('0.0.0.0', INBOUND_PORT),
    traffic_direction: 'INBOUND',
    filter_chains: chains,
    listener_filters: [ORIGINAL_DST_FILTER, ...inspectors(chains)],
    listener_filters_timeout: NO_TIMEOUT,
    continue_on_listener_filters_timeout: true,
  };
}

/** The oldest service decides for a port that several services share. */
function servicePorts(proxy: ProxyView, tlsOf: (port: number) => TlsDecision): InboundPort[] {
  const byPort = new Map<number, ServiceTarget>();
  for (const target of proxy.targets) {
    if (!byPort.has(target.targetPort)) byPort.set(target.targetPort, target);
  }
  return [...byPort.values()]
    .filter(({ port }) => port.protocol !== 'udp')
    .sort((a, b) => a.targetPort - b.targetPort)
    .map(({ service, port, targetPort }) => {
      const name = `0.0.0.0_${targetPort}`;
      return {
        port: targetPort,
        protocol: port.protocol,
        cluster: clusterName('inbound', targetPort, '', ''),
        names: { http: name, tcp: name },
        statPrefix: statPrefix(`inbound_${name}`),
        operation: `${service.hostname}:${port.port}/*`,
        servicePort: port.port,
        tls: tlsOf(targetPort),
        origin: serviceOrigin(service, port.index),
      };
    });
}

/** Ports that no service names are served too: sniffed, and sent to the application as they are. */
const passthroughPort = (port: number, tls: TlsDecision): InboundPort => ({
  port,
  protocol: 'auto',
  cluster: INBOUND_PASSTHROUGH_CLUSTER,
  names: { http: 'virtualInbound-catchall-http', tcp: 'virtualInbound' },
  statPrefix: statPrefix(INBOUND_PASSTHROUGH_CLUSTER),
  operation: ':0/*',
  servicePort: 0,
  tls,
  origin: undefined,
});

function portChains(snapshot: MeshSnapshot, port: InboundPort, policies: WorkloadPolicies): FilterChain[] {
  const kind = trafficKind(port.protocol);
  if (kind === 'none') return [];
  return chainOptions(kind, port.tls.mode).map((option) => portChain(snapshot, { port, policies, option }));
}

interface ChainInput {
  readonly port: InboundPort;
  readonly policies: WorkloadPolicies;
  readonly option: ChainOption;
}

function portChain({ mesh }: MeshSnapshot, { port, policies, option }: ChainInput): FilterChain {
  const origin = port.tls.origin ?? port.origin;
  const isHttp = option.protocol === 'http';
  return {
    name: isHttp ? port.names.http : port.names.tcp,
    filter_chain_match: chainMatch(port.port, option),
    filters: isHttp
      ? [
          httpFilter({
            mesh,
            statPrefix: port.statPrefix,
            routes: { inline: inboundRouteConfig(port) },
            side: 'inbound',
            http2: isHttp2(port.protocol),
            policies,
          }),
        ]
      : [...policies.network, ...tcpFilter(port.cluster, mesh)],
    ...(option.terminates && { transport_socket: mutualTlsSocket(mesh, option.protocol) }),
    ...(origin && {
      metadata: originMetadata(origin, port.tls.origin && { transport_socket: port.tls.origin.path }),
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
            ...(origin && { metadata: originMetadata(origin) }),
            decorator: { operation },
          },
        ],
      },
    ],
    validate_clusters: false,
  };
}
