import type { Config } from '../snapshot/config.ts';
import { labelsMatch } from '../snapshot/hosts.ts';
import type { GatewayServer, GatewaySpec } from '../snapshot/istio-types.ts';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import { type PortProtocol, parseProtocol, trafficKind } from '../snapshot/protocol.ts';
import type { ServiceTarget } from './proxy-targets.ts';
import type { ProxyView } from './proxy-view.ts';

/** A Gateway's server on the port its pod really listens on. */
export interface BoundServer {
  readonly gateway: Config<GatewaySpec>;
  /** `namespace/name` */
  readonly gatewayName: string;
  readonly server: GatewayServer;
  /** `spec.servers[0]` */
  readonly path: string;
  /** Hosts with `./` made complete and `*`+`/` taken off: `host` or `namespace/host`. */
  readonly hosts: readonly string[];
  /** RDS name; empty where no HTTP is read. */
  readonly routeName: string;
}

/** The servers on one port, protocol and address of a gateway pod. */
export interface GatewayPort {
  readonly port: number;
  readonly bind: string;
  readonly protocol: PortProtocol;
  /** Of plaintext HTTP, which all servers of the port share. */
  readonly routeName: string;
  readonly servers: readonly BoundServer[];
}

/** All servers of the Gateways that select a pod: by port, and by the route table they share. */
export interface MergedGateway {
  readonly ports: readonly GatewayPort[];
  readonly tables: ReadonlyMap<string, readonly BoundServer[]>;
  /** A server hands mTLS of other networks on unread. */
  readonly autoPassthrough: boolean;
}

/** TLS is forwarded unread, chosen by SNI. That is what a TLS block without a mode means. */
export const passesThrough = ({ tls }: GatewayServer): boolean =>
  tls !== undefined && (tls.mode === undefined || tls.mode === 'PASSTHROUGH' || tls.mode === 'AUTO_PASSTHROUGH');

const isHttp = (protocol: PortProtocol): boolean => trafficKind(protocol) === 'http';

const protocolOf = ({ port }: GatewayServer): PortProtocol => parseProtocol(port.protocol);

/** A server whose TLS ends here and whose HTTP is read. */
export const terminatesHttps = (server: GatewayServer): boolean =>
  protocolOf(server) === 'https' && server.tls !== undefined && !passesThrough(server);

/** TLS that ends here and whose bytes are forwarded. */
export const terminatesTcp = (server: GatewayServer): boolean =>
  server.tls !== undefined && !isHttp(protocolOf(server)) && protocolOf(server) !== 'https' && !passesThrough(server);

const readsHttp = (server: GatewayServer): boolean => isHttp(protocolOf(server)) || terminatesHttps(server);

const isTlsServer = (server: GatewayServer): boolean => server.tls !== undefined && !isHttp(protocolOf(server));

/** Annotation of generated Gateways: host names of the Services whose pods they are for, in place of a selector. */
const SERVICES = 'internal.istio.io/gateway-service';
const PARENT_NAMESPACE = 'internal.istio.io/parent-namespace';

interface Selected {
  readonly gateway: Config<GatewaySpec>;
  /** Service ports by which a server's number may be meant. */
  readonly targets: readonly ServiceTarget[];
  /** By labels: a number that no service has is the pod's own. */
  readonly bySelector: boolean;
}

function selectGateways(snapshot: MeshSnapshot, proxy: ProxyView): Selected[] {
  return snapshot.gateways.flatMap((gateway): Selected[] => {
    const services = gateway.annotations?.[SERVICES];
    if (services !== undefined) {
      const known = new Set(services.split(','));
      const namespace = gateway.annotations?.[PARENT_NAMESPACE] || gateway.namespace;
      const targets = proxy.targets.filter(
        ({ service }) => known.has(service.hostname) && service.namespace === namespace,
      );
      return targets.length === 0 ? [] : [{ gateway, targets, bySelector: false }];
    }
    if (!labelsMatch(gateway.spec.selector, proxy.labels)) return [];
    return [{ gateway, targets: proxy.targets, bySelector: true }];
  });
}

const NO_TRANSLATION = 'experimental.istio.io/disable-gateway-port-translation';

/** A server's port is the Service's; the pod listens on its target port. */
function listenPorts(number: number, { targets, bySelector }: Selected): number[] {
  const found = targets.filter(
    ({ port, service }) => port.port === number && !(bySelector && service.labels[NO_TRANSLATION] !== undefined),
  );
  if (!bySelector) return [...new Set(found.map(({ targetPort }) => targetPort))];
  return [found[0]?.targetPort ?? number];
}

interface MutablePort {
  readonly port: number;
  readonly bind: string;
  readonly protocol: PortProtocol;
  routeName: string;
  readonly servers: BoundServer[];
}

interface Merge {
  readonly ports: Map<string, MutablePort>;
  readonly tables: Map<string, BoundServer[]>;
  /** The plaintext server that came first on a port number. */
  readonly plaintext: Map<number, MutablePort>;
  readonly numbers: Set<number>;
  /** Addresses of the TLS servers of a port number. */
  readonly tlsBinds: Map<number, Set<string>>;
  /** Address by host of the TLS servers of a port number. */
  readonly tlsHosts: Map<number, Map<string, string>>;
  /** A server that passes on without a rule was met, whether or not there was room for it. */
  autoPassthrough: boolean;
}

/**
 * The servers of all Gateways that select a pod, the oldest Gateway first. Plaintext HTTP servers of a port share one route table, TLS
 * servers are told apart by SNI; what cannot stand beside the first server of its port and address is left out.
 * Source: mergeGateways in istio pilot.
 */
export function mergeGateways(snapshot: MeshSnapshot, proxy: ProxyView): MergedGateway {
  const merge: Merge = {
    ports: new Map(),
    tables: new Map(),
    plaintext: new Map(),
    numbers: new Set(),
    tlsBinds: new Map(),
    tlsHosts: new Map(),
    autoPassthrough: false,
  };
  for (const selected of selectGateways(snapshot, proxy)) {
    for (const [index, server] of (selected.gateway.spec.servers ?? []).entries()) {
      if (server.port === undefined) continue;
      for (const port of listenPorts(server.port.number, selected)) {
        addServer(merge, bindServer({ gateway: selected.gateway, server, index, port }), port);
      }
    }
  }
  return {
    ports: [...merge.ports.values()],
    tables: merge.tables,
    autoPassthrough: merge.autoPassthrough,
  };
}

/** The servers of one Gateway, each on every port that its pod listens on for it, whether or not there is room; none: it selects another pod. */
export function bindServers(
  snapshot: MeshSnapshot,
  proxy: ProxyView,
  gateway: Config<GatewaySpec>,
): { readonly bound: BoundServer; readonly listenPort: number }[] {
  return selectGateways(snapshot, proxy)
    .filter((selected) => selected.gateway === gateway)
    .flatMap((selected) =>
      (gateway.spec.servers ?? []).flatMap((server, index) =>
        listenPorts(server.port.number, selected).map((port) => ({
          bound: bindServer({ gateway, server, index, port }),
          listenPort: port,
        })),
      ),
    );
}

function addServer(merge: Merge, bound: BoundServer, number: number): void {
  const { server, routeName } = bound;
  const bind = server.bind ?? '';
  if (server.tls !== undefined && !claimHosts(merge, bound, number)) return;
  merge.autoPassthrough ||= server.tls?.mode === 'AUTO_PASSTHROUGH';
  const key = `${number}/${server.port.protocol}/${bind}`;
  const fresh = (): MutablePort => ({ port: number, bind, protocol: protocolOf(server), routeName, servers: [bound] });
  if (!merge.numbers.has(number)) {
    merge.numbers.add(number);
    open(merge, key, fresh());
    return;
  }
  const plain = merge.plaintext.get(number);
  if (plain !== undefined) {
    addBesidePlaintext(merge, { plain, key, bound, fresh });
    return;
  }
  if (!isTlsServer(server)) {
    open(merge, key, fresh());
    return;
  }
  if (readsHttp(server)) {
    if (routeName === '' || merge.tables.has(routeName)) return;
    merge.tables.set(routeName, [bound]);
  }
  const binds = merge.tlsBinds.get(number) ?? new Set();
  merge.tlsBinds.set(number, binds.add(bind));
  const held = merge.ports.get(key);
  if (held === undefined) merge.ports.set(key, { ...fresh(), routeName: '' });
  else held.servers.push(bound);
}

/** The first server of a port number, or one on another address. */
function open(merge: Merge, key: string, port: MutablePort): void {
  const [bound] = port.servers;
  merge.ports.set(key, port);
  if (bound === undefined) return;
  if (!isTlsServer(bound.server)) merge.plaintext.set(port.port, port);
  if (readsHttp(bound.server)) merge.tables.set(bound.routeName, [bound]);
}

interface BesidePlaintext {
  readonly plain: MutablePort;
  readonly key: string;
  readonly bound: BoundServer;
  readonly fresh: () => MutablePort;
}

/** Only HTTP joins HTTP on an address; on another address anything may stand. */
function addBesidePlaintext(merge: Merge, { plain, key, bound, fresh }: BesidePlaintext): void {
  const { routeName, server } = bound;
  const bind = server.bind ?? '';
  const table = merge.tables.get(routeName);
  if (plain.bind === bind) {
    const joins = isHttp(protocolOf(server)) && isHttp(plain.protocol);
    if (!joins || routeName === '') return;
    plain.servers.push(bound);
    merge.tables.set(routeName, [...(table ?? []), bound]);
    return;
  }
  const held = merge.ports.get(key);
  if (held === undefined) {
    open(merge, key, fresh());
    return;
  }
  held.routeName = routeName;
  held.servers.push(bound);
  merge.tables.set(routeName, [...(table ?? []), bound]);
}

/** Envoy refuses two chains for the same name: the first server keeps it, the second is left out as a whole. */
function claimHosts({ tlsHosts }: Merge, { hosts, server }: BoundServer, number: number): boolean {
  const known = tlsHosts.get(number) ?? new Map<string, string>();
  tlsHosts.set(number, known);
  return claimNames(known, hosts, server.bind ?? '');
}

/** Takes names for an address, all or none. */
export function claimNames(known: Map<string, string>, names: readonly string[], bind: string): boolean {
  if (names.some((name) => known.get(name) === bind)) return false;
  for (const name of names) known.set(name, bind);
  return true;
}

interface BindInput {
  readonly gateway: Config<GatewaySpec>;
  readonly server: GatewayServer;
  readonly index: number;
  readonly port: number;
}

function bindServer({ gateway, server, index, port }: BindInput): BoundServer {
  const { namespace, name } = gateway;
  return {
    gateway,
    gatewayName: `${namespace}/${name}`,
    server,
    path: `spec.servers[${index}]`,
    hosts: completeHosts(server.hosts ?? [], namespace),
    routeName: routeNameOf({ gateway, server, port }),
  };
}

/** `http.<listening port>`, or `https.<server's port>.<its name>.<gateway>.<namespace>`. Source: gatewayRDSRouteName in istio pilot. */
function routeNameOf({ gateway, server, port }: Omit<BindInput, 'index'>): string {
  const bind = server.bind ? `.${server.bind}` : '';
  if (isHttp(protocolOf(server))) return `http.${port}${bind}`;
  if (protocolOf(server) !== 'https' || passesThrough(server)) return '';
  return `https.${server.port.number}.${server.port.name ?? ''}.${gateway.name}.${gateway.namespace}${bind}`;
}

function completeHosts(hosts: readonly string[], namespace: string): readonly string[] {
  if (hosts.includes('*/*')) return ['*'];
  return hosts.map((host) => {
    const slash = host.indexOf('/');
    if (slash < 0) return host;
    const owner = host.slice(0, slash);
    const rest = host.slice(slash + 1);
    if (owner === '*') return rest;
    return owner === '.' ? `${namespace}/${rest}` : host;
  });
}

/** The hosts of a server that VirtualServices of a namespace may bind to. */
export const hostsForNamespace = ({ hosts }: BoundServer, namespace: string): string[] =>
  hosts.flatMap((host) => {
    const slash = host.indexOf('/');
    if (slash < 0) return [host];
    return host.slice(0, slash) === namespace ? [host.slice(slash + 1)] : [];
  });

/** The names that SNI may carry for a server. */
export const sniHosts = ({ hosts }: BoundServer): string[] =>
  [...new Set(hosts.map((host) => host.slice(host.indexOf('/') + 1)))].sort();
