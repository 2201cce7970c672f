import type { KubeObject } from '#domain';
import { findClass } from './classes.ts';
import type { Fault } from './conditions.ts';
import { gatewayServices } from './gateway-services.ts';
import { type ConvertedOwner, convertListener } from './gateways.ts';
import { entryPort, type ListenerConflicts } from './listener-conflicts.ts';
import { buildListener, conflictedListener } from './listeners.ts';
import { allowsListenersFrom } from './namespaces.ts';
import { namespaceOf, type ObjectIndex } from './objects.ts';
import type { ReferenceContext } from './reference-context.ts';
import { GATEWAY, groupKind } from './references.ts';
import type { GatewayApiGatewaySpec, ListenerSetSpec } from './types.ts';

/** A ListenerSet and the Gateway it adds its listeners to. */
export interface BoundListenerSet {
  readonly set: KubeObject;
  readonly gateway: KubeObject;
  /** Absent: the Gateway lets it in. */
  readonly refused?: string;
}

/** The Gateway of a ListenerSet; undefined where it is not ours to say. */
export function bindListenerSet(
  set: KubeObject,
  classes: readonly KubeObject[],
  index: ObjectIndex,
): BoundListenerSet | undefined {
  const { parentRef } = set.spec as ListenerSetSpec;
  if (groupKind(parentRef, GATEWAY) !== GATEWAY) return undefined;
  const gateway = index.gateways.get(`${parentRef.namespace ?? namespaceOf(set)}/${parentRef.name}`);
  if (gateway === undefined) return undefined;
  const className = (gateway.spec as GatewayApiGatewaySpec).gatewayClassName;
  const info = findClass(classes, className);
  if (info === undefined) return undefined;
  if (!info.supportsListenerSets) {
    return { set, gateway, refused: `The "${className}" GatewayClass does not support ListenerSet` };
  }
  if (!allowsListenersFrom(gateway, namespaceOf(set), index)) {
    const refused = "The parent Gateway does not allow this reference; check the 'spec.allowedRoutes'";
    return { set, gateway, refused };
  }
  return { set, gateway };
}

export interface ConvertedListenerSet extends ConvertedOwner {
  readonly gateway: KubeObject;
  /** What is wrong with the Gateway. */
  readonly gatewayFault?: Fault | undefined;
}

/** The listeners of a ListenerSet, as its Gateway serves them. */
export function convertListenerSet(
  { set, gateway }: BoundListenerSet,
  conflicts: ListenerConflicts,
  context: ReferenceContext,
): ConvertedListenerSet {
  const services = gatewayServices(gateway);
  const shared = { object: set, gateway, services, gatewayFault: services.fault };
  if (services.hosts.length === 0 && services.fault !== undefined) {
    return { ...shared, ports: [], listeners: [], validListeners: 1, converted: [] };
  }
  const gatewaySpec = gateway.spec as GatewayApiGatewaySpec;
  const built = ((set.spec as ListenerSetSpec).listeners ?? []).map((entry, index) => {
    const port = entryPort(entry);
    const listener = { ...entry, port: port ?? 0 };
    const conflict = conflicts.reasonFor(set, listener.name);
    const portFault = port === undefined ? `protocol ${listener.protocol} requires a port to be set` : undefined;
    const input = { listener, object: set, gateway: gatewaySpec, portFault };
    const result = conflict === undefined ? buildListener(input, context) : conflictedListener(listener, conflict);
    return { listener, index, ...result };
  });
  const served = built.filter(({ server }) => server !== undefined);
  return {
    ...shared,
    ports: served.flatMap(({ server }) => (server === undefined ? [] : [server.port.number])),
    listeners: built.map(({ status }) => status),
    validListeners: served.filter(({ valid }) => valid).length,
    converted: served.flatMap(({ listener, index, server, valid }) =>
      server === undefined ? [] : [convertListener({ owner: set, gateway, services, listener, index, server, valid })],
    ),
  };
}
