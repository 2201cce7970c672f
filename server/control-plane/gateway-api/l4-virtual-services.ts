import type { Config } from '../snapshot/config.ts';
import { hostsOverlap, intersectHosts } from '../snapshot/hosts.ts';
import type { L4Route, VirtualServiceSpec } from '../snapshot/istio-types.ts';
import { INTERNAL_MARK } from './annotations.ts';
import type { GeneratedRule } from './http-rules.ts';
import { isMesh, type RouteParent, type RouteView } from './parents.ts';
import { virtualService } from './virtual-services.ts';

interface PlacedHost {
  readonly host: string;
  readonly place: string;
}

export interface L4Parts {
  rulesFor(parent: RouteParent): readonly GeneratedRule<L4Route>[];
  hostsFor(parent: RouteParent): readonly PlacedHost[];
}

/** The VirtualServices of a TCPRoute or TLSRoute: one for each host on each of its parents. They are never merged. */
export function l4VirtualServices(
  route: RouteView,
  parents: readonly RouteParent[],
  parts: L4Parts,
): Config<VirtualServiceSpec>[] {
  const isTls = route.kind === 'TLSRoute';
  return parents
    .flatMap((parent) => {
      const { hosts, rules } = isTls ? tlsParts(parent, parts) : tcpParts(parent, parts);
      return hosts.map(({ host, place }) => ({
        host,
        place,
        gateway: parent.listener.internalName,
        rules: isTls && isMesh(parent) ? rules.map((rule) => fittingNames(rule, host)) : rules,
      }));
    })
    .map(({ host, place, gateway, rules }, count) =>
      virtualService({
        route: route.object,
        name: `${route.object.metadata.name}~${isTls ? 'tls' : 'tcp'}~${count}~${INTERNAL_MARK}`,
        host,
        hostPlace: place,
        gateway,
        list: isTls ? 'tls' : 'tcp',
        rules: rules.map((rule) => ({ ...rule, route: route.object })),
      }),
    );
}

interface HostsAndRules {
  readonly hosts: readonly PlacedHost[];
  readonly rules: readonly GeneratedRule<L4Route>[];
}

/** A TCP listener takes one route, so its host does not matter. */
function tcpParts(parent: RouteParent, parts: L4Parts): HostsAndRules {
  const rules = parts.rulesFor(parent);
  const { port } = parent.reference;
  return {
    hosts: isMesh(parent) ? parts.hostsFor(parent) : [{ host: '*', place: 'spec' }],
    rules: isMesh(parent) && port !== undefined ? rules.map((rule) => withMatches(rule, [{ port }])) : rules,
  };
}

/** On a Gateway the server names are those that route and listener share; in the mesh those of the parent, where the route has none. */
function tlsParts(parent: RouteParent, parts: L4Parts): HostsAndRules {
  const hosts = parts.hostsFor(parent);
  const rules = parts.rulesFor(parent);
  const { hostname } = parent.listener;
  if (isMesh(parent)) return { hosts, rules: rules.map((rule) => meshNames(rule, parent, hosts)) };
  if (hostname === '') return { hosts, rules };
  return {
    hosts: sharedHosts(hosts, hostname),
    rules: rules
      .map((rule) =>
        withMatches(
          rule,
          (rule.spec.match ?? []).map((match) => ({
            ...match,
            sniHosts: intersectHosts(match.sniHosts ?? [], [hostname]),
          })),
        ),
      )
      .filter(
        ({ spec: { match = [] } }) => match.length === 0 || match.some(({ sniHosts = [] }) => sniHosts.length > 0),
      ),
  };
}

/** What each host shares with the listener's; a host that two of them come down to is there once. */
function sharedHosts(hosts: readonly PlacedHost[], hostname: string): PlacedHost[] {
  const shared = new Map<string, string>();
  for (const { host, place } of hosts)
    for (const each of intersectHosts([host], [hostname])) if (!shared.has(each)) shared.set(each, place);
  return [...shared].map(([host, place]) => ({ host, place }));
}

function meshNames(
  rule: GeneratedRule<L4Route>,
  { reference }: RouteParent,
  hosts: readonly PlacedHost[],
): GeneratedRule<L4Route> {
  const { match = [] } = rule.spec;
  const any = match.length === 1 && match[0]?.sniHosts?.length === 1 && match[0].sniHosts[0] === '*';
  return withMatches(
    rule,
    match.map((each) => ({
      ...each,
      ...(any && { sniHosts: hosts.map(({ host }) => host) }),
      ...(reference.port !== undefined && { port: reference.port }),
    })),
  );
}

/** Of several server names those that the host may have. */
function fittingNames(rule: GeneratedRule<L4Route>, host: string): GeneratedRule<L4Route> {
  const [only, ...others] = rule.spec.match ?? [];
  if (only === undefined || others.length > 0 || (only.sniHosts ?? []).length < 2) return rule;
  return withMatches(rule, [{ ...only, sniHosts: (only.sniHosts ?? []).filter((name) => hostsOverlap(host, name)) }]);
}

const withMatches = (rule: GeneratedRule<L4Route>, match: NonNullable<L4Route['match']>): GeneratedRule<L4Route> => ({
  ...rule,
  spec: { ...rule.spec, ...(match.length > 0 && { match }) },
});
