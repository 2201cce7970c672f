import type { KubeObject } from '#domain';
import { Field } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import { NETWORKING, SECURITY } from '../mesh/mesh-view.ts';

const GATEWAY_API = 'gateway.networking.k8s.io';
const WAYPOINT = ['istio.io/WaypointBound'];
const POLICY = ['ZtunnelAccepted', 'WaypointAccepted'];
const ROUTE = ['Accepted', 'Programmed', 'ResolvedRefs'];

/** Kinds whose status is read, and the conditions that must not be False. */
const READ = [
  { kind: 'Service', group: '', types: WAYPOINT },
  { kind: 'ServiceEntry', group: NETWORKING, types: WAYPOINT },
  { kind: 'WorkloadEntry', group: NETWORKING, types: WAYPOINT },
  { kind: 'AuthorizationPolicy', group: SECURITY, types: POLICY },
  { kind: 'Gateway', group: GATEWAY_API, types: ROUTE },
  { kind: 'HTTPRoute', group: GATEWAY_API, types: ROUTE },
  { kind: 'GRPCRoute', group: GATEWAY_API, types: ROUTE },
] as const;

/** An object's own conditions, and those of each parent of a route. */
function conditionsOf(object: KubeObject): Field[] {
  const status = new Field(object.status, 'status');
  const parents = object.kind.endsWith('Route') ? status.get('parents').items : [status];
  return parents.flatMap((each) => each.get('conditions').items);
}

/** A policy that a waypoint enforces in part is accepted, and yet not all there. */
const isPartial = (kind: string, type: string, reason: string): boolean =>
  kind === 'AuthorizationPolicy' && type === 'WaypointAccepted' && reason === 'PartiallyInvalid';

/** IST0171: what the control plane has already said about an object in its status. */
export const conditions: Analyzer = {
  name: 'conditions.ConditionAnalyzer',
  codes: ['IST0171'],
  analyze(mesh, report) {
    for (const { kind, group, types } of READ) {
      for (const object of mesh.of(kind, group)) {
        for (const condition of conditionsOf(object)) {
          const type = condition.get('type').text;
          const reason = condition.get('reason').text;
          const isNegative = types.some((each) => each === type) && condition.get('status').text === 'False';
          if (!isNegative && !isPartial(kind, type, reason)) continue;
          report('IST0171', { object, path: condition.path }, { type, reason, message: condition.get('message').text });
        }
      }
    }
  },
};
