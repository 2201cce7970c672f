import { isDeepStrictEqual } from 'node:util';
import { GATEWAY_CONTROLLER, type GatewayClassStatus, MESH_CONTROLLER } from './classes.ts';
import { type Condition, mergeConditions, type WantedCondition } from './conditions.ts';
import type { GatewayStatus, ListenerSetStatus } from './gateway-status.ts';
import { parentKey } from './parents.ts';
import type { PolicyAncestorStatus } from './policy-targets.ts';
import type { RouteParentStatus } from './route-status.ts';

/** What a status is to say; its conditions get their times when they are merged into the present one. */
export type WantedStatus =
  | GatewayClassStatus
  | GatewayStatus
  | ListenerSetStatus
  | { readonly parents: readonly RouteParentStatus[] }
  | { readonly ancestors: readonly PolicyAncestorStatus[] };

export interface MergeMoment {
  readonly generation: number | undefined;
  /** RFC 3339. */
  readonly now: string;
  /** Namespace of the object, where references that name none point to. */
  readonly namespace: string;
}

interface Conditioned {
  readonly conditions?: readonly Condition[];
}

interface ParentEntry extends Conditioned {
  readonly parentRef: RouteParentStatus['parentRef'];
  readonly controllerName: string;
}

interface AncestorEntry extends Conditioned {
  readonly ancestorRef: PolicyAncestorStatus['ancestorRef'];
  readonly controllerName: string;
}

interface PresentStatus extends Conditioned {
  readonly listeners?: readonly (Conditioned & { readonly name: string })[];
  readonly parents?: readonly ParentEntry[];
  readonly ancestors?: readonly AncestorEntry[];
}

/** The status to write; undefined where the present one says all of it. What other controllers wrote stays. */
export function mergeStatus(present: unknown, wanted: WantedStatus, moment: MergeMoment): object | undefined {
  const old = (present ?? {}) as PresentStatus;
  const merged = 'parents' in wanted ? mergeParents(old, wanted.parents, moment) : mergeOwn(old, wanted, moment);
  const next = plain({ ...old, ...merged });
  return isDeepStrictEqual(next, plain(old)) ? undefined : next;
}

/** Without prototypes and undefined fields, as the store holds it. */
const plain = (value: object): object => JSON.parse(JSON.stringify(value));

type OwnStatus = Exclude<WantedStatus, { readonly parents: unknown }>;

function mergeOwn(old: PresentStatus, wanted: OwnStatus, moment: MergeMoment): object {
  if ('ancestors' in wanted) return { ancestors: mergeAncestors(old.ancestors ?? [], wanted.ancestors, moment) };
  const removed = 'withoutConditions' in wanted ? (wanted.withoutConditions ?? []) : [];
  const conditions = merged(
    { conditions: (old.conditions ?? []).filter(({ type }) => !removed.includes(type)) },
    wanted.conditions,
    moment,
  );
  if (!('listeners' in wanted)) return { ...wanted, conditions };
  const { withoutConditions: _, ...fields } = { withoutConditions: removed, ...wanted };
  const listeners = wanted.listeners.map((listener) => ({
    ...listener,
    conditions: merged(
      old.listeners?.find(({ name }) => name === listener.name),
      listener.conditions,
      moment,
    ),
  }));
  return { ...fields, listeners: listeners.length === 0 ? undefined : listeners, conditions };
}

const merged = (
  old: Conditioned | undefined,
  wanted: readonly WantedCondition[],
  moment: MergeMoment,
): readonly Condition[] => mergeConditions(old?.conditions ?? [], wanted, moment);

/** A route without a parent of ours says so with an empty list. */
function mergeParents({ parents }: PresentStatus, wanted: readonly RouteParentStatus[], moment: MergeMoment): object {
  const key = ({ parentRef }: { readonly parentRef: RouteParentStatus['parentRef'] }): string =>
    parentKey(parentRef, moment.namespace);
  const isOurs = ({ controllerName }: ParentEntry): boolean => controllerName === GATEWAY_CONTROLLER;
  const fresh = new Map(wanted.map((entry) => [key(entry), entry]));
  const kept = (parents ?? []).flatMap((entry) => {
    if (!isOurs(entry)) return [entry];
    const next = fresh.get(key(entry));
    if (next === undefined) return [];
    fresh.delete(key(entry));
    return [{ ...next, conditions: merged(entry, next.conditions, moment) }];
  });
  const added = [...fresh.values()].map((entry) => ({
    ...entry,
    conditions: merged(undefined, entry.conditions, moment),
  }));
  return { parents: [...kept, ...added] };
}

/** The Gateway API's limit. */
const MAX_ANCESTORS = 16;

function mergeAncestors(
  present: readonly AncestorEntry[],
  wanted: readonly PolicyAncestorStatus[],
  moment: MergeMoment,
): readonly AncestorEntry[] {
  const isOurs = ({ controllerName }: AncestorEntry): boolean =>
    controllerName === GATEWAY_CONTROLLER || controllerName === MESH_CONTROLLER;
  const fresh = [...wanted];
  const kept = present.flatMap((entry) => {
    if (!isOurs(entry)) return [entry];
    const position = fresh.findIndex(({ ancestorRef }) =>
      isDeepStrictEqual(plain(ancestorRef), plain(entry.ancestorRef)),
    );
    const [next] = position < 0 ? [] : fresh.splice(position, 1);
    return next === undefined ? [] : [{ ...next, conditions: merged(entry, next.conditions, moment) }];
  });
  const added = fresh.map((entry) => ({ ...entry, conditions: merged(undefined, entry.conditions, moment) }));
  return [...kept, ...added].slice(0, MAX_ANCESTORS);
}
