import type { Route, RouteConfiguration, VirtualHost } from '#xds';
import { compareText, fieldOf } from '../snapshot/config.ts';
import { intersectHosts } from '../snapshot/hosts.ts';
import { type VirtualService, virtualServicesFor } from '../snapshot/virtual-services.ts';
import { type BoundServer, hostsForNamespace } from './gateway-servers.ts';
import { isCatchAll } from './match.ts';
import { originMetadata } from './origin-metadata.ts';
import { MAX_DIRECT_RESPONSE_BYTES } from './routes-outbound.ts';
import { translateRules } from './rule-routes.ts';
import type { OutboundScope } from './scope.ts';

interface HostRoutes {
  /** The server's own port number, which names the virtual host. */
  readonly port: number;
  readonly first: VirtualService;
  readonly hostIndex: number;
  readonly rules: Set<VirtualService>;
  readonly routes: Route[];
  requiresTls: boolean;
}

/**
 * The route table of servers that share a route name. Rules for the same host are joined in configuration order, and routes that accept
 * everything move behind the others. Source: buildGatewayHTTPRouteConfig in istio pilot.
 */
export function gatewayRouteConfig(scope: OutboundScope, servers: readonly BoundServer[]): RouteConfiguration {
  const [first] = servers;
  const hosts = new Map<string, HostRoutes>();
  const redirects: VirtualHost[] = [];
  for (const bound of servers) {
    const isRedirect = bound.server.tls?.httpsRedirect === true;
    const rules = virtualServicesFor(scope.snapshot.virtualServices, bound.gatewayName, scope.namespace);
    for (const rule of rules) addRule(hosts, { scope, bound, rule, isRedirect });
    if (isRedirect) redirects.push(...redirectHosts(bound, hosts));
  }
  const virtualHosts = [...joinEqualHosts(hosts), ...redirects].sort((a, b) => compareText(a.name, b.name));
  const blackHole: VirtualHost = { name: `blackhole:${first?.server.port.number ?? 0}`, domains: ['*'], routes: [] };
  return {
    name: first?.routeName ?? '',
    virtual_hosts: virtualHosts.length === 0 ? [blackHole] : virtualHosts,
    validate_clusters: false,
    max_direct_response_body_size_bytes: MAX_DIRECT_RESPONSE_BYTES,
    ignore_port_in_host_matching: true,
  };
}

interface RuleBinding {
  readonly scope: OutboundScope;
  readonly bound: BoundServer;
  readonly rule: VirtualService;
  readonly isRedirect: boolean;
}

function addRule(hosts: Map<string, HostRoutes>, { scope, bound, rule, isRedirect }: RuleBinding): void {
  const shared = intersectHosts(hostsForNamespace(bound, rule.config.namespace), rule.hosts);
  if (shared.length === 0) return;
  const port = bound.server.port.number;
  const routes = translateRules(rule, {
    scope,
    listenPort: port,
    gateways: new Set([bound.gatewayName]),
    isTls: bound.server.tls !== undefined,
    findService: (host) => scope.findService(host),
  });
  if (routes.length === 0) return;
  for (const host of shared) {
    const hostIndex = Math.max(
      rule.hosts.findIndex((own) => intersectHosts([own], [host]).length > 0),
      0,
    );
    const held = hosts.get(host) ?? { port, first: rule, hostIndex, rules: new Set(), routes: [], requiresTls: false };
    hosts.set(host, held);
    held.rules.add(rule);
    held.routes.push(...routes);
    held.requiresTls ||= isRedirect;
  }
}

/** Hosts whose routes come from the same rules share one virtual host, named after the first of them. */
function joinEqualHosts(hosts: ReadonlyMap<string, HostRoutes>): VirtualHost[] {
  const joined = new Map<string, VirtualHost>();
  for (const [host, held] of [...hosts].sort(([a], [b]) => compareText(a, b))) {
    const { port, first, routes, requiresTls } = held;
    const origins = [...held.rules].map(({ config }) => `${config.namespace}/${config.name}`);
    const key = JSON.stringify([origins, routes.length, port, requiresTls]);
    const existing = joined.get(key);
    if (existing !== undefined) {
      existing.domains.push(host);
      continue;
    }
    joined.set(key, {
      name: `${host}:${port}`,
      domains: [host],
      routes: catchAllsLast(routes),
      include_request_attempt_count: true,
      ...(requiresTls && { require_tls: 'ALL' }),
      metadata: originMetadata(fieldOf(first.config, `spec.hosts[${held.hostIndex}]`)),
    });
  }
  return [...joined.values()];
}

const catchAllsLast = (routes: readonly Route[]): Route[] => [
  ...routes.filter(({ match }) => !isCatchAll(match)),
  ...routes.filter(({ match }) => isCatchAll(match)),
];

/** Hosts of an `httpsRedirect` server that no rule has: they, too, answer 301 to https. */
function redirectHosts(bound: BoundServer, hosts: ReadonlyMap<string, HostRoutes>): VirtualHost[] {
  return bound.hosts
    .filter((host) => !host.includes('/') && !hosts.has(host))
    .map((host) => ({
      name: `${host}:${bound.server.port.number}`,
      domains: [host],
      include_request_attempt_count: true,
      require_tls: 'ALL',
      metadata: originMetadata(fieldOf(bound.gateway, `${bound.path}.tls.httpsRedirect`)),
    }));
}
