import type { SocketAddress } from '#domain';
import type { Cluster, ClusterLoadAssignment, Listener } from '#xds';
import type { PodNetwork } from './ads-relay.ts';
import { loadAssignment, socketAddress } from './bootstrap.ts';
import { ENVOY_PORTS } from './pod-wires.ts';

export interface PodNetworkOptions {
  readonly podIp: string;
  /** Takes connections, with a header of the PROXY protocol, to whatever address they meant to go. */
  readonly passthrough: SocketAddress;
  /** The port of this machine that stands for a port of the sandbox. */
  readonly hostPort: (port: number) => number;
  /** All IPv4 addresses of a host name; rejects when there are none. */
  readonly resolve: (name: string) => Promise<readonly string[]>;
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
 * addresses and names resolve. On a shared loopback none of this is so: what concerns it is changed here, and nothing else.
 */
export function podNetwork(options: PodNetworkOptions): PodNetwork {
  return {
    listener: (listener) => changeListener(listener, options),
    cluster: (cluster) => changeCluster(cluster, options),
    endpoints: (assignment) => reachable(assignment, options),
  };
}

function changeListener(listener: Listener, { podIp, hostPort, onInboundPorts }: PodNetworkOptions): Listener {
  const { name, listener_filters, filter_chains } = listener as unknown as Fields;
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

async function changeCluster(given: Cluster, options: PodNetworkOptions): Promise<Cluster> {
  return (await changed(given as unknown as Fields, options)) as unknown as Cluster;
}

async function changed(cluster: Fields, options: PodNetworkOptions): Promise<Fields> {
  const { type, name, load_assignment, upstream_bind_config } = cluster;
  const isInbound = JSON.stringify(upstream_bind_config ?? '').includes(TO_APPLICATION_IP);
  if (type === 'ORIGINAL_DST') return isInbound ? cluster : throughPassthrough(cluster, options);
  if (BY_NAME.includes(type)) {
    return {
      ...without(cluster, 'dns_lookup_family', 'dns_refresh_rate', 'respect_dns_ttl', 'dns_failure_refresh_rate'),
      type: 'STATIC',
      load_assignment: await resolved(load_assignment as ClusterLoadAssignment | undefined, String(name), options),
    };
  }
  if (load_assignment === undefined) return cluster;
  const assignment = reachable(load_assignment as ClusterLoadAssignment, options);
  return { ...cluster, load_assignment: isInbound ? toOwnPorts(assignment, options) : assignment };
}

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
function reachable(assignment: ClusterLoadAssignment, { podIp, hostPort }: PodNetworkOptions): ClusterLoadAssignment {
  const block = podIp.split('.').slice(0, 2).join('.');
  return mapEndpoints(assignment, (endpoint) => {
    const { address = '', port_value = 0 } = addressOf(endpoint) ?? {};
    const inside = address.startsWith(`${block}.`) || address === LOOPBACK;
    return inside ? [withAddress(endpoint, address, hostPort(port_value))] : [];
  });
}

/** The application listens on another address of this machine; its proxy's connections to the pod's own are led there. */
const toOwnPorts = (assignment: ClusterLoadAssignment, { podIp }: PodNetworkOptions): ClusterLoadAssignment =>
  mapEndpoints(assignment, (endpoint) => [withAddress(endpoint, podIp, addressOf(endpoint)?.port_value ?? 0)]);

async function resolved(
  assignment: ClusterLoadAssignment | undefined,
  name: string,
  options: PodNetworkOptions,
): Promise<ClusterLoadAssignment> {
  const given = assignment ?? (loadAssignment(name, []) as ClusterLoadAssignment);
  const hosts = (given.endpoints ?? []) as unknown as Hosts;
  const names = new Set(
    hosts.flatMap(({ lb_endpoints = [] }) => lb_endpoints.map((each) => addressOf(each)?.address ?? '')),
  );
  const known = new Map<string, readonly string[]>();
  for (const each of names) known.set(each, await options.resolve(each).catch(() => []));
  const found = mapEndpoints(given, (endpoint) => {
    const { address = '', port_value = 0 } = addressOf(endpoint) ?? {};
    return (known.get(address) ?? []).map((ip) => withAddress(endpoint, ip, port_value));
  });
  return reachable(found, options);
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
