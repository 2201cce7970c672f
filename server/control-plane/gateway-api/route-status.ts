import { GATEWAY_CONTROLLER } from './classes.ts';
import { type Fault, judge, type WantedCondition } from './conditions.ts';
import { isMesh, parentKey, type RouteParent } from './parents.ts';
import type { ParentReference } from './types.ts';

export interface RouteParentStatus {
  readonly parentRef: ParentReference;
  readonly controllerName: string;
  readonly conditions: readonly WantedCondition[];
}

export interface RouteFaults {
  /** What is wrong with the route as Gateways serve it. */
  readonly gateway: Fault | undefined;
  /** What is wrong with it as the mesh's clients obey it. */
  readonly mesh: Fault | undefined;
}

/** Worst first: what is reported when the listeners of one reference refuse for different reasons. */
const RANKS = ['NotAllowedByListeners', 'NoMatchingListenerHostname', 'ParentRefConflict', 'NoMatchingParent'];

const rank = (denied: Fault | undefined): number => (denied === undefined ? -1 : RANKS.indexOf(denied.reason));

/**
 * What a route's status says of each of its parents: one entry per reference, although a reference may lead to several listeners. It is
 * accepted as soon as one of them takes it. Source: createRouteStatus in istio pilot/pkg/config/kube/gateway.
 */
export function routeStatus(
  parents: readonly RouteParent[],
  namespace: string,
  faults: RouteFaults,
): RouteParentStatus[] {
  const byKey = new Map<string, RouteParent[]>();
  for (const parent of parents) {
    const key = parentKey(parent.reference, namespace);
    byKey.set(key, [...(byKey.get(key) ?? []), parent]);
  }
  return [...byKey]
    .sort(([a], [b]) => (a < b ? 1 : -1))
    .flatMap(([, group]) => {
      const [first] = group;
      if (first === undefined) return [];
      const bound = group.filter(({ denied }) => denied === undefined).length;
      const message = bound > 1 ? `Route was valid, bound to ${bound} parents` : 'Route was valid';
      return {
        parentRef: first.reference,
        controllerName: GATEWAY_CONTROLLER,
        conditions: judge({
          Accepted: { good: { reason: 'Accepted', message }, fault: worstDenial(group) },
          ResolvedRefs: {
            good: { reason: 'ResolvedRefs', message: 'All references resolved' },
            fault: isMesh(first) ? faults.mesh : faults.gateway,
          },
        }),
      };
    });
}

/** Undefined as soon as one listener takes the route; else the worst reason, with the messages of all listeners that give it. */
function worstDenial(group: readonly RouteParent[]): Fault | undefined {
  const worst = Math.min(...group.map(({ denied }) => rank(denied)));
  const denials = group.flatMap(({ denied }) => (denied !== undefined && rank(denied) === worst ? [denied] : []));
  const [first] = denials;
  return first && { reason: first.reason, message: denials.map(({ message }) => message).join('; ') };
}
