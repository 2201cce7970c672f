import type { FilterChain, Listener, RouteConfiguration } from '#xds';
import { trafficKind } from '../snapshot/protocol.ts';
import type { Service, ServicePort } from '../snapshot/services.ts';
import { NO_TIMEOUT, statPrefix } from './envoy-types.ts';
import { httpFilter } from './http-connection-manager.ts';
import { l4Chains } from './l4-chains.ts';
import { HTTP_INSPECTOR, listenAddress, PLAINTEXT_HTTP, TLS_INSPECTOR } from './listener-filters.ts';
import { originMetadata, serviceOrigin } from './origin-metadata.ts';
import { outboundRouteConfig, sniffedRouteConfig } from './routes-outbound.ts';
import type { OutboundScope } from './scope.ts';
import { blackHoleFilter, fallthroughFilter } from './tcp-proxy.ts';

/** The ports to which capture sends a pod's traffic. */
export const OUTBOUND_PORT = 15001;
export const INBOUND_PORT = 15006;

const ANY = '0.0.0.0';

export interface OutboundListeners {
  readonly listeners: Listener[];
  /** The route configurations that the listeners ask for. */
  readonly routes: RouteConfiguration[];
}

/**
 * A sidecar's outbound side: one listener per HTTP port number, one per address and port of TCP and sniffed services, none of them
 * bound, and the one that capture sends everything to, which hands each connection to the listener of its original destination.
 */
export function outboundListeners(scope: OutboundScope): OutboundListeners {
  const listeners = new Map<string, Listener>();
  const routes = new Map<string, RouteConfiguration>();
  const add = (listener: Listener): void => {
    if (!listeners.has(listener.name)) listeners.set(listener.name, listener);
  };
  for (const service of scope.services) {
    for (const port of service.ports) {
      const kind = trafficKind(port.protocol);
      if (kind === 'http') {
        add(httpListener(scope, port.port));
        if (!routes.has(String(port.port))) routes.set(String(port.port), outboundRouteConfig(scope, port.port));
      } else if (kind === 'tcp') {
        for (const address of addresses(scope, service)) add(tcpListener(scope, { service, port, address }));
      } else if (kind === 'auto') {
        for (const address of addresses(scope, service)) add(sniffingListener(scope, { service, port, address }));
        const config = sniffedRouteConfig(scope, service, port.port);
        routes.set(config.name, config);
      }
    }
  }
  return { listeners: [...listeners.values(), virtualOutbound(scope)], routes: [...routes.values()] };
}

/** A headless service has no address of its own: its listeners stand on its pods'. */
function addresses(scope: OutboundScope, service: Service): string[] {
  if (service.clusterIp !== '') return [service.clusterIp];
  return [...new Set((scope.snapshot.endpoints.get(service.hostname) ?? []).map(({ ip }) => ip))];
}

const unbound = (address: string, port: number): Omit<Listener, 'filter_chains'> => ({
  name: `${address}_${port}`,
  address: listenAddress(address, port),
  traffic_direction: 'OUTBOUND',
  bind_to_port: false,
  listener_filters_timeout: NO_TIMEOUT,
  continue_on_listener_filters_timeout: true,
});

/** Sniffs even HTTP ports, so that other traffic on the same port number still passes. */
function httpListener(scope: OutboundScope, port: number): Listener {
  const { mesh } = scope.snapshot;
  const base = unbound(ANY, port);
  return {
    ...base,
    filter_chains: [httpChain(scope, base.name, String(port))],
    default_filter_chain: { filter_chain_match: {}, name: 'PassthroughFilterChain', filters: fallthroughFilter(mesh) },
    listener_filters: [HTTP_INSPECTOR],
  };
}

const httpChain = ({ snapshot }: OutboundScope, listener: string, rds: string): FilterChain => ({
  filter_chain_match: { transport_protocol: 'raw_buffer', application_protocols: PLAINTEXT_HTTP },
  filters: [
    httpFilter({
      mesh: snapshot.mesh,
      statPrefix: statPrefix(`outbound_${listener}`),
      routes: { rds },
      side: 'outbound',
    }),
  ],
});

interface PortListenerInput {
  readonly service: Service;
  readonly port: ServicePort;
  readonly address: string;
}

function tcpListener(scope: OutboundScope, { service, port, address }: PortListenerInput): Listener {
  const chains = l4Chains(scope, service, port);
  const bySni = chains.some(({ filter_chain_match }) => (filter_chain_match?.server_names ?? []).length > 0);
  return {
    ...unbound(address, port.port),
    ...splitDefault(chains),
    ...(bySni && { listener_filters: [TLS_INSPECTOR] }),
    metadata: originMetadata(serviceOrigin(service, port.index)),
  };
}

function sniffingListener(scope: OutboundScope, { service, port, address }: PortListenerInput): Listener {
  const base = unbound(address, port.port);
  const http = httpChain(scope, base.name, `${service.hostname}:${port.port}`);
  return {
    ...base,
    ...splitDefault([...l4Chains(scope, service, port), http]),
    listener_filters: [HTTP_INSPECTOR],
    metadata: originMetadata(serviceOrigin(service, port.index)),
  };
}

/** A chain that accepts everything becomes the default one, unless it is alone. */
function splitDefault(chains: readonly FilterChain[]): Pick<Listener, 'filter_chains' | 'default_filter_chain'> {
  const isOpen = (chain: FilterChain): boolean => chain.filter_chain_match === undefined;
  const open = chains.find(isOpen);
  if (open === undefined || chains.length === 1) return { filter_chains: [...chains] };
  return { filter_chains: chains.filter((chain) => !isOpen(chain)), default_filter_chain: open };
}

/** Port 15001: the door of all captured outbound traffic. */
function virtualOutbound({ snapshot }: OutboundScope): Listener {
  return {
    name: 'virtualOutbound',
    address: listenAddress(ANY, OUTBOUND_PORT),
    traffic_direction: 'OUTBOUND',
    use_original_dst: true,
    filter_chains: [
      {
        name: 'virtualOutbound-blackhole',
        filter_chain_match: { destination_port: OUTBOUND_PORT },
        filters: blackHoleFilter,
      },
      { name: 'virtualOutbound-catchall-tcp', filters: fallthroughFilter(snapshot.mesh) },
    ],
  };
}
