import type { KubeObject } from '#domain';
import type { MeshConfig } from '../doors.ts';
import { type Config, compareConfigs, toConfig } from './config.ts';
import { mergeDelegate } from './delegates.ts';
import { resolveHost } from './hosts.ts';
import type { HttpRule } from './http-rule.ts';
import type { Destination, HttpRoute, L4Match, L4Route, VirtualServiceSpec } from './istio-types.ts';
import { usesGatewaySemantics } from './semantics.ts';

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

type ExportDefaults = Pick<MeshConfig, 'defaultVirtualServiceExportTo'>;

/** All VirtualServices that have hosts, delegates merged in, in configuration order. */
export function deriveVirtualServices(
  objects: readonly KubeObject[],
  generated: readonly Config<VirtualServiceSpec>[] = [],
  { defaultVirtualServiceExportTo = ['*'] }: ExportDefaults = {},
): readonly VirtualService[] {
  const configs = [...objects.map(storedConfig), ...generated].sort(compareConfigs);
  const byName = new Map(configs.map((config) => [`${config.namespace}/${config.name}`, config]));
  return configs
    .filter((config) => (config.spec.hosts ?? []).length > 0)
    .map((config) => remembered(config, delegatesOf(config, byName, defaultVirtualServiceExportTo)));
}

const stored = new WeakMap<KubeObject, Config<VirtualServiceSpec>>();

function storedConfig(object: KubeObject): Config<VirtualServiceSpec> {
  const config = stored.get(object) ?? toConfig<VirtualServiceSpec>(object);
  stored.set(object, config);
  return config;
}

/** By the name that a rule gives its delegate; undefined where it has none that it may use. */
type Delegates = readonly (Config<VirtualServiceSpec> | undefined)[];

function delegatesOf(
  { spec, namespace }: Config<VirtualServiceSpec>,
  byName: ReadonlyMap<string, Config<VirtualServiceSpec>>,
  defaultExportTo: readonly string[],
): Delegates {
  return (spec.http ?? []).map(({ delegate }) => {
    const found = delegate && byName.get(`${delegate.namespace ?? namespace}/${delegate.name}`);
    return found !== undefined && isDelegateFor(found, namespace, defaultExportTo) ? found : undefined;
  });
}

const resolved = new WeakMap<Config<VirtualServiceSpec>, { delegates: Delegates; value: VirtualService }>();

/** A VirtualService that is as it was, delegates included, keeps its identity: what was translated from it still holds. */
function remembered(config: Config<VirtualServiceSpec>, delegates: Delegates): VirtualService {
  const held = resolved.get(config);
  if (held?.delegates.every((delegate, i) => delegate === delegates[i])) return held.value;
  const value = resolve(config, delegates);
  resolved.set(config, { delegates, value });
  return value;
}

/** The VirtualService to which a rule hands over; undefined where there is none that it may use. */
export const delegateOf = ({ config }: VirtualService, rule: number): Config<VirtualServiceSpec> | undefined =>
  resolved.get(config)?.delegates[rule];

function resolve(config: Config<VirtualServiceSpec>, delegates: Delegates): VirtualService {
  const { spec, namespace } = config;
  const l4 = (kind: string, routes: readonly L4Route[] | undefined): L4Rule[] =>
    (routes ?? []).map((route, i) => ({ spec: resolveL4(route, namespace), path: `spec.${kind}[${i}]` }));
  return {
    config,
    hosts: (spec.hosts ?? []).map((host) => resolveHost(host, namespace)),
    gateways: resolveGateways(spec.gateways, namespace) ?? [MESH_GATEWAY],
    http: ownRules(config).flatMap((rule, i) => {
      if (rule.spec.delegate === undefined) return [rule];
      const found = delegates[i];
      return found === undefined ? [] : mergeDelegate(rule, ownRules(found));
    }),
    tls: l4('tls', spec.tls),
    tcp: l4('tcp', spec.tcp),
  };
}

const isDelegateFor = (
  config: Config<VirtualServiceSpec>,
  rootNamespace: string,
  defaultExportTo: readonly string[],
): boolean => (config.spec.hosts ?? []).length === 0 && isVisibleTo(config, rootNamespace, defaultExportTo);

/** Whether an object may be seen from a namespace; no list means what the mesh says. */
function isVisibleTo(
  { spec, namespace }: Config<VirtualServiceSpec>,
  viewer: string,
  defaultExportTo: readonly string[],
): boolean {
  const { exportTo = [] } = spec;
  return (exportTo.length === 0 ? defaultExportTo : exportTo).some(
    (entry) => entry === '*' || entry === viewer || (entry === '.' && namespace === viewer),
  );
}

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
  return gateways.map((name) => (name === MESH_GATEWAY ? name : resolveGateway(name, namespace)));
}

/** `name`, `./name` and `namespace/name`; `name.namespace…` is the form of old. Source: resolveGatewayName in istio pilot. */
function resolveGateway(name: string, namespace: string): string {
  const slash = name.indexOf('/');
  if (slash >= 0) return name.slice(0, slash) === '.' ? `${namespace}/${name.slice(slash + 1)}` : name;
  const [first = name, second] = name.split('.');
  return second === undefined ? `${namespace}/${name}` : `${second}/${first}`;
}

/** The namespaces to which a VirtualService is shown, by itself or else by the mesh. */
export function exportsOf({ config }: VirtualService, defaultExportTo: readonly string[] = ['*']): readonly string[] {
  const declared = config.spec.exportTo ?? [];
  return declared.length > 0 ? declared : defaultExportTo;
}

/**
 * The VirtualServices that proxies of `viewer` may see through `gateway`. Those visible only in their own namespace come first, then
 * those exported to a list of namespaces, then public ones, of which routes of the Gateway API in the viewer's namespace are first;
 * configuration order inside each group. Source: initVirtualServices and VirtualServicesForGateway in istio pilot.
 */
export function virtualServicesFor(
  all: readonly VirtualService[],
  gateway: string,
  viewer: string,
  { defaultVirtualServiceExportTo = ['*'] }: ExportDefaults = {},
): readonly VirtualService[] {
  const groups: VirtualService[][] = [[], [], [], []];
  for (const each of all) {
    const times = each.gateways.filter((name) => name === gateway);
    if (times.length === 0) continue;
    // Istio takes a rule as often as it names the gateway.
    const add = (group: number): void => {
      for (const _ of times) groups[group]?.push(each);
    };
    const { config } = each;
    const exportTo = exportsOf(each, defaultVirtualServiceExportTo);
    const isHome = config.namespace === viewer;
    if (exportTo.includes('*')) add(usesGatewaySemantics(config) && isHome ? 2 : 3);
    else if (exportTo.includes('~')) continue;
    else if (isHome ? exportTo.includes('.') || exportTo.includes(viewer) : exportTo.includes(viewer))
      add(isHome ? 0 : 1);
  }
  return groups.flat();
}
