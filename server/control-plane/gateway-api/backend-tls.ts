import { type KubeObject, serviceHostname } from '#domain';
import { compareText } from '../snapshot/config.ts';
import type { ClientTlsSettings } from '../snapshot/istio-types.ts';
import type { GatewayAncestors } from './ancestors.ts';
import { backendRoots } from './backend-roots.ts';
import { GATEWAY_CONTROLLER } from './classes.ts';
import { type Fault, judge, type WantedCondition } from './conditions.ts';
import { compareByAge, GATEWAY_GROUP, namespaceOf, type ObjectIndex, portsOf } from './objects.ts';
import type { ServiceEntrySpec } from './plain-types.ts';
import {
  type ConvertedPolicy,
  faultsSoFar,
  ignoredPolicy,
  isIgnored,
  meshAncestor,
  type PolicyTarget,
  targetObject,
} from './policy-targets.ts';
import { type GroupKind, groupKind, SERVICE } from './references.ts';
import type { BackendTlsPolicySpec, PolicyTargetReference } from './types.ts';

/** What a BackendTLSPolicy makes of its targets. Source: BackendTLSPolicyCollection in istio pilot/pkg/config/kube/gateway. */
export function convertPolicy(
  policy: KubeObject,
  all: readonly KubeObject[],
  { index, ancestors }: { readonly index: ObjectIndex; readonly ancestors: GatewayAncestors },
): ConvertedPolicy {
  const { targetRefs = [], validation } = policy.spec as BackendTlsPolicySpec;
  if (isIgnored(policy)) return ignoredPolicy(policy, targetRefs);
  const roots = backendRoots(validation, namespaceOf(policy), index);
  const names = (validation.subjectAltNames ?? []).flatMap(({ type, hostname, uri }) =>
    type === 'Hostname' ? [hostname ?? ''] : type === 'URI' ? [uri ?? ''] : [],
  );
  const tls: ClientTlsSettings = {
    mode: 'SIMPLE',
    sni: validation.hostname,
    ...(names.length > 0 && { subjectAltNames: names }),
    ...(roots.credentialName !== '' && { credentialName: roots.credentialName }),
  };
  const found = targetRefs.map((target) => ({ target, ...findTarget(target, policy, { all, index }) }));
  const conditionsFor = (fault: Fault | undefined): readonly WantedCondition[] =>
    judge({
      Accepted: {
        good: { reason: 'Accepted', message: `Configuration is valid${roots.warning}` },
        fault: fault ?? roots.accepted,
      },
      ResolvedRefs: {
        good: { reason: 'ResolvedRefs', message: 'Configuration is valid' },
        fault: roots.resolved,
      },
    });
  const gateways = found.flatMap(({ kind, name }) =>
    name === undefined ? [] : ancestors.gatewaysOf({ kind, namespace: namespaceOf(policy), name }),
  );
  const faults = faultsSoFar(found);
  // The last target speaks for the Gateways, as they have one entry for all targets.
  const last = conditionsFor(faults.at(-1));
  return {
    object: policy,
    targets: found.flatMap(({ targets }) => targets.map((target) => ({ ...target, tls }))),
    ancestors: [
      ...found.map(({ target }, i) => meshAncestor(target, conditionsFor(faults[i]))),
      ...distinct(gateways).map(({ name }) => ({
        ancestorRef: { group: GATEWAY_GROUP, kind: 'Gateway', name },
        controllerName: GATEWAY_CONTROLLER,
        conditions: last,
      })),
    ],
  };
}

function distinct(gateways: readonly { readonly namespace: string; readonly name: string }[]) {
  const byKey = new Map(gateways.map((gateway) => [`${gateway.namespace}/${gateway.name}`, gateway]));
  return [...byKey].sort(([a], [b]) => compareText(a, b)).map(([, gateway]) => gateway);
}

interface FoundTarget {
  readonly kind: GroupKind;
  /** Absent: there is no such object. */
  readonly name?: string;
  readonly fault?: Fault;
  readonly targets: readonly Omit<PolicyTarget, 'tls'>[];
}

function findTarget(
  target: PolicyTargetReference,
  policy: KubeObject,
  { all, index }: { readonly all: readonly KubeObject[]; readonly index: ObjectIndex },
): FoundTarget {
  const kind = groupKind(target, '/');
  const namespace = namespaceOf(policy);
  const object = targetObject(kind, `${namespace}/${target.name}`, index);
  if ('problem' in object) {
    const message = `targetRefs invalid: ${object.problem(target, namespace)}`;
    return { kind, targets: [], fault: { reason: 'TargetNotFound', message } };
  }
  const portName = target.sectionName || undefined;
  if (portName !== undefined && !portsOf(object.found).some(({ name }) => name === portName)) {
    const message = `targetRefs invalid: sectionName "${portName}" does not exist in ${target.kind} ${namespace}/${target.name}`;
    return { kind, targets: [], fault: { reason: 'TargetNotFound', message } };
  }
  const rival = all.find((other) => winsOver(other, policy, target));
  if (rival !== undefined) {
    const message = `Conflicts with BackendTLSPolicy "${rival.metadata.name}" targeting the same backend`;
    return { kind, name: target.name, targets: [], fault: { reason: 'Conflicted', message } };
  }
  const hosts =
    kind === SERVICE
      ? [serviceHostname(target.name, namespace)]
      : ((object.found.spec as ServiceEntrySpec | undefined)?.hosts ?? []);
  return { kind, name: target.name, targets: hosts.map((host) => ({ kind, object: object.found, host, portName })) };
}

/** Whether another policy has the same target and is older, or as old and first by name. */
function winsOver(other: KubeObject, policy: KubeObject, target: PolicyTargetReference): boolean {
  if (other === policy || isIgnored(other) || namespaceOf(other) !== namespaceOf(policy)) return false;
  const same = ((other.spec as BackendTlsPolicySpec).targetRefs ?? []).some(
    ({ group, kind, name, sectionName }) =>
      group === target.group && kind === target.kind && name === target.name && sectionName === target.sectionName,
  );
  return same && compareByAge(other, policy) < 0;
}
