import { clusterName } from '#domain';
import type { FilterChain } from '#xds';
import { fieldOf } from '../../snapshot/config.ts';
import { hostsOverlap } from '../../snapshot/hosts.ts';
import { isTls } from '../../snapshot/protocol.ts';
import { hasNoAddress, type Service, type ServicePort } from '../../snapshot/services.ts';
import { type L4Rule, MESH_GATEWAY, type VirtualService } from '../../snapshot/virtual-services.ts';
import { isDynamic, sniLookupFilters } from '../clusters/dynamic-dns.ts';
import { originMetadata, serviceOrigin } from '../clusters/origin-metadata.ts';
import { fillPattern } from '../clusters/stat-names.ts';
import { codecFilters } from '../http-filters/codec-filters.ts';
import { destinationCluster } from '../routes/destinations.ts';
import { altHosts } from '../routes/virtual-host-domains.ts';
import type { OutboundScope } from '../scope.ts';
import type { ChainDraft } from './chain-draft.ts';
import { selectTcp, selectTls } from './l4-selection.ts';
import { tcpFilter, tcpOptions, weightedTcpFilter } from './tcp-proxy.ts';

const MESH: ReadonlySet<string> = new Set([MESH_GATEWAY]);

export interface L4Input {
  readonly scope: OutboundScope;
  readonly service: Service;
  /** The listener's port: the service's own, or one that a Sidecar names. */
  readonly port: Pick<ServicePort, 'port' | 'name' | 'protocol'> & { readonly index?: number };
  /** Ranges that tell the service apart on a shared listener. */
  readonly cidrs: readonly string[];
  readonly bind: string;
  readonly virtualServices: readonly VirtualService[];
}

/** The chains that forward bytes of one service port: by the `tcp` (or, on TLS ports, `tls`) rules for it, else to its cluster. */
export function l4Chains(input: L4Input): ChainDraft[] {
  const rules = input.virtualServices.filter(({ hosts }) =>
    hosts.some((host) => hostsOverlap(host, input.service.hostname)),
  );
  return isTls(input.port.protocol) ? tlsChains(input, rules) : tcpChains(input, rules);
}

/** Without a rule, the service itself. */
function tlsChains(input: L4Input, rules: readonly VirtualService[]): ChainDraft[] {
  const { scope, port, cidrs } = input;
  const context = { listenPort: port.port, gateways: MESH, scope };
  const chains = selectTls(rules, { context, cidrs }).map(
    ({ owner, l4, ...own }): ChainDraft => ({
      sniHosts: own.sniHosts,
      cidrs: own.cidrs,
      ...ruleFilters({ scope, rule: owner, l4, port }),
    }),
  );
  return chains.length > 0 ? chains : [{ sniHosts: ownNames(input), cidrs, ...serviceFilters(input) }];
}

/** Names tell services apart that no address does. */
function ownNames({ service, bind, cidrs, scope }: L4Input): readonly string[] {
  const sharesListener =
    cidrs.length > 0 || service.address.includes('/') || (hasNoAddress(service) && bind === scope.local.any);
  if (!sharesListener && !isDynamic(service)) return [];
  return [service.hostname, ...service.aliases.flatMap((alias) => [alias, ...altHosts(alias, scope.namespace)])];
}

/** Behind the rules the service itself, where they leave connections to it. */
function tcpChains(input: L4Input, rules: readonly VirtualService[]): ChainDraft[] {
  const { scope, port, cidrs } = input;
  const context = { listenPort: port.port, gateways: MESH, scope };
  const { selected, takesAll } = selectTcp(rules, { context, cidrs });
  const chains = selected.map(
    ({ owner, l4, ...own }): ChainDraft => ({
      sniHosts: [],
      ...ruleFilters({ scope, rule: owner, l4, port }),
      cidrs: own.cidrs,
      ...(own.ofSubnets && { isIstioNameless: true }),
    }),
  );
  return takesAll ? chains : [...chains, { sniHosts: [], cidrs, ...serviceFilters(input) }];
}

interface RuleInput {
  readonly scope: OutboundScope;
  readonly rule: VirtualService;
  readonly l4: L4Rule;
  readonly port: Pick<ServicePort, 'port' | 'protocol'>;
}

/** Filters that forward to a rule's destinations, and where they come from. */
export function ruleFilters({
  scope,
  rule,
  l4,
  port: { port, protocol },
}: RuleInput): Pick<FilterChain, 'filters' | 'metadata'> {
  const { mesh } = scope.snapshot;
  const routes = l4.spec.route ?? [];
  const [first] = routes;
  const service = first && scope.findService(first.destination.host);
  const destinationRule = service && scope.ruleFor(service.hostname);
  const single = routes.length === 1 ? first : undefined;
  if (single !== undefined) {
    const { destination } = single;
    const cluster = destinationCluster(destination, service, port);
    const pattern = service && mesh.outboundClusterStatName;
    const subset = destination.subset ?? '';
    const statPrefix = pattern
      ? fillPattern(pattern, { service, subset, port: { port, name: '' }, targetPort: 0 })
      : cluster;
    return {
      filters: [
        ...codecFilters(scope, protocol, statPrefix),
        ...tcpFilter(cluster, mesh, { statPrefix, options: tcpOptions(destinationRule, { subset }) }),
      ],
      metadata: originMetadata(fieldOf(rule.config, l4.path), { cluster: `${l4.path}.route[0]` }),
    };
  }
  const weighted = routes
    .map((route, position) => ({ route, position }))
    .filter(({ route }) => (route.weight ?? 0) > 0);
  const clusters = weighted.map(({ route: { destination, weight = 0 } }) => ({
    name: destinationCluster(destination, scope.findService(destination.host), port),
    weight,
  }));
  const statPrefix = `${rule.config.name}.${rule.config.namespace}`;
  return {
    filters: [
      ...codecFilters(scope, protocol, statPrefix),
      ...weightedTcpFilter(statPrefix, clusters, mesh, tcpOptions(destinationRule, { subset: '' })),
    ],
    metadata: originMetadata(
      fieldOf(rule.config, l4.path),
      Object.fromEntries(
        weighted.map(({ position }, i) => [`weighted_clusters.${i}`, `${l4.path}.route[${position}]`]),
      ),
    ),
  };
}

/** To the service itself: on a port that a Sidecar names, to the service's only port if it has but one. */
function serviceFilters({ scope, service, port }: L4Input): Pick<FilterChain, 'filters' | 'metadata'> {
  const { mesh } = scope.snapshot;
  const only = service.ports.length === 1 ? service.ports[0] : undefined;
  const number = only?.port ?? port.port;
  const cluster = clusterName('outbound', number, '', service.hostname);
  const pattern = mesh.outboundClusterStatName;
  const statPrefix = pattern
    ? fillPattern(pattern, { service, subset: '', port: { port: number, name: '' }, targetPort: 0 })
    : cluster;
  const options = tcpOptions(scope.ruleFor(service.hostname), { subset: '' });
  return {
    filters: [
      ...sniLookupFilters(scope, service, port.port),
      ...codecFilters(scope, port.protocol, statPrefix),
      ...tcpFilter(cluster, mesh, { statPrefix, options }),
    ],
    metadata: originMetadata(serviceOrigin(service, (only ?? port).index)),
  };
}
