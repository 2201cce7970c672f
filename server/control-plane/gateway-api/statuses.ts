import type { KubeObject } from '#domain';
import { classStatus } from './classes.ts';
import type { GatewayApiFindings } from './derive.ts';
import type { InstanceLookup } from './gateway-instances.ts';
import { gatewayStatus, listenerSetStatus, refusedListenerSetStatus, remoteGatewayStatus } from './gateway-status.ts';
import type { ListenerStatus } from './listeners.ts';
import { type MergeMoment, mergeStatus, type WantedStatus } from './merge-status.ts';
import { objectKey } from './objects.ts';
import { GATEWAY, type GroupKind, LISTENER_SET } from './references.ts';
import type { Attachment } from './routes.ts';

/** A status that differs from the one an object has. */
export interface StatusChange {
  readonly object: KubeObject;
  readonly status: object;
}

/** Which statuses are looked at: all, or those that tell of addresses, where nothing but endpoints changed. */
export type StatusScope = 'all' | 'instances';

/**
 * The statuses that have to be written: none for an object whose status says everything already, so that writing them settles.
 * `now` is RFC 3339, in seconds.
 */
export function statusChanges(
  findings: GatewayApiFindings,
  lookup: InstanceLookup,
  now: string,
  scope: StatusScope = 'all',
): StatusChange[] {
  const wanted = [...instanceStatuses(findings, lookup), ...(scope === 'all' ? ownStatuses(findings) : [])];
  return wanted.flatMap(({ object, wanted: status }) => {
    const moment: MergeMoment = {
      generation: object.metadata.generation,
      now,
      namespace: object.metadata.namespace ?? '',
    };
    const merged = mergeStatus(object.status, status, moment);
    return merged === undefined ? [] : [{ object, status: merged }];
  });
}

interface Wanted {
  readonly object: KubeObject;
  readonly wanted: WantedStatus;
}

/** Of Gateways and ListenerSets, which tell whether proxies stand behind them. */
function instanceStatuses(findings: GatewayApiFindings, lookup: InstanceLookup): Wanted[] {
  const attached = countAttachments(findings.routes.map(({ attachments }) => attachments));
  const counted = (kind: GroupKind, object: KubeObject, listeners: readonly ListenerStatus[]): ListenerStatus[] =>
    listeners.map((listener) => ({
      ...listener,
      attachedRoutes: attached.get(`${kind} ${objectKey(object)} ${listener.name}`) ?? 0,
    }));
  return [
    ...findings.gateways.map((gateway): Wanted => {
      const sets = findings.listenerSets.filter(
        (set) => set.gateway === gateway.object && set.converted.some(({ valid }) => valid),
      );
      const served = sets.flatMap(({ converted }) => converted.filter(({ valid }) => valid));
      const ports = served.map(({ parent }) => parent.port);
      const status = gatewayStatus(gateway, sets.length, ports, lookup);
      const { object } = gateway;
      return { object, wanted: { ...status, listeners: counted(GATEWAY, object, status.listeners) } };
    }),
    ...findings.listenerSets.map((set): Wanted => {
      const status = listenerSetStatus(set, lookup);
      const { object } = set;
      return { object, wanted: { ...status, listeners: counted(LISTENER_SET, object, status.listeners) } };
    }),
  ];
}

/** Of everything else: they follow from the objects alone. */
function ownStatuses(findings: GatewayApiFindings): Wanted[] {
  return [
    ...findings.classes.flatMap((object) => {
      const wanted = classStatus(object);
      return wanted === undefined ? [] : [{ object, wanted }];
    }),
    ...findings.remoteGateways.map((object) => ({ object, wanted: remoteGatewayStatus(object) })),
    ...findings.refusedSets.map(({ set, refused = '' }) => ({
      object: set,
      wanted: refusedListenerSetStatus(refused),
    })),
    ...findings.routes.map(({ object, status }) => ({ object, wanted: { parents: status } })),
    ...findings.policies.map(({ object, ancestors }) => ({ object, wanted: { ancestors } })),
  ];
}

/** How many routes are attached to each listener; a route that names a listener twice counts once. */
function countAttachments(routes: readonly (readonly Attachment[])[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const attachments of routes) {
    const keys = attachments.map(
      ({ owner, sectionName }) => `${owner.kind} ${owner.namespace}/${owner.name} ${sectionName}`,
    );
    for (const key of new Set(keys)) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}
