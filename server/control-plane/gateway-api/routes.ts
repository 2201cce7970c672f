import type { KubeObject } from '#domain';
import type { Config } from '../snapshot/config.ts';
import type { HttpRoute, VirtualServiceSpec } from '../snapshot/istio-types.ts';
import { type GeneratedRules, grpcRules, httpRules } from './http-rules.ts';
import { type HostRules, mergeHostRules } from './http-virtual-services.ts';
import { type L4Owner, l4Rules } from './l4-rules.ts';
import { l4VirtualServices } from './l4-virtual-services.ts';
import { meshHosts, parentPort } from './mesh-hosts.ts';
import {
  attachedParents,
  belongsToListener,
  isMesh,
  type ParentLookup,
  type RouteParent,
  type RouteView,
  routeParents,
  viewRoute,
} from './parents.ts';
import type { ReferenceContext } from './reference-context.ts';
import { type RouteParentStatus, routeStatus } from './route-status.ts';
import type { GrpcRouteSpec, HttpRouteSpec, L4RouteSpec } from './types.ts';

/** A route's attachment to one listener of a Gateway or ListenerSet. */
export interface Attachment {
  readonly owner: RouteParent['listener']['owner'];
  readonly sectionName: string;
}

export interface ConvertedRoute {
  readonly object: KubeObject;
  readonly status: readonly RouteParentStatus[];
  readonly attachments: readonly Attachment[];
  /** Of an HTTPRoute or GRPCRoute. */
  readonly hostRules: readonly HostRules[];
  /** Of a TCPRoute or TLSRoute. */
  readonly virtualServices: readonly Config<VirtualServiceSpec>[];
}

export interface RouteContext extends ReferenceContext {
  readonly parents: ParentLookup;
}

/** One route, as its parents serve it. */
export function convertRoute(object: KubeObject, context: RouteContext): ConvertedRoute {
  const route = viewRoute(object);
  const parents = routeParents(route, context.parents);
  const attached = attachedParents(parents);
  return {
    object,
    ...(route.kind === 'HTTPRoute' || route.kind === 'GRPCRoute'
      ? convertHttp(route, { parents, attached }, context)
      : convertL4(route, { parents, attached }, context)),
    attachments: attached
      .filter((parent) => !isMesh(parent))
      .map(({ listener }) => ({ owner: listener.owner, sectionName: listener.sectionName })),
  };
}

interface Parents {
  readonly parents: readonly RouteParent[];
  readonly attached: readonly RouteParent[];
}

type Converted = Pick<ConvertedRoute, 'status' | 'hostRules' | 'virtualServices'>;

/** Rules as the mesh's clients obey them and as Gateways serve them: they differ in what backends need. */
function bothWays<Rules extends { readonly fault?: unknown }>(
  parents: readonly RouteParent[],
  make: (needsGrants: boolean) => Rules,
): { readonly mesh: Rules | undefined; readonly gateway: Rules | undefined } {
  return {
    mesh: parents.some(isMesh) ? make(false) : undefined,
    gateway: parents.every(isMesh) ? undefined : make(true),
  };
}

function convertHttp(route: RouteView, { parents, attached }: Parents, context: RouteContext): Converted {
  const { object, kind, namespace } = route;
  const make = (needsGrants: boolean): GeneratedRules<HttpRoute> => {
    const owner = { kind, namespace, needsGrants, name: object.metadata.name };
    return kind === 'HTTPRoute'
      ? httpRules((object.spec as HttpRouteSpec).rules ?? [], owner, context)
      : grpcRules((object.spec as GrpcRouteSpec).rules ?? [], owner, context);
  };
  const { mesh, gateway } = bothWays(parents, make);
  return {
    status: routeStatus(parents, namespace, { mesh: mesh?.fault, gateway: gateway?.fault }),
    hostRules: attached.flatMap((parent) =>
      hostRules(route, parent, (isMesh(parent) ? mesh : gateway)?.rules ?? [], context),
    ),
    virtualServices: [],
  };
}

function hostRules(
  route: RouteView,
  parent: RouteParent,
  rules: HostRules['rules'],
  { index }: RouteContext,
): HostRules[] {
  if (rules.length === 0) return [];
  const { object, namespace } = route;
  const gateway = parent.listener.internalName;
  const port = isMesh(parent) ? parentPort(parent) : undefined;
  const prefix = isMesh(parent) ? [namespace, ...(port === undefined ? [] : [port])].join('/') : gateway;
  const onPort = port === undefined ? rules : rules.map((rule) => ({ ...rule, spec: atPort(rule.spec, port) }));
  return routeHosts(route, parent, index)
    .filter(({ host }) => belongsToListener(parent, host))
    .map(({ host, place }) => ({
      route: object,
      key: `${prefix}/${host}`,
      host,
      hostPlace: place,
      gateway,
      rules: onPort,
    }));
}

/** A rule that holds on one port of the service only. */
function atPort(rule: HttpRoute, port: number): HttpRoute {
  const matches = rule.match?.length ? rule.match : [{}];
  return { ...rule, match: matches.map((match) => ({ ...match, port })) };
}

/** The hosts that a route serves through a parent, and where they stand. */
function routeHosts(
  { hostnames }: RouteView,
  parent: RouteParent,
  index: RouteContext['index'],
): readonly { readonly host: string; readonly place: string }[] {
  if (isMesh(parent)) return meshHosts(parent, index).map((host) => ({ host, place: 'spec.parentRefs' }));
  if (hostnames.length === 0) return [{ host: '*', place: 'spec' }];
  return hostnames.map((host, position) => ({ host, place: `spec.hostnames[${position}]` }));
}

function convertL4(route: RouteView, { parents, attached }: Parents, context: RouteContext): Converted {
  const { object, namespace } = route;
  const kind = route.kind === 'TLSRoute' ? 'TLSRoute' : 'TCPRoute';
  const { rules = [] } = object.spec as L4RouteSpec;
  const make = (needsGrants: boolean) => {
    const owner: L4Owner = { kind, namespace, needsGrants, hostnames: route.hostnames };
    return l4Rules(rules, owner, context);
  };
  const { mesh, gateway } = bothWays(parents, make);
  return {
    status: routeStatus(parents, namespace, { mesh: mesh?.fault, gateway: gateway?.fault }),
    hostRules: [],
    virtualServices: l4VirtualServices(route, attached, {
      rulesFor: (parent) => (isMesh(parent) ? mesh : gateway)?.rules ?? [],
      hostsFor: (parent) => routeHosts(route, parent, context.index),
    }),
  };
}

/** The VirtualServices of all routes: HTTPRoutes and GRPCRoutes of one host are one. */
export const routeVirtualServices = (routes: readonly ConvertedRoute[]): Config<VirtualServiceSpec>[] => [
  ...routes.flatMap(({ virtualServices }) => virtualServices),
  ...mergeHostRules(routes.flatMap(({ hostRules: own }) => own)),
];
