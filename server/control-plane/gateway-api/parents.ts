import type { KubeObject } from '#domain';
import { compareText } from '../snapshot/config.ts';
import { hostCovers, hostsOverlap, isWildcard } from '../snapshot/hosts.ts';
import type { Fault } from './conditions.ts';
import type { ParentListener } from './gateways.ts';
import { GATEWAY_GROUP, namespaceOf, type ObjectIndex } from './objects.ts';
import {
  GATEWAY,
  type GroupKind,
  groupKind,
  LISTENER_SET,
  type RouteKind,
  SERVICE,
  SERVICE_ENTRY,
} from './references.ts';
import type { CommonRouteSpec, ParentReference } from './types.ts';

/** One listener (or the mesh) that a route's `parentRefs` entry leads to. */
export interface RouteParent {
  readonly reference: ParentReference;
  readonly kind: GroupKind;
  readonly name: string;
  readonly namespace: string;
  readonly listener: ParentListener;
  /** Absent: the route is attached. */
  readonly denied?: Fault | undefined;
  /** Hosts of the other listeners of this port and protocol, which take what is theirs. */
  readonly otherHosts: readonly string[];
}

export const isMesh = ({ listener }: RouteParent): boolean => listener.internalName === 'mesh';

const MESH: ParentListener = {
  owner: { kind: `${GATEWAY_GROUP}/Mesh`, namespace: '', name: 'istio' },
  internalName: 'mesh',
  allowedKinds: ['HTTPRoute', 'GRPCRoute', 'TCPRoute', 'TLSRoute'],
  hosts: [],
  hostname: '',
  sectionName: '',
  port: 0,
  protocol: '',
};

/** Finds the listeners that a reference may mean. */
export interface ParentLookup {
  readonly index: ObjectIndex;
  listenersOf(owner: {
    readonly kind: GroupKind;
    readonly namespace: string;
    readonly name: string;
  }): readonly ParentListener[];
}

export interface RouteView {
  readonly object: KubeObject;
  readonly kind: RouteKind;
  readonly namespace: string;
  readonly hostnames: readonly string[];
}

/** A stored route with its hosts; TCPRoutes have none. */
export function viewRoute(object: KubeObject): RouteView {
  const kind = object.kind as RouteKind;
  const { hostnames = [] } = object.spec as CommonRouteSpec;
  return { object, kind, namespace: namespaceOf(object), hostnames: kind === 'TCPRoute' ? [] : hostnames };
}

/**
 * Every listener that the route's `parentRefs` lead to, those that refuse the route included. References to parents of other
 * controllers lead nowhere. Source: extractParentReferenceInfo in istio pilot/pkg/config/kube/gateway.
 */
export function routeParents(route: RouteView, lookup: ParentLookup): RouteParent[] {
  const { parentRefs = [] } = route.object.spec as CommonRouteSpec;
  return parentRefs
    .flatMap((reference) => {
      const kind = groupKind(reference, GATEWAY);
      const { name, namespace = route.namespace } = reference;
      const inMesh = kind === SERVICE || kind === SERVICE_ENTRY;
      if (!inMesh && kind !== GATEWAY && kind !== LISTENER_SET) return [];
      const listeners = inMesh ? [MESH] : lookup.listenersOf({ kind, namespace, name });
      return listeners.map((listener): RouteParent => {
        const parent = { reference, kind, name, namespace, listener };
        const denied = inMesh ? meshDenial(parent, lookup) : listenerDenial(parent, route);
        return {
          ...parent,
          denied: denied ?? kindDenial(listener, route.kind),
          otherHosts: otherHosts(listener, listeners),
        };
      });
    })
    .map((parent) => ({ parent, key: parentKey(parent.reference, route.namespace) }))
    .sort((a, b) => compareText(a.key, b.key))
    .map(({ parent }) => parent);
}

/** `group/kind/name/section/port.namespace` */
export function parentKey(reference: ParentReference, namespace: string): string {
  const { group = GATEWAY_GROUP, kind = 'Gateway', name, sectionName = '', port = 0 } = reference;
  return `${group}/${kind}/${name}/${sectionName}/${port}.${reference.namespace ?? namespace}`;
}

function otherHosts(own: ParentListener, all: readonly ParentListener[]): string[] {
  const rivals = all.filter(
    (other) =>
      other !== own && other.port === own.port && other.protocol === own.protocol && other.hostname !== own.hostname,
  );
  return rivals.map(({ hostname }) => hostname);
}

type Candidate = Omit<RouteParent, 'denied' | 'otherHosts'>;

function meshDenial({ kind, name, namespace }: Candidate, { index }: ParentLookup): Fault | undefined {
  const isService = kind === SERVICE;
  const known = (isService ? index.services : index.serviceEntries).has(`${namespace}/${name}`);
  const what = isService ? 'service' : 'service entry';
  return known ? undefined : { reason: 'NoMatchingParent', message: `parent ${what}: "${name}" not found` };
}

function listenerDenial({ reference, listener }: Candidate, route: RouteView): Fault | undefined {
  const { port, sectionName } = reference;
  if (port && port !== listener.port) return { reason: 'NoMatchingParent', message: `port ${port} not found` };
  if (sectionName && sectionName !== listener.sectionName) {
    return { reason: 'NoMatchingParent', message: `sectionName "${sectionName}" not found` };
  }
  return hostDenial(listener, route);
}

/** A wildcard on either side fits; one shared name is enough, the others are left out when routes are built. */
function hostDenial({ hosts, hostname }: ParentListener, route: RouteView): Fault | undefined {
  if (hosts.length === 0) return undefined;
  const wanted = route.hostnames.length === 0 ? ['*'] : route.hostnames;
  let hostMatched = false;
  for (const host of wanted) {
    for (const entry of hosts) {
      const [namespace = '', allowed = ''] = entry.includes('/') ? entry.split('/') : ['*', entry];
      if (!hostsOverlap(allowed, host)) continue;
      hostMatched = true;
      if (namespace === '*' || namespace === route.namespace) return undefined;
    }
  }
  if (!hostMatched) {
    return { reason: 'NoMatchingListenerHostname', message: `no hostnames matched parent hostname "${hostname}"` };
  }
  return {
    reason: 'NotAllowedByListeners',
    message: `hostnames matched parent hostname "${hostname}", but namespace "${route.namespace}" is not allowed by the parent`,
  };
}

const kindDenial = ({ allowedKinds }: ParentListener, kind: RouteKind): Fault | undefined =>
  allowedKinds.includes(kind)
    ? undefined
    : { reason: 'NotAllowedByListeners', message: `kind ${GATEWAY_GROUP}/v1/${kind} is not allowed` };

/** The parents that take the route, in a fixed order. */
export const attachedParents = (parents: readonly RouteParent[]): RouteParent[] =>
  parents
    .filter(({ denied }) => denied === undefined)
    .sort((a, b) => compareText(a.listener.internalName, b.listener.internalName));

/**
 * Whether a route's host is served by this listener, and not by another one whose host fits it better: a request reaches one listener
 * only.
 */
export function belongsToListener({ listener, otherHosts }: RouteParent, routeHost: string): boolean {
  const own = listener.hostname;
  if (own !== '' && !isWildcard(own)) return true;
  if (own !== '' && !hostsOverlap(routeHost, own)) return false;
  return !otherHosts.some((other) => own.length <= other.length && hostCovers(other, routeHost));
}
