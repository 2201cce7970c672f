import { isReady, type PodObject } from '../kube-types.ts';
import { share } from './replica-counts.ts';

/** How a DaemonSet moves its pods to a changed template. */
export interface UpdateStrategy {
  readonly type?: 'RollingUpdate' | 'OnDelete';
  readonly rollingUpdate?: { readonly maxUnavailable?: number | string; readonly maxSurge?: number | string };
}

/** A node that should have a pod, and its pods of the present template and of older ones, none of which ends. */
export interface Place {
  readonly node: string;
  readonly updated: readonly PodObject[];
  readonly old: readonly PodObject[];
}

export interface Steps {
  /** Nodes that get a new pod. */
  readonly create: readonly string[];
  readonly remove: readonly PodObject[];
  /** Of each node that has pods, the one that counts. */
  readonly counted: readonly PodObject[];
}

/** What to do next on the nodes of a DaemonSet. Source: rollingUpdate in kubernetes' pkg/controller/daemon. */
export function nextSteps(places: readonly Place[], strategy: UpdateStrategy = {}): Steps {
  const surge =
    strategy.type === 'OnDelete' ? 0 : share(strategy.rollingUpdate?.maxSurge ?? 0, places.length, Math.ceil);
  return surge > 0 ? surging(places, surge) : replacing(places, strategy);
}

/** New pods come beside the old ones, on so many nodes at a time, and old ones go when the new are ready. */
function surging(places: readonly Place[], most: number): Steps {
  const counted = places.flatMap(({ updated: [next], old: [last] }) =>
    next !== undefined && (last === undefined || isReady(next)) ? [next] : (last ?? []),
  );
  const doubled = places.filter(({ updated, old }) => updated.length > 0 && old.length > 0);
  const followed = doubled.filter(({ updated: [next] }) => next !== undefined && isReady(next));
  const waiting = places.filter(({ updated, old }) => updated.length === 0 && old.length > 0);
  const served = waiting.filter(({ old: [last] }) => last !== undefined && isReady(last));
  const room = Math.max(0, most - (doubled.length - followed.length));
  const begun = [...waiting.filter((place) => !served.includes(place)), ...served.slice(0, room)];
  return {
    create: [...places.filter(isEmpty), ...begun].map(({ node }) => node),
    remove: [
      ...places.flatMap(({ updated, old }) => [...updated.slice(1), ...old.slice(1)]),
      ...followed.flatMap(({ old }) => old.slice(0, 1)),
    ],
    counted,
  };
}

/** Old pods go first: those that serve nobody, and of the others as many as may be missing. */
function replacing(places: readonly Place[], { type, rollingUpdate = {} }: UpdateStrategy): Steps {
  const counted = places.flatMap(({ updated, old }) => [...updated, ...old].slice(0, 1));
  const surplus = places.flatMap(({ updated, old }) => [...updated, ...old].slice(1));
  const create = places.filter(isEmpty).map(({ node }) => node);
  if (type === 'OnDelete') return { create, remove: surplus, counted };
  const most = share(rollingUpdate.maxUnavailable ?? 1, places.length, Math.ceil);
  const outdated = places.flatMap(({ updated, old }) => (updated.length > 0 ? [] : old.slice(0, 1)));
  const missing = places.length - counted.filter(isReady).length;
  const spare = Math.max(0, Math.max(1, most) - missing);
  const idle = outdated.filter((pod) => !isReady(pod));
  return { create, remove: [...surplus, ...idle, ...outdated.filter(isReady).slice(0, spare)], counted };
}

const isEmpty = ({ updated, old }: Place): boolean => updated.length + old.length === 0;
