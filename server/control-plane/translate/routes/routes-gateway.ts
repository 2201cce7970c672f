import type { Any, Route, RouteConfiguration, VirtualHost } from '#xds';
import type { MeshConfig } from '../../doors.ts';
import { compareText, fieldOf } from '../../snapshot/config.ts';
import type { FieldOrigin } from '../../snapshot/field-origin.ts';
import { compareSpecificity, intersectHosts } from '../../snapshot/hosts.ts';
import { isServiceVisible } from '../../snapshot/registry.ts';
import type { Service } from '../../snapshot/services.ts';
import { type VirtualService, virtualServicesFor } from '../../snapshot/virtual-services.ts';
import { originMetadata } from '../clusters/origin-metadata.ts';
import { type BoundServer, hostsForNamespace } from '../gateway-servers.ts';
import { sessionOverride } from '../http-filters/sessions.ts';
import { countsAttempts } from '../proxy-headers.ts';
import type { OutboundScope } from '../scope.ts';
import { isCatchAll } from './match.ts';
import { MAX_DIRECT_RESPONSE_BYTES } from './route-table.ts';
import { translateRules } from './rule-routes.ts';

interface HostRoutes {
  /** The server's own port number, which names the virtual host. */
  readonly port: number;
  readonly origin: FieldOrigin;
  readonly routes: Route[];
  requiresTls: boolean;
  /** What keeps the sessions of a host that is a service itself. */
  readonly session?: Record<string, Any> | undefined;
}

/**
 * The route table of servers that share a route name. Rules for the same host are joined in configuration order, and routes that accept
 * everything move behind the others. Source: buildGatewayHTTPRouteConfig in istio pilot.
 */
export function gatewayRouteConfig(
  scope: OutboundScope,
  name: string,
  servers: readonly BoundServer[],
): RouteConfiguration {
  const hosts = new Map<string, HostRoutes>();
  const translated = new Map<string, Route[]>();
  const { virtualServices, mesh } = scope.snapshot;
  for (const bound of servers) {
    const redirects = bound.server.tls?.httpsRedirect === true;
    for (const rule of virtualServicesFor(virtualServices, bound.gatewayName, scope.namespace, mesh)) {
      addRule(hosts, { scope, bound, rule, redirects, translated });
    }
    if (redirects) addRedirects(hosts, bound);
  }
  const virtualHosts = joinEqualHosts(hosts, mesh).sort((a, b) => compareText(a.name, b.name));
  const port = servers[0]?.server.port.number ?? 0;
  return {
    name,
    virtual_hosts: virtualHosts.length === 0 ? [{ name: `blackhole:${port}`, domains: ['*'] }] : virtualHosts,
    validate_clusters: false,
    max_direct_response_body_size_bytes: MAX_DIRECT_RESPONSE_BYTES,
    ignore_port_in_host_matching: true,
  };
}

interface RuleBinding {
  readonly scope: OutboundScope;
  readonly bound: BoundServer;
  readonly rule: VirtualService;
  readonly redirects: boolean;
  /** Routes by gateway and rule: translated for the first server, they serve the others too. */
  readonly translated: Map<string, Route[]>;
}

function addRule(hosts: Map<string, HostRoutes>, { scope, bound, rule, redirects, translated }: RuleBinding): void {
  const shared = intersectHosts(hostsForNamespace(bound, rule.config.namespace), rule.hosts);
  if (shared.length === 0) return;
  const port = bound.server.port.number;
  const key = `${bound.gatewayName}/${rule.config.namespace}/${rule.config.name}`;
  const routes =
    translated.get(key) ??
    translateRules(rule, {
      scope,
      listenPort: port,
      gateways: new Set([bound.gatewayName]),
      isTls: bound.server.tls !== undefined,
      findService: (host) => serviceFor(scope, host, rule.config.namespace),
    });
  if (routes.length === 0) return;
  translated.set(key, routes);
  for (const given of shared) {
    const host = given.toLowerCase();
    const held = hosts.get(host);
    if (held !== undefined) {
      held.routes.push(...routes);
      held.requiresTls ||= redirects;
      continue;
    }
    const index = rule.hosts.findIndex((own) => intersectHosts([own], [given]).length > 0);
    const origin = fieldOf(rule.config, `spec.hosts[${Math.max(index, 0)}]`);
    const session = sessionOverride(scope.snapshot.mesh, [destinationNamed(scope, rule, host)]);
    hosts.set(host, { port, origin, routes: [...routes], requiresTls: redirects, session });
  }
}

/** The service of a host to which its own rule sends requests. */
function destinationNamed(scope: OutboundScope, { http, config }: VirtualService, host: string): Service | undefined {
  const isNamed = http.some(({ spec }) => spec.route?.some(({ destination }) => destination.host === host));
  return isNamed ? serviceFor(scope, host, config.namespace) : undefined;
}

/** The service of the rule's own namespace, if the gateway may see it, else the one the gateway sees. */
function serviceFor(
  { snapshot, namespace, findService }: OutboundScope,
  host: string,
  ruleNamespace: string,
): Service | undefined {
  const own = snapshot.services.byHost.get(host)?.get(ruleNamespace);
  return own !== undefined && isServiceVisible(own, namespace, snapshot.mesh) ? own : findService(host);
}

/** Hosts of an `httpsRedirect` server answer 301 to https, also those that no rule has. */
function addRedirects(hosts: Map<string, HostRoutes>, bound: BoundServer): void {
  for (const given of bound.hosts) {
    const host = given.toLowerCase();
    const held = hosts.get(host);
    if (held !== undefined) held.requiresTls = true;
    else {
      const origin = fieldOf(bound.gateway, `${bound.path}.tls.httpsRedirect`);
      hosts.set(host, { port: bound.server.port.number, origin, routes: [], requiresTls: true });
    }
  }
}

/** Hosts with the same routes share one virtual host, named after the first of them. */
function joinEqualHosts(hosts: ReadonlyMap<string, HostRoutes>, mesh: MeshConfig): VirtualHost[] {
  const joined: { readonly routes: readonly Route[]; readonly host: VirtualHost; readonly requiresTls: boolean }[] = [];
  for (const [host, own] of [...hosts].sort(([a], [b]) => compareSpecificity(a, b))) {
    const { port, origin, routes, requiresTls, session } = own;
    const same = joined.findLast((each) => sameRoutes(each.routes, routes));
    if (same !== undefined && same.requiresTls === requiresTls) {
      same.host.domains.push(host);
      continue;
    }
    joined.push({
      routes,
      requiresTls,
      host: {
        name: `${host}:${port}`,
        domains: [host],
        ...(routes.length > 0 && { routes: catchAllsLast(routes) }),
        ...(countsAttempts(mesh) && { include_request_attempt_count: true }),
        ...(requiresTls && { require_tls: 'ALL' }),
        ...(session && { typed_per_filter_config: session }),
        metadata: { filter_metadata: { meshwork: originMetadata(origin).filter_metadata?.['meshwork'] ?? {} } },
      },
    });
  }
  return joined.map(({ host }) => host);
}

const sameRoutes = (a: readonly Route[], b: readonly Route[]): boolean =>
  a.length === b.length && a.every((route, i) => route === b[i]);

const catchAllsLast = (routes: readonly Route[]): Route[] => [
  ...routes.filter(({ match }) => !isCatchAll(match)),
  ...routes.filter(({ match }) => isCatchAll(match)),
];
