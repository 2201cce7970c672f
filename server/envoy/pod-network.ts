import { isIP } from 'node:net';
import type { SocketAddress } from '#domain';
import type { Cluster, ClusterLoadAssignment, Listener } from '#xds';
import type { PodNetwork } from './ads-relay.ts';
import { loadAssignment, resolverAt, socketAddress } from './bootstrap.ts';
import type { ChainsInForce } from './chains-in-force.ts';
import { tellingHops } from './hop-format.ts';
import { ENVOY_PORTS } from './pod-wires.ts';
import type { StatsPlans } from './stats-plans.ts';

export interface PodNetworkOptions {
  readonly podIp: string;
  /** Takes connections, with a header of the PROXY protocol, to whatever address they meant to go. */
  readonly passthrough: SocketAddress;
  /** The port of this machine that stands for a port of the sandbox. */
  readonly hostPort: (port: number) => number;
  /** Where the proxy asks for names. */
  readonly nameServer: SocketAddress;
  /** Hears which names the proxy will ask for, and at which port it will dial what they resolve to. */
  readonly onName: (name: string, port: number) => void;
  /** Makes that the proxy reaches an address that it is told. */
  readonly reach: (address: SocketAddress) => void;
  /** Where the proxy is to write down its hops. */
  readonly hopsFile: string;
  /** Learns which statistics filters its listeners have. */
  readonly plans: StatsPlans;
  /** Learns which filter chains its listeners are sent with. */
  readonly chains: ChainsInForce;
  /** Hears which ports of the pod the inbound listener has chains for. */
  readonly onInboundPorts: (ports: readonly number[]) => void;
}

const INBOUND = 'virtualInbound';
const OUTBOUND = 'virtualOutbound';
const ANY_ADDRESS = '0.0.0.0';
const LOOPBACK = '127.0.0.1';
const TO_APPLICATION_IP = '127.0.0.6';
const BY_NAME: readonly unknown[] = ['STRICT_DNS', 'LOGICAL_DNS'];

const TELLS_DESTINATION = {
  name: 'envoy.filters.listener.proxy_protocol',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol',
  },
};
const PLAINTEXT = {
  name: 'envoy.transport_sockets.raw_buffer',
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer' },
};

type Fields = Readonly<Record<string, unknown>>;

/**
 * A pod has a network namespace of its own, where `0.0.0.0` is free, the kernel redirects into ports 15001 and 15006, Services have
 * addresses and nothing leads outside. On a shared loopback none of this is so: what concerns it is changed here, and nothing else.
 */
export function podNetwork(options: PodNetworkOptions): PodNetwork {
  return {
    listener: (listener) => changeListener(listener, options),
    onListenerRemoved: (name) => void options.chains.sent(name, []),
    cluster: (cluster) => changeCluster(cluster, options),
    endpoints: (assignment) => reachable(assignment, options),
  };
}

function changeListener(given: Listener, options: PodNetworkOptions): Listener {
  const { podIp, chains, hopsFile, hostPort, onInboundPorts, plans } = options;
  const { name, listener_filters, filter_chains } = given as unknown as Fields;
  const listener = tellingHops(given, {
    file: hopsFile,
    direction: name === INBOUND ? 'inbound' : 'outbound',
    plans,
    chains,
  });
  if (name === INBOUND) onInboundPorts(portsOf(filter_chains as readonly Fields[] | undefined));
  if (name === INBOUND || name === OUTBOUND) {
    const port = name === INBOUND ? ENVOY_PORTS.inbound : ENVOY_PORTS.outbound;
    return {
      ...listener,
      address: socketAddress({ ip: podIp, port }),
      listener_filters: [TELLS_DESTINATION, ...((listener_filters as readonly unknown[]) ?? [])],
    } as Listener;
  }
  const { address, port_value = 0 } = listener.address?.socket_address ?? {};
  if (address !== ANY_ADDRESS || listener.bind_to_port === false) return listener;
  return { ...listener, address: socketAddress({ ip: podIp, port: hostPort(port_value) }) } as Listener;
}

function portsOf(chains: readonly Fields[] = []): number[] {
  const ports = chains.map((chain) => (chain['filter_chain_match'] as Fields | undefined)?.['destination_port']);
  return [...new Set(ports.filter((port): port is number => typeof port === 'number'))];
}

function changeCluster(given: Cluster, options: PodNetworkOptions): Cluster {
  return changed(given as unknown as Fields, options) as unknown as Cluster;
}

function changed(cluster: Fields, options: PodNetworkOptions): Fields {
  const { type, load_assignment, upstream_bind_config } = cluster;
  const isInbound = JSON.stringify(upstream_bind_config ?? '').includes(TO_APPLICATION_IP);
  if (type === 'ORIGINAL_DST') return isInbound ? cluster : throughPassthrough(cluster, options);
  if (load_assignment === undefined) return cluster;
  if (BY_NAME.includes(type)) {
    const resolver = cluster['typed_dns_resolver_config'] as Fields | undefined;
    return {
      ...cluster,
      typed_dns_resolver_config: resolverAt(options.nameServer, (resolver?.['typed_config'] as object) ?? {}),
      load_assignment: namesAndAddresses(load_assignment as ClusterLoadAssignment, options),
    };
  }
  const assignment = reachable(load_assignment as ClusterLoadAssignment, options);
  if (isInbound) return { ...cluster, load_assignment: toOwnPorts(assignment, options) };
  return isOwnLoopback(cluster, assignment)
    ? { ...cluster, ...FROM_PROXY, load_assignment: toOwnPorts(assignment, options) }
    : { ...cluster, load_assignment: assignment };
}

/** How the pod knows its proxy's connections to the application. */
const FROM_PROXY = { upstream_bind_config: { source_address: { address: TO_APPLICATION_IP, port_value: 0 } } };

/** A Sidecar's `defaultEndpoint` on 127.0.0.1, which is the pod's own loopback and not that of this machine. */
const isOwnLoopback = ({ name }: Fields, { endpoints = [] }: ClusterLoadAssignment): boolean =>
  String(name).startsWith('inbound|') &&
  (endpoints as unknown as Hosts).some(({ lb_endpoints = [] }) =>
    lb_endpoints.some((endpoint) => addressOf(endpoint)?.address === LOOPBACK),
  );

/** Envoy tells where the client meant to go, and somebody who knows the cluster's addresses makes the connection. */
function throughPassthrough(cluster: Fields, { passthrough }: PodNetworkOptions): Fields {
  const transport_socket = {
    name: 'envoy.transport_sockets.upstream_proxy_protocol',
    typed_config: {
      '@type':
        'type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport',
      config: { version: 'V2' },
      transport_socket: cluster['transport_socket'] ?? PLAINTEXT,
    },
  };
  return {
    ...without(cluster, 'cleanup_interval', 'original_dst_lb_config', 'lb_policy'),
    type: 'STATIC',
    load_assignment: loadAssignment(String(cluster['name']), [passthrough]),
    transport_socket,
  };
}

const without = (fields: Fields, ...names: readonly string[]): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));

interface Address {
  readonly address?: string;
  readonly port_value?: number;
}

type Hosts = readonly (Fields & { readonly lb_endpoints?: readonly Fields[] })[];

const addressOf = (endpoint: Fields): Address | undefined =>
  ((endpoint['endpoint'] as Fields | undefined)?.['address'] as { socket_address?: Address } | undefined)
    ?.socket_address;

function withAddress(endpoint: Fields, ip: string, port: number): Fields {
  return { ...endpoint, endpoint: { ...(endpoint['endpoint'] as Fields), address: socketAddress({ ip, port }) } };
}

/** Addresses of this sandbox only: nothing outside is ever dialled. */
function reachable(assignment: ClusterLoadAssignment, options: PodNetworkOptions): ClusterLoadAssignment {
  return mapEndpoints(assignment, (endpoint) => reachableHost(endpoint, options));
}

function reachableHost(endpoint: Fields, { hostPort, podIp, reach }: PodNetworkOptions): Fields[] {
  const { address = '', port_value = 0 } = addressOf(endpoint) ?? {};
  if (!isInside(podIp, address) && address !== LOOPBACK) return [];
  reach({ ip: address, port: port_value });
  return [withAddress(endpoint, address, hostPort(port_value))];
}

/** Whether an address belongs to the sandbox of a pod. */
export const isInside = (podIp: string, ip: string): boolean =>
  ip.startsWith(`${podIp.split('.').slice(0, 2).join('.')}.`);

/** The application listens on another address of this machine; its proxy's connections to the pod's own are led there. */
const toOwnPorts = (assignment: ClusterLoadAssignment, { podIp }: PodNetworkOptions): ClusterLoadAssignment =>
  mapEndpoints(assignment, (endpoint) => [withAddress(endpoint, podIp, addressOf(endpoint)?.port_value ?? 0)]);

/** Names stay for the proxy to resolve. */
function namesAndAddresses(assignment: ClusterLoadAssignment, options: PodNetworkOptions): ClusterLoadAssignment {
  return mapEndpoints(assignment, (endpoint) => {
    const { address = '', port_value = 0 } = addressOf(endpoint) ?? {};
    if (isIP(address) !== 0) return reachableHost(endpoint, options);
    options.onName(address, port_value);
    return [withAddress(endpoint, address, options.hostPort(port_value))];
  });
}

function mapEndpoints(
  assignment: ClusterLoadAssignment,
  change: (endpoint: Fields) => readonly Fields[],
): ClusterLoadAssignment {
  const hosts = (assignment.endpoints ?? []) as unknown as Hosts;
  const endpoints = hosts.map((host) => ({
    ...host,
    ...(host.lb_endpoints && { lb_endpoints: host.lb_endpoints.flatMap(change) }),
  }));
  return { ...assignment, endpoints } as unknown as ClusterLoadAssignment;
}
