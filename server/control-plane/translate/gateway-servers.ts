import type { Config } from '../snapshot/config.ts';
import { gatewaysFor } from '../snapshot/gateways.ts';
import type { GatewayServer, GatewaySpec } from '../snapshot/istio-types.ts';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
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

/** One port of a gateway pod: plaintext HTTP servers share one route table, TLS servers are told apart by SNI. */
export interface GatewayPort {
  readonly port: number;
  readonly bind: string;
  readonly kind: 'http' | 'tls' | 'tcp';
  readonly servers: readonly BoundServer[];
}

const HTTP_PROTOCOLS = new Set(['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB']);

/** A server whose TLS ends here and whose HTTP is read. */
export const terminatesHttps = ({ port, tls }: GatewayServer): boolean =>
  port.protocol.toUpperCase() === 'HTTPS' && tls !== undefined && !passesThrough(tls.mode);

/** TLS is forwarded unread, chosen by SNI. A server without a mode has none to read it with. */
const passesThrough = (mode: string | undefined): boolean =>
  mode === undefined || mode === 'PASSTHROUGH' || mode === 'AUTO_PASSTHROUGH';

function serverKind({ port, tls }: GatewayServer): GatewayPort['kind'] {
  const protocol = port.protocol.toUpperCase();
  if (HTTP_PROTOCOLS.has(protocol)) return 'http';
  return tls !== undefined && (protocol === 'HTTPS' || protocol === 'TLS' || !passesThrough(tls.mode)) ? 'tls' : 'tcp';
}

/**
 * The servers of all Gateways that select a pod, by port. The first Gateway on a port decides its kind: a later server of another kind
 * is left out, as is a TLS server whose host is already served on that port. Source: mergeGateways in istio pilot.
 */
export function gatewayPorts(snapshot: MeshSnapshot, proxy: ProxyView): readonly GatewayPort[] {
  const ports = new Map<string, { kind: GatewayPort['kind']; servers: BoundServer[]; port: number; bind: string }>();
  const tlsHosts = new Set<string>();
  for (const gateway of gatewaysFor(snapshot.gateways, proxy.labels)) {
    for (const [i, server] of (gateway.spec.servers ?? []).entries()) {
      const port = listenPort(server.port.number, proxy);
      const bind = server.bind ?? '';
      const kind = serverKind(server);
      const bound = bindServer({ gateway, server, index: i, port });
      const key = `${bind}:${port}`;
      const held = ports.get(key);
      if (held !== undefined && (held.kind !== kind || kind === 'tcp')) continue;
      const claims = server.tls === undefined ? [] : bound.hosts.map((host) => `${key}/${host}`);
      if (claims.some((claim) => tlsHosts.has(claim))) continue;
      for (const claim of claims) tlsHosts.add(claim);
      if (held === undefined) ports.set(key, { kind, servers: [bound], port, bind });
      else held.servers.push(bound);
    }
  }
  return [...ports.values()];
}

/** A server's port is the Service's; the pod listens on its target port. Without such a Service it is the pod's own. */
function listenPort(port: number, proxy: ProxyView): number {
  return proxy.targets.find((target) => target.port.port === port)?.targetPort ?? port;
}

interface BindInput {
  readonly gateway: Config<GatewaySpec>;
  readonly server: GatewayServer;
  readonly index: number;
  readonly port: number;
}

function bindServer({ gateway, server, index, port }: BindInput): BoundServer {
  const bind = server.bind ? `.${server.bind}` : '';
  const { namespace, name } = gateway;
  const routeName =
    serverKind(server) === 'http'
      ? `http.${port}${bind}`
      : terminatesHttps(server)
        ? `https.${server.port.number}.${server.port.name ?? ''}.${name}.${namespace}${bind}`
        : '';
  return {
    gateway,
    gatewayName: `${namespace}/${name}`,
    server,
    path: `spec.servers[${index}]`,
    hosts: server.hosts.map((host) => completeHost(host.toLowerCase(), namespace)),
    routeName,
  };
}

function completeHost(host: string, namespace: string): string {
  const slash = host.indexOf('/');
  if (slash < 0) return host;
  const owner = host.slice(0, slash);
  const rest = host.slice(slash + 1);
  if (owner === '*') return rest;
  return `${owner === '.' ? namespace : owner}/${rest}`;
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
