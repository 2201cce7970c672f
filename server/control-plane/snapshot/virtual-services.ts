import type { KubeObject } from '#domain';
import { type Config, compareConfigs, toConfig } from './config.ts';
import { mergeDelegate } from './delegates.ts';
import { isExportedTo, resolveHost } from './hosts.ts';
import type { HttpRule } from './http-rule.ts';
import type { Destination, HttpRoute, L4Match, L4Route, VirtualServiceSpec } from './istio-types.ts';

/** One entry of `spec.tcp` or `spec.tls`. */
export interface L4Rule {
  readonly spec: L4Route;
  readonly path: string;
}

/** A VirtualService with complete host and gateway names. */
export interface VirtualService {
  readonly config: Config<VirtualServiceSpec>;
  readonly hosts: readonly string[];
  /** `mesh`, or `namespace/name`. */
  readonly gateways: readonly string[];
  readonly http: readonly HttpRule[];
  readonly tls: readonly L4Rule[];
  readonly tcp: readonly L4Rule[];
}

export const MESH_GATEWAY = 'mesh';

/** All VirtualServices that have hosts, delegates merged in, in configuration order. */
export function deriveVirtualServices(objects: readonly KubeObject[]): readonly VirtualService[] {
  const configs = objects.map((object) => toConfig<VirtualServiceSpec>(object)).sort(compareConfigs);
  const byName = new Map(configs.map((config) => [`${config.namespace}/${config.name}`, config]));
  return configs.filter((config) => (config.spec.hosts ?? []).length > 0).map((config) => resolve(config, byName));
}

function resolve(
  config: Config<VirtualServiceSpec>,
  byName: ReadonlyMap<string, Config<VirtualServiceSpec>>,
): VirtualService {
  const { spec, namespace } = config;
  const l4 = (kind: string, routes: readonly L4Route[] | undefined): L4Rule[] =>
    (routes ?? []).map((route, i) => ({ spec: resolveL4(route, namespace), path: `spec.${kind}[${i}]` }));
  return {
    config,
    hosts: (spec.hosts ?? []).map((host) => resolveHost(host, namespace)),
    gateways: resolveGateways(spec.gateways, namespace) ?? [MESH_GATEWAY],
    http: ownRules(config).flatMap((rule) => {
      const { delegate } = rule.spec;
      if (delegate === undefined) return [rule];
      const found = byName.get(`${delegate.namespace ?? namespace}/${delegate.name}`);
      if (found === undefined || !isDelegateFor(found, namespace)) return [];
      return mergeDelegate(rule, ownRules(found));
    }),
    tls: l4('tls', spec.tls),
    tcp: l4('tcp', spec.tcp),
  };
}

const isDelegateFor = (config: Config<VirtualServiceSpec>, rootNamespace: string): boolean =>
  (config.spec.hosts ?? []).length === 0 && isExportedTo(config.spec.exportTo, config.namespace, rootNamespace);

const ownRules = (config: Config<VirtualServiceSpec>): HttpRule[] =>
  (config.spec.http ?? []).map((route, i) => ({
    spec: resolveHttp(route, config.namespace),
    owner: config,
    path: `spec.http[${i}]`,
    matchPaths: (route.match ?? []).map((_, j) => `spec.http[${i}].match[${j}]`),
    inherited: new Set(),
  }));

function resolveHttp(route: HttpRoute, namespace: string): HttpRoute {
  const complete = (destination: Destination): Destination => ({
    ...destination,
    host: resolveHost(destination.host, namespace),
  });
  return {
    ...route,
    ...(route.match && { match: route.match.map((match) => resolveMatchGateways(match, namespace)) }),
    ...(route.route && {
      route: route.route.map((entry) => ({ ...entry, destination: complete(entry.destination) })),
    }),
    ...(route.mirror && { mirror: complete(route.mirror) }),
    ...(route.mirrors && {
      mirrors: route.mirrors.map((mirror) =>
        mirror.destination ? { ...mirror, destination: complete(mirror.destination) } : mirror,
      ),
    }),
  };
}

function resolveL4(route: L4Route, namespace: string): L4Route {
  return {
    ...(route.match && { match: route.match.map((match) => resolveMatchGateways<L4Match>(match, namespace)) }),
    route: (route.route ?? []).map((entry) => ({
      ...entry,
      destination: { ...entry.destination, host: resolveHost(entry.destination.host, namespace) },
    })),
  };
}

function resolveMatchGateways<Match extends { readonly gateways?: readonly string[] }>(
  match: Match,
  namespace: string,
): Match {
  const gateways = resolveGateways(match.gateways, namespace);
  return gateways === undefined ? match : { ...match, gateways };
}

/** Complete gateway names; undefined where none are listed. */
function resolveGateways(gateways: readonly string[] | undefined, namespace: string): readonly string[] | undefined {
  if (gateways === undefined || gateways.length === 0) return undefined;
  return gateways.map((name) => (name === MESH_GATEWAY || name.includes('/') ? name : `${namespace}/${name}`));
}

/**
 * The VirtualServices that proxies of `viewer` may see through `gateway`. Those visible only in their own namespace come first, then
 * those exported to a list of namespaces, then public ones; configuration order inside each group.
 */
export function virtualServicesFor(
  all: readonly VirtualService[],
  gateway: string,
  viewer: string,
): readonly VirtualService[] {
  const rank = ({ config }: VirtualService): number => {
    const exportTo = config.spec.exportTo ?? [];
    if (exportTo.length === 0 || exportTo.includes('*')) return 2;
    return exportTo.includes('.') ? 0 : 1;
  };
  return all
    .filter((each) => each.gateways.includes(gateway))
    .filter(({ config }) => isExportedTo(config.spec.exportTo, config.namespace, viewer))
    .map((each, position) => ({ each, position }))
    .sort((a, b) => rank(a.each) - rank(b.each) || a.position - b.position)
    .map(({ each }) => each);
}
