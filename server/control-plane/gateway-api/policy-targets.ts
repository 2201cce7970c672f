import type { KubeObject } from '#domain';
import type { ClientTlsSettings, LoadBalancerSettings, RetryBudget } from '../snapshot/istio-types.ts';
import { MESH_CONTROLLER } from './classes.ts';
import { type Fault, judge, type WantedCondition } from './conditions.ts';
import type { ObjectIndex } from './objects.ts';
import { type GroupKind, SERVICE, SERVICE_ENTRY } from './references.ts';
import type { ParentReference, PolicyTargetReference } from './types.ts';

export interface PolicyAncestorStatus {
  readonly ancestorRef: ParentReference;
  readonly controllerName: string;
  readonly conditions: readonly WantedCondition[];
}

export interface ConvertedPolicy {
  readonly object: KubeObject;
  readonly ancestors: readonly PolicyAncestorStatus[];
  readonly targets: readonly PolicyTarget[];
}

/** What a policy says of one host. */
export interface PolicyTarget {
  readonly kind: GroupKind;
  readonly object: KubeObject;
  readonly host: string;
  /** Name of the one port that it is for. */
  readonly portName: string | undefined;
  readonly tls?: ClientTlsSettings;
  readonly loadBalancer?: LoadBalancerSettings;
  readonly retryBudget?: RetryBudget;
}

const IGNORE = 'istio.io/ignore-policy-attachment';

export const isIgnored = ({ metadata }: KubeObject): boolean =>
  metadata.annotations?.[IGNORE]?.toLowerCase() === 'true';

/** A policy that its author has taken away from Istio. */
export function ignoredPolicy(object: KubeObject, targetRefs: readonly PolicyTargetReference[]): ConvertedPolicy {
  const fault = { reason: 'IgnoredByIstio', message: `Ignored by Istio due to annotation ${IGNORE}=true` };
  const conditions = judge({ Accepted: { good: fault, fault } });
  return { object, targets: [], ancestors: targetRefs.map((target) => meshAncestor(target, conditions)) };
}

export const meshAncestor = (
  { group, kind, name, sectionName }: PolicyTargetReference,
  conditions: readonly WantedCondition[],
): PolicyAncestorStatus => ({
  ancestorRef: { group, kind, name, ...(sectionName !== undefined && { sectionName }) },
  controllerName: MESH_CONTROLLER,
  conditions,
});

/** What each target's status says is wrong: as in Istio, a fault stays in those of the targets that come after it. */
export function faultsSoFar(found: readonly { readonly fault?: Fault }[]): (Fault | undefined)[] {
  let latest: Fault | undefined;
  return found.map(({ fault }) => {
    latest = fault ?? latest;
    return latest;
  });
}

type TargetObject =
  | { readonly found: KubeObject }
  | { problem(target: PolicyTargetReference, namespace: string): string };

/** The object that a policy of the same namespace names. */
export function targetObject(kind: GroupKind, key: string, index: ObjectIndex): TargetObject {
  if (kind === '/ConfigMap' || kind === '/Secret') {
    return { problem: (target) => `unsupported reference kind: ${target.kind}` };
  }
  const objects = kind === SERVICE ? index.services : kind === SERVICE_ENTRY ? index.serviceEntries : undefined;
  if (objects === undefined) return { problem: (target) => `unsupported kind ${target.kind}` };
  const found = objects.get(key);
  if (found !== undefined) return { found };
  return {
    problem: (target, namespace) => `reference ${namespace}/${target.name} (of kind ${target.kind}) not found`,
  };
}
