import { clusterName } from '#domain';
import type { Route, RouteConfiguration, VirtualHost } from '#xds';
import { compareText, fieldOf } from '../../snapshot/config.ts';
import type { FieldOrigin } from '../../snapshot/field-origin.ts';
import { hostCovers, hostsOverlap, isWildcard } from '../../snapshot/hosts.ts';
import { parseProtocol, trafficKind } from '../../snapshot/protocol.ts';
import { usesGatewaySemantics } from '../../snapshot/semantics.ts';
import { portNumbered } from '../../snapshot/service-ports.ts';
import type { Service, ServicePort } from '../../snapshot/services.ts';
import { MESH_GATEWAY, type VirtualService } from '../../snapshot/virtual-services.ts';
import { originMetadata, serviceOrigin } from '../clusters/origin-metadata.ts';
import type { EgressListener } from '../egress-scope.ts';
import type { IstioRouteAction } from '../envoy-types.ts';
import { sessionOverride } from '../http-filters/sessions.ts';
import { HTTP_PROXY_TABLE } from '../listeners/listeners-outbound.ts';
import { countsAttempts } from '../proxy-headers.ts';
import type { OutboundScope } from '../scope.ts';
import { serviceHash, translateHashPolicy } from './hash-policy.ts';
import { translateRetries } from './retries.ts';
import { createRouteMemory, type RouteMemory } from './route-memory.ts';
import { catchAllVirtualHost, routeConfig } from './route-table.ts';
import { type RuleContext, translateRules } from './rule-routes.ts';
import { translateTimeout } from './timeouts.ts';
import { serviceDomains } from './virtual-host-domains.ts';

const MESH: ReadonlySet<string> = new Set([MESH_GATEWAY]);

/**
 * The route table of a name that a listener asks for: `9080` for all HTTP services of that port, `host:9080` for one sniffed service,
 * `http_proxy` or a socket's path for every port. Source: buildSidecarOutboundHTTPRouteConfig in istio pilot.
 */
export function outboundRouteConfig(
  scope: OutboundScope,
  name: string,
  memory: RouteMemory = createRouteMemory(),
): RouteConfiguration {
  const isSocket = name.startsWith('unix://');
  const colon = isSocket ? -1 : name.lastIndexOf(':');
  const port = isSocket || name === HTTP_PROXY_TABLE ? 0 : Number(name.slice(colon + 1));
  const egress = egressFor(scope, port, name);
  const hosts = egress === undefined ? [] : outboundVirtualHosts(scope, egress, { port, withPorts: false, memory });
  if (colon >= 0) {
    const host = name.slice(0, colon);
    const [own] = hosts.filter(({ domains }) => domains.includes(name) || domains.includes(host));
    return memory.settle(routeConfig(name, own === undefined ? [] : [{ ...own, domains: ['*'] }]));
  }
  return memory.settle(routeConfig(name, [...hosts, memory.of('catch-all', () => catchAllVirtualHost(scope))]));
}

/** The Sidecar's listener behind a table: that with the port (or socket), else the one for all ports. */
function egressFor({ egress }: OutboundScope, port: number, name: string): EgressListener | undefined {
  return egress.find(({ spec }) => {
    if (spec?.port === undefined) return true;
    return (spec.port.number ?? 0) === port && (port !== 0 || spec.bind === name);
  });
}

/**
 * The services with a table's port, by host, each with that port alone; all ports for a table of every port. A host that a ServiceEntry gives
 * several addresses has one of them as its domain: here the last. istiod's choice is another one after each of its starts.
 */
function servicesOnPort({ services }: EgressListener, port: number): ReadonlyMap<string, Service> {
  const local = new Map<string, Service>();
  for (const service of services) {
    const host = service.hostname.toLowerCase();
    if (port === 0) local.set(service.hostname, service);
    else {
      const own = portNumbered(service, port);
      if (own !== undefined) local.set(host, { ...service, hostname: host, ports: [own] });
    }
  }
  return local;
}

/** A set of routes and the hosts that they serve on a port. */
interface HostGroup {
  readonly port: number;
  readonly routes: Route[];
  readonly rule: VirtualService | undefined;
  readonly services: readonly { readonly service: Service; readonly port: ServicePort }[];
  /** Hosts of the rule that no service has. */
  readonly hosts: readonly string[];
}

interface TableOptions {
  /** 0: every port. */
  readonly port: number;
  /** Whether hosts also answer with their port. */
  readonly withPorts: boolean;
  readonly memory: RouteMemory;
}

/** The virtual hosts of a table, by name. Each host belongs to one VirtualService: the first that has routes for it. */
export function outboundVirtualHosts(
  scope: OutboundScope,
  egress: EgressListener,
  { port: tablePort, withPorts, memory }: TableOptions,
): VirtualHost[] {
  const isProxy = parseProtocol(egress.spec?.port?.protocol) === 'http_proxy' && egress.spec?.port !== undefined;
  const port = isProxy ? 0 : tablePort;
  const local = servicesOnPort(egress, port);
  const ruled = ruledGroups({ scope, egress, local, port, memory });
  const taken = new Set(ruled.flatMap(({ services }) => services.map(({ service }) => service.hostname)));
  const groups = [
    ...ruled,
    ...plainGroups(
      { scope, memory },
      [...local.values()].filter(({ hostname }) => !taken.has(hostname)),
    ),
  ];
  const hosts = buildHosts(scope, groups, { port, withPorts, memory });
  return hosts.sort((a, b) => compareText(a.name, b.name));
}

interface TableInput {
  readonly scope: OutboundScope;
  readonly egress: EgressListener;
  readonly local: ReadonlyMap<string, Service>;
  readonly port: number;
  readonly memory: RouteMemory;
}

/** Port 80 also serves hosts of rules that no service has; other ports only together with a service of the rule. */
function ruledGroups(table: TableInput): HostGroup[] {
  const { egress, local, port } = table;
  const wildcardHosts = [...local.keys()].filter(isWildcard);
  const names = [...local.keys()];
  const selects = ({ hosts }: VirtualService): boolean =>
    hosts.some((host) => {
      const lower = host.toLowerCase();
      if (local.has(lower)) return true;
      return isWildcard(lower)
        ? names.some((name) => hostsOverlap(lower, name))
        : wildcardHosts.some((name) => hostsOverlap(lower, name));
    });
  return egress.virtualServices
    .filter((rule) => port === 80 || selects(rule))
    .flatMap((rule) => ruleGroups(table, rule));
}

function ruleGroups({ scope, egress, local, port, memory }: TableInput, rule: VirtualService): HostGroup[] {
  const context: RuleContext = {
    scope,
    listenPort: port,
    gateways: MESH,
    isTls: false,
    findService: (host) => local.get(host),
  };
  const routes = memory.of(rule, () => translateRules(rule, context));
  if (routes.length === 0) return [];
  const { hosts, services } = separateHosts(rule, local, egress);
  const literal = usesGatewaySemantics(rule.config);
  const allowed = literal
    ? services.filter(({ namespace }) => [namespace, scope.namespace].includes(rule.config.namespace))
    : services;
  if (literal && allowed.length === 0) return [];
  const byPort = new Map<number, { service: Service; port: ServicePort }[]>();
  for (const service of allowed) {
    for (const each of service.ports) {
      const kind = trafficKind(each.protocol);
      if (kind !== 'http' && kind !== 'auto') continue;
      byPort.set(each.port, [...(byPort.get(each.port) ?? []), { service, port: each }]);
    }
  }
  if (byPort.size === 0 && port === 80) byPort.set(80, []);
  return [...byPort].map(([number, own]) => ({ port: number, routes, rule, services: own, hosts }));
}

/** The hosts of a rule that are services, and those that are not. Of several rules with wildcards the most specific has a service. */
function separateHosts(
  rule: VirtualService,
  local: ReadonlyMap<string, Service>,
  egress: EgressListener,
): { readonly hosts: string[]; readonly services: Service[] } {
  const hosts: string[] = [];
  const services: Service[] = [];
  const literal = usesGatewaySemantics(rule.config);
  for (const host of rule.hosts.filter((each) => !isWildcard(each))) {
    const service = local.get(host.toLowerCase());
    if (service === undefined) hosts.push(host);
    else services.push(service);
  }
  for (const host of rule.hosts.filter(isWildcard)) {
    const covered = literal
      ? []
      : [...local.values()].filter(({ hostname }) => hostsOverlap(hostname, host.toLowerCase()));
    if (covered.length === 0) hosts.push(literal ? host : host.toLowerCase());
    services.push(...covered.filter(({ hostname }) => egress.ruleFor(hostname) === rule));
  }
  return { hosts, services };
}

/** Services that no rule has a word about. */
const plainGroups = (
  { scope, memory }: Pick<TableInput, 'scope' | 'memory'>,
  services: readonly Service[],
): HostGroup[] =>
  services
    .filter(({ resolution }) => resolution !== 'Alias')
    .flatMap((service) =>
      service.ports
        .filter(({ protocol }) => ['http', 'auto'].includes(trafficKind(protocol)))
        .map((port) => ({
          port: port.port,
          routes: memory.of(`${service.hostname}:${port.port}`, () => [defaultRoute(scope, service, port)]),
          rule: undefined,
          services: [{ service, port }],
          hosts: [],
        })),
    );

/** Names and domains are given to the first group that asks for them; a short form never takes another service's complete name. */
function buildHosts(
  scope: OutboundScope,
  groups: readonly HostGroup[],
  { port, withPorts, memory }: TableOptions,
): VirtualHost[] {
  const complete = new Set(
    groups.flatMap((group) =>
      group.services.flatMap(({ service }) => [service.hostname, `${service.hostname}:${group.port}`]),
    ),
  );
  const claim = createDomainClaims(complete);
  const names = new Set<string>();
  const add = (
    host: string,
    group: HostGroup,
    asked: readonly [string[], ReadonlySet<string>],
    { origin, service }: { readonly origin: FieldOrigin; readonly service?: Service },
  ): VirtualHost[] => {
    const name = `${bracketed(host)}:${group.port}`;
    if (names.has(name)) return [];
    names.add(name);
    const free = onlyWithPort(claim(...asked), group.port, port);
    return free.length === 0
      ? []
      : [virtualHost(scope, name, { domains: free, routes: group.routes, service }, origin)];
  };
  return groups.flatMap((group) => [
    ...group.hosts.flatMap((host) => {
      const lower = host.toLowerCase();
      const domains = withPorts ? [lower, `${lower}:${group.port}`] : [lower];
      return group.rule ? add(lower, group, [domains, new Set()], { origin: hostOrigin(group.rule, host) }) : [];
    }),
    ...group.services.flatMap(({ service, port: own }) => {
      const { domains, short } = memory.of(`domains of ${service.hostname}:${group.port}`, () =>
        serviceDomains(service, {
          namespace: scope.namespace,
          port: withPorts || port === 0 ? group.port : undefined,
          local: scope.local,
        }),
      );
      const origin = group.rule
        ? hostOrigin(group.rule, ruleHost(group.rule, service.hostname))
        : serviceOrigin(service, own.index);
      return add(service.hostname, group, [domains, short], { origin, service });
    }),
  ]);
}

/** In a table of every port, a name without a port means port 80. */
const onlyWithPort = (domains: string[], port: number, tablePort: number): string[] =>
  tablePort === 0 && port !== 80 ? domains.filter((domain) => domain.includes(':')) : domains;

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

const ruleHost = ({ hosts }: VirtualService, hostname: string): string =>
  hosts.find((host) => host.toLowerCase() === hostname) ??
  hosts.find((host) => isWildcard(host) && hostCovers(host, hostname)) ??
  hosts[0] ??
  hostname;

const hostOrigin = ({ config, hosts }: VirtualService, host: string): FieldOrigin =>
  fieldOf(config, `spec.hosts[${Math.max(0, hosts.indexOf(host))}]`);

const virtualHost = (
  { snapshot: { mesh } }: OutboundScope,
  name: string,
  { service, ...parts }: Pick<VirtualHost, 'domains' | 'routes'> & { readonly service: Service | undefined },
  origin: FieldOrigin,
): VirtualHost => {
  const session = sessionOverride(mesh, [service]);
  return {
    name,
    ...parts,
    ...(session && { typed_per_filter_config: session }),
    ...(countsAttempts(mesh) && { include_request_attempt_count: true }),
    // Istio has no metadata here; ours alone tell which line a host comes from.
    metadata: { filter_metadata: { meshwork: originMetadata(origin).filter_metadata?.['meshwork'] ?? {} } },
  };
};

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
  const hash = translateHashPolicy(serviceHash(scope.ruleFor(service.hostname), port.port));
  const retries = translateRetries(scope.snapshot.mesh.defaultHttpRetryPolicy, false);
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
