import type { FilterChain, Listener } from '#xds';
import { isIp, toCidr } from '../../snapshot/addresses.ts';
import { endpointsOnPort } from '../../snapshot/endpoints.ts';
import { type PortProtocol, parseProtocol, trafficKind } from '../../snapshot/protocol.ts';
import { hasNoAddress, type Service, type ServicePort } from '../../snapshot/services.ts';
import { looksUpAnyHost, lookupFilters, SNI_LOOKUP } from '../clusters/dynamic-dns.ts';
import { originMetadata, serviceOrigin } from '../clusters/origin-metadata.ts';
import type { EgressListener } from '../egress-scope.ts';
import { NO_TIMEOUT, statPrefix } from '../envoy-types.ts';
import { catchAllVirtualHost, routeConfig } from '../routes/route-table.ts';
import { addressesOf } from '../routes/virtual-host-domains.ts';
import type { OutboundScope } from '../scope.ts';
import { OUTBOUND_PORT } from './capture-ports.ts';
import { type ChainDraft, matchesAll, matchKey, toChain } from './chain-draft.ts';
import { httpFilter } from './http-connection-manager.ts';
import { l4Chains } from './l4-chains.ts';
import { HTTP_INSPECTOR, listenAddress, PLAINTEXT_HTTP, TLS_INSPECTOR } from './listener-filters.ts';
import { hasRoom } from './room.ts';
import { blackHoleFilter, fallthroughFilter } from './tcp-proxy.ts';

interface Binding {
  /** Empty: the service's own address. */
  readonly address: string;
  readonly toPort: boolean;
}

/** A listener that is being joined from the services that share it. */
interface Entry {
  readonly bind: Binding;
  readonly port: number;
  protocol: PortProtocol;
  /** A Sidecar's own listener, to which the services of later ones add nothing. */
  locked: boolean;
  readonly chains: ChainDraft[];
  /** What the chains match on: there may be thousands of them. */
  readonly matches: Set<string>;
  readonly origin: ReturnType<typeof serviceOrigin>;
}

/**
 * A sidecar's outbound side: one listener per HTTP port number, one per address and port of TCP and sniffed services, none of them
 * bound unless a Sidecar wants it, and the one that capture sends everything to, which hands each connection to the listener of its
 * original destination. Source: buildSidecarOutboundListeners in istio pilot.
 */
export function outboundListeners(scope: OutboundScope): Listener[] {
  const entries = new Map<string, Entry>();
  for (const egress of scope.egress) {
    const { spec } = egress;
    const toPort = scope.bindsPorts || spec?.captureMode === 'NONE' || spec?.bind?.startsWith('unix://') === true;
    const bind = { address: spec?.bind || (toPort ? scope.local.loopback : ''), toPort };
    if (spec?.port !== undefined) addNamedPort({ scope, egress, bind, entries });
    else {
      for (const entry of entries.values()) entry.locked = true;
      for (const service of egress.services) {
        for (const port of service.ports) addServicePort({ scope, egress, bind, entries }, service, port);
      }
    }
  }
  const proxy = httpProxyListener(scope);
  return [
    ...[...entries.values()].map((entry) => finish(scope, entry)),
    ...(proxy ? [proxy] : []),
    ...(scope.bindsPorts ? [] : [virtualOutbound(scope)]),
  ];
}

interface Adding {
  readonly scope: OutboundScope;
  readonly egress: EgressListener;
  readonly bind: Binding;
  readonly entries: Map<string, Entry>;
}

type Port = Pick<ServicePort, 'port' | 'name' | 'protocol'> & { readonly index?: number };

const roomFor = ({ scope, bind: { address, toPort } }: Adding, { port, protocol }: Port): boolean =>
  hasRoom(scope, { bind: address, port, protocol, toPort });

/** A Sidecar's listener on a port of its own, for all services that it lets in. */
function addNamedPort(adding: Adding): void {
  const { number = 0, name = '', protocol } = adding.egress.spec?.port ?? {};
  const port: Port = { port: number, name, protocol: parseProtocol(protocol) };
  if (!roomFor(adding, port)) return;
  for (const service of adding.egress.services) add(adding, { service, port, address: adding.bind.address });
}

/**
 * A headless service has no address of its own: its listeners for bytes stand on its endpoints', except on this proxy's own. Where it
 * could have endpoints but has none, nothing is listened to.
 */
function addServicePort(adding: Adding, service: Service, port: ServicePort): void {
  const { scope, bind } = adding;
  if (!roomFor(adding, port)) return;
  const kind = trafficKind(port.protocol);
  const needsAddress = bind.address === '' && hasNoAddress(service) && (kind === 'tcp' || kind === 'auto');
  if (!needsAddress || service.resolution !== 'Passthrough') {
    add(adding, { service, port, address: bind.address });
    return;
  }
  const endpoints = endpointsOnPort(scope.snapshot.endpoints, service, port);
  if (service.registry === 'External' && endpoints.length === 0 && Object.keys(service.selector).length === 0) {
    add(adding, { service, port, address: bind.address });
    return;
  }
  for (const { ip } of endpoints) {
    if (isIp(ip) && ip !== scope.client.ip) add(adding, { service, port, address: ip });
  }
}

interface Candidate {
  readonly service: Service;
  readonly port: Port;
  readonly address: string;
}

/** Adds a service's chains to the listener they belong to; where protocols meet on one listener, it sniffs. */
function add({ scope, egress, bind, entries }: Adding, { service, port, address }: Candidate): void {
  const kind = port.protocol === 'http_proxy' ? 'http' : trafficKind(port.protocol);
  if (service.resolution === 'Alias' || kind === 'none') return;
  const isRange = kind !== 'http' && address === '' && service.address.includes('/');
  const at = address !== '' ? address : kind === 'http' || isRange ? scope.local.any : listenedAddress(scope, service);
  const key = `${at}_${port.port}`;
  const current = entries.get(key);
  if (current?.locked === true) return;
  if (kind === 'http' && current !== undefined && currentKind(current) !== 'tcp') return;
  if (kind === 'auto' && current !== undefined && currentKind(current) === 'auto') return;
  const cidrs = isRange && toCidr(service.address) ? [service.address] : [];
  const chains = [
    ...(kind === 'http'
      ? []
      : l4Chains({ scope, service, port, cidrs, bind: at, virtualServices: egress.virtualServices })),
    ...(kind === 'tcp' ? [] : [httpChain(scope, { service, port, address: at })]),
  ];
  const protocol = kind === 'http' && port.protocol !== 'http_proxy' && at === scope.local.any ? 'auto' : port.protocol;
  if (current === undefined || (kind === 'auto' && currentKind(current) === 'http')) {
    const origin = serviceOrigin(service, port.index);
    const matches = new Set(chains.map(matchKey));
    entries.set(key, {
      bind: { ...bind, address: at },
      port: port.port,
      protocol,
      locked: false,
      chains,
      matches,
      origin,
    });
    return;
  }
  if (refusesToShare(port.protocol, current.protocol)) return;
  for (const chain of chains) {
    const match = matchKey(chain);
    if (current.matches.has(match)) continue;
    current.matches.add(match);
    current.chains.push(chain);
  }
  if (currentKind(current) !== kind && currentKind(current) !== 'auto') current.protocol = 'auto';
}

/** A service's address of the proxy's family, else any that it has; one without is listened to on all addresses. */
function listenedAddress({ local }: OutboundScope, service: Service): string {
  if (hasNoAddress(service)) return local.any;
  return addressesOf(service, local)[0] ?? service.address;
}

const currentKind = ({ protocol }: Entry): 'http' | 'tcp' | 'auto' | 'none' => trafficKind(protocol);

/** Where the server speaks first, an inspector would wait for ever: such a listener takes no other protocol. */
const refusesToShare = (incoming: PortProtocol, existing: PortProtocol): boolean =>
  incoming !== existing && [incoming, existing].some((protocol) => protocol === 'mongo' || protocol === 'mysql');

/** Sniffs even HTTP ports of the shared address, so that other traffic on the same port number still passes. */
function httpChain(scope: OutboundScope, { service, port, address }: Candidate): ChainDraft {
  const kind = trafficKind(port.protocol);
  const sniffs = kind === 'auto' || (kind === 'http' && port.protocol !== 'http_proxy' && address === scope.local.any);
  const ownTable = kind === 'auto' && address !== scope.local.any;
  const rds = port.port === 0 ? address : ownTable ? `${service.hostname}:${port.port}` : String(port.port);
  return {
    sniHosts: [],
    cidrs: [],
    ...(sniffs && { transportProtocol: 'raw_buffer', applicationProtocols: PLAINTEXT_HTTP }),
    filters: [
      httpFilter({
        mesh: scope.snapshot.mesh,
        istioProxy: scope.istioProxy,
        statPrefix: statPrefix(`outbound_${address}_${port.port}`),
        routes: { rds },
        side: 'outbound',
        grpcWeb: port.protocol === 'grpc-web',
        lookups: lookupFilters(scope, service),
      }),
    ],
  };
}

function finish(scope: OutboundScope, { bind, port, chains, origin }: Entry): Listener {
  const all = chains.map((draft) => ({ draft, chain: toChain(draft) }));
  const open = all.findLast(({ draft }) => matchesAll(draft));
  const others = all.filter(({ draft }) => !matchesAll(draft)).map(({ chain }) => chain);
  const inspectsHttp = chains.some(({ applicationProtocols }) => (applicationProtocols ?? []).length > 0);
  const inspectsTls = chains.some(
    ({ sniHosts, filters }) => sniHosts.length > 0 || filters.some(({ name }) => name === SNI_LOOKUP),
  );
  return {
    name: `${bind.address}_${port}`,
    address: bindAddress(bind.address, port),
    traffic_direction: 'OUTBOUND',
    ...(bind.toPort ? { max_connections_to_accept_per_socket_event: 1 } : { bind_to_port: false }),
    ...(open !== undefined && others.length === 0
      ? { filter_chains: [open.chain] }
      : { filter_chains: others, default_filter_chain: open?.chain ?? passthroughChain(scope) }),
    ...((inspectsTls || inspectsHttp) && {
      listener_filters: [...(inspectsTls ? [TLS_INSPECTOR] : []), ...(inspectsHttp ? [HTTP_INSPECTOR] : [])],
    }),
    listener_filters_timeout: inspectsHttp ? (scope.snapshot.mesh.protocolDetectionTimeout ?? NO_TIMEOUT) : NO_TIMEOUT,
    continue_on_listener_filters_timeout: true,
    metadata: originMetadata(origin),
  };
}

const passthroughChain = (scope: OutboundScope): FilterChain => ({
  filter_chain_match: {},
  name: 'PassthroughFilterChain',
  filters: fallthroughFilter(scope),
});

/** A socket of the file system where the Sidecar says `unix://…` and port 0. With another port Istio sends an address that no proxy can use. */
const bindAddress = (address: string, port: number): NonNullable<Listener['address']> =>
  address.startsWith('unix://') && port === 0
    ? { pipe: { path: address.slice('unix://'.length) } }
    : listenAddress(address, port);

/** A proxy that applications call by name, where meshConfig.proxyHttpPort wants one. */
function httpProxyListener(scope: OutboundScope): Listener | undefined {
  const { mesh } = scope.snapshot;
  const port = mesh.proxyHttpPort ?? 0;
  if (port === 0) return undefined;
  const draft: ChainDraft = {
    sniHosts: [],
    cidrs: [],
    filters: [
      httpFilter({
        mesh,
        istioProxy: scope.istioProxy,
        statPrefix: statPrefix(`outbound_${scope.local.loopback}_${port}`),
        routes: { rds: HTTP_PROXY_TABLE },
        side: 'outbound',
        absoluteUrls: true,
        lookups: lookupFilters(scope),
      }),
    ],
  };
  return {
    name: `${scope.local.loopback}_${port}`,
    address: listenAddress(scope.local.loopback, port),
    traffic_direction: 'OUTBOUND',
    max_connections_to_accept_per_socket_event: 1,
    filter_chains: [toChain(draft)],
    listener_filters_timeout: NO_TIMEOUT,
    continue_on_listener_filters_timeout: true,
  };
}

/** The route table of the listener for applications that use a proxy by name. */
export const HTTP_PROXY_TABLE = 'http_proxy';

/** Port 15001: the door of all captured outbound traffic. */
function virtualOutbound(scope: OutboundScope): Listener {
  const port = scope.snapshot.mesh.proxyListenPort ?? OUTBOUND_PORT;
  const looksUp = looksUpAnyHost(scope);
  return {
    name: 'virtualOutbound',
    address: listenAddress(scope.local.any, port),
    traffic_direction: 'OUTBOUND',
    use_original_dst: true,
    max_connections_to_accept_per_socket_event: 1,
    filter_chains: [
      {
        name: 'virtualOutbound-blackhole',
        filter_chain_match: { destination_port: port },
        filters: blackHoleFilter,
      },
      ...(looksUp ? [anyHostChain(scope)] : []),
      { name: 'virtualOutbound-catchall-tcp', filters: fallthroughFilter(scope) },
    ],
    ...(looksUp && { listener_filters: [HTTP_INSPECTOR] }),
  };
}

/** Plain HTTP to hosts that nobody declared, which the proxy looks up by name. */
function anyHostChain(scope: OutboundScope): FilterChain {
  return {
    name: 'virtualOutbound-catchall-tcp-http',
    filter_chain_match: { application_protocols: ['http/1.1', 'h2c'] },
    filters: [
      httpFilter({
        mesh: scope.snapshot.mesh,
        istioProxy: scope.istioProxy,
        statPrefix: statPrefix('outbound_virtualOutbound_allow_any_dynamic_dns'),
        routes: { inline: routeConfig('allow_any_dynamic_dns', [catchAllVirtualHost(scope)]) },
        side: 'outbound',
        lookups: lookupFilters(scope),
      }),
    ],
  };
}
