import { clusterName } from '#domain';
import type { Route, RouteConfiguration, VirtualHost } from '#xds';
import { compareText, fieldOf } from '../snapshot/config.ts';
import type { FieldOrigin } from '../snapshot/field-origin.ts';
import { hostCovers, isWildcard } from '../snapshot/hosts.ts';
import { trafficKind } from '../snapshot/protocol.ts';
import type { Service, ServicePort } from '../snapshot/services.ts';
import { MESH_GATEWAY, type VirtualService, virtualServicesFor } from '../snapshot/virtual-services.ts';
import { type IstioRouteAction, NO_TIMEOUT, PASSTHROUGH_CLUSTER } from './envoy-types.ts';
import { hashFor, translateHashPolicy } from './hash-policy.ts';
import { originMetadata, serviceOrigin } from './origin-metadata.ts';
import { translateRetries } from './retries.ts';
import { type RuleContext, translateRules } from './rule-routes.ts';
import type { OutboundScope } from './scope.ts';
import { translateTimeout } from './timeouts.ts';
import { serviceDomains } from './virtual-host-domains.ts';

const MESH: ReadonlySet<string> = new Set([MESH_GATEWAY]);

/** Envoy's limit is 4 KiB; Istio lifts it to what its webhook accepts. */
export const MAX_DIRECT_RESPONSE_BYTES = 1_048_576;

interface PortService {
  readonly service: Service;
  readonly port: ServicePort;
}

/** The route configuration `9080`: every HTTP (or sniffed) service with that port, and what happens to any other host. */
export function outboundRouteConfig(scope: OutboundScope, port: number): RouteConfiguration {
  const virtualHosts = outboundVirtualHosts(scope, port, { withPorts: false });
  const takesAll = virtualHosts.some((host) => host.domains.includes('*'));
  return routeConfig(String(port), takesAll ? virtualHosts : [...virtualHosts, catchAllVirtualHost(scope)]);
}

/** The route configuration `host:port` of a sniffed port, which serves that one service whatever the Host header says. */
export function sniffedRouteConfig(scope: OutboundScope, service: Service, port: number): RouteConfiguration {
  const own = outboundVirtualHosts(scope, port, { withPorts: false }).find((host) =>
    host.domains.includes(service.hostname),
  );
  return routeConfig(`${service.hostname}:${port}`, own === undefined ? [] : [{ ...own, domains: ['*'] }]);
}

const routeConfig = (name: string, virtual_hosts: VirtualHost[]): RouteConfiguration => ({
  name,
  virtual_hosts,
  validate_clusters: false,
  max_direct_response_body_size_bytes: MAX_DIRECT_RESPONSE_BYTES,
  ignore_port_in_host_matching: true,
});

/** The virtual hosts of one service port number, by name. Each host belongs to one VirtualService: the oldest that has routes for it. */
export function outboundVirtualHosts(
  scope: OutboundScope,
  port: number,
  { withPorts }: { readonly withPorts: boolean },
): VirtualHost[] {
  const local = servicesOnPort(scope, port);
  const rules = portRules(scope, port, local);
  const claim = createDomainClaims(new Set(local.keys()));
  const own = [...local.values()].flatMap((held) => {
    const { service, port: servicePort } = held;
    const kind = trafficKind(servicePort.protocol);
    if (kind !== 'http' && kind !== 'auto') return [];
    const { domains, short } = serviceDomains(service, {
      namespace: scope.namespace,
      port: withPorts ? port : undefined,
    });
    const free = claim(domains, short);
    return free.length === 0 ? [] : [serviceHost(scope, held, { domains: free, rules })];
  });
  const hosts = [...own, ...foreignHosts({ rules, local, port, claim, withPorts })];
  return hosts.sort((a, b) => compareText(a.name, b.name));
}

function servicesOnPort(scope: OutboundScope, port: number): ReadonlyMap<string, PortService> {
  const local = new Map<string, PortService>();
  for (const service of scope.services) {
    const found = service.ports.find((each) => each.port === port);
    if (found !== undefined) local.set(service.hostname, { service, port: found });
  }
  return local;
}

/** The rules for sidecars that have routes on this port. */
function portRules(scope: OutboundScope, port: number, local: ReadonlyMap<string, PortService>): RuleRoutes[] {
  const context: RuleContext = {
    scope,
    listenPort: port,
    gateways: MESH,
    isTls: false,
    findService: (host) => {
      const held = local.get(host);
      return held && { ports: [held.port] };
    },
  };
  return virtualServicesFor(scope.snapshot.virtualServices, MESH_GATEWAY, scope.namespace)
    .map((virtualService) => ({ virtualService, routes: translateRules(virtualService, context) }))
    .filter(({ routes }) => routes.length > 0);
}

function serviceHost(
  scope: OutboundScope,
  { service, port }: PortService,
  { domains, rules }: { readonly domains: string[]; readonly rules: readonly RuleRoutes[] },
): VirtualHost {
  const rule = ruleForHost(rules, service.hostname);
  return virtualHost(`${service.hostname}:${port.port}`, domains, {
    routes: rule?.routes ?? [defaultRoute(scope, service, port)],
    origin: rule ? hostOrigin(rule.virtualService, rule.host) : serviceOrigin(service, port.index),
  });
}

interface RuleRoutes {
  readonly virtualService: VirtualService;
  readonly routes: Route[];
}

/** The rule for a service: one that names it, else the one with the most specific wildcard; the earlier of two equals. */
function ruleForHost(
  rules: readonly RuleRoutes[],
  hostname: string,
): (RuleRoutes & { readonly host: string }) | undefined {
  let best: (RuleRoutes & { readonly host: string }) | undefined;
  for (const rule of rules) {
    for (const host of rule.virtualService.hosts) {
      if (host === hostname) return { ...rule, host };
      if (isWildcard(host) && hostCovers(host, hostname) && host.length > (best?.host.length ?? 0)) {
        best = { ...rule, host };
      }
    }
  }
  return best;
}

/**
 * Hosts of rules that no service of this port has. Istio gives them a virtual host on port 80, and on other ports only when the same
 * rule also names a service there.
 */
function foreignHosts(options: {
  readonly rules: readonly RuleRoutes[];
  readonly local: ReadonlyMap<string, PortService>;
  readonly port: number;
  readonly claim: DomainClaims;
  readonly withPorts: boolean;
}): VirtualHost[] {
  const { rules, local, port, claim, withPorts } = options;
  const covers = (host: string): boolean =>
    isWildcard(host) ? [...local.keys()].some((name) => hostCovers(host, name)) : local.has(host);
  return rules.flatMap(({ virtualService, routes }) => {
    if (port !== 80 && !virtualService.hosts.some(covers)) return [];
    return virtualService.hosts
      .filter((host) => !covers(host))
      .flatMap((host) => {
        const free = claim(withPorts ? [host, `${host}:${port}`] : [host], new Set());
        const origin = hostOrigin(virtualService, host);
        return free.length === 0 ? [] : [virtualHost(`${host}:${port}`, free, { routes, origin })];
      });
  });
}

const hostOrigin = ({ config, hosts }: VirtualService, host: string): FieldOrigin =>
  fieldOf(config, `spec.hosts[${hosts.indexOf(host)}]`);

const virtualHost = (
  name: string,
  domains: string[],
  { routes, origin }: { readonly routes: Route[]; readonly origin: FieldOrigin },
): VirtualHost => ({
  name,
  domains,
  routes,
  include_request_attempt_count: true,
  metadata: originMetadata(origin),
});

type DomainClaims = (domains: readonly string[], short: ReadonlySet<string>) => string[];

/** Gives each domain to the first who asks; a short form never takes another service's complete name. */
function createDomainClaims(complete: ReadonlySet<string>): DomainClaims {
  const taken = new Set<string>();
  return (domains, short) =>
    domains.filter((domain) => {
      const key = domain.toLowerCase();
      if (taken.has(key) || (short.has(domain) && complete.has(domain))) return false;
      taken.add(key);
      return true;
    });
}

/** The route of a service without a VirtualService. */
function defaultRoute(scope: OutboundScope, service: Service, port: ServicePort): Route {
  const hash = translateHashPolicy(hashFor(scope.ruleFor(service.hostname), {}, port.port));
  const retries = translateRetries(undefined, false);
  const action: IstioRouteAction = {
    cluster: clusterName('outbound', port.port, '', service.hostname),
    ...translateTimeout(undefined, scope.role === 'grpc'),
    ...(retries && { retry_policy: retries }),
    ...(hash && { hash_policy: [hash] }),
  };
  return {
    name: 'default',
    match: { prefix: '/' },
    route: action,
    metadata: originMetadata(serviceOrigin(service, port.index)),
    decorator: { operation: `${service.hostname}:${port.port}/*` },
  };
}

/** What happens to hosts that nobody declared: passed on as they are, or refused with 502. */
function catchAllVirtualHost({ snapshot }: OutboundScope): VirtualHost {
  const passes = snapshot.mesh.outboundTrafficPolicy === 'ALLOW_ANY';
  const name = passes ? 'allow_any' : 'block_all';
  const action: IstioRouteAction = { cluster: PASSTHROUGH_CLUSTER, timeout: NO_TIMEOUT, max_grpc_timeout: NO_TIMEOUT };
  return {
    name,
    domains: ['*'],
    routes: [
      {
        name,
        match: { prefix: '/' },
        ...(passes ? { route: action } : { direct_response: { status: 502 } }),
      },
    ],
    include_request_attempt_count: true,
  };
}
