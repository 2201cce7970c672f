import type { Config } from './config.ts';
import { labelsMatch } from './hosts.ts';

export interface TargetReference {
  readonly group?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}

/** The part of a policy that says to which workloads it is attached. */
export interface TargetedSpec {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly targetRef?: TargetReference;
  readonly targetRefs?: readonly TargetReference[];
}

/** The workload for which policies are looked up. */
export interface PolicySubject {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the service whose clients these policies are for; its policies count too. */
  readonly serviceNamespace?: string;
}

/** Set on pods that serve a Gateway of the Kubernetes Gateway API. */
const GATEWAY_NAME = 'gateway.networking.k8s.io/gateway-name';
const GATEWAY_GROUP = 'gateway.networking.k8s.io';

/**
 * Whether a policy is attached to a workload: by target reference where the workload is a Gateway API gateway (its selector counts only
 * when it has none), by selector everywhere else. Source: ShouldAttachPolicy in istio pilot.
 */
export function attaches({ namespace, spec }: Config<TargetedSpec>, subject: PolicySubject): boolean {
  const references = targetReferences(spec);
  const gateway = subject.labels[GATEWAY_NAME];
  if (references.length === 0) return labelsMatch(spec.selector?.matchLabels, subject.labels);
  if (gateway === undefined || namespace !== subject.namespace) return false;
  return references.some(
    (reference) =>
      reference.kind === 'Gateway' &&
      (reference.group ?? '') === GATEWAY_GROUP &&
      reference.name === gateway &&
      (reference.namespace === undefined || reference.namespace === '' || reference.namespace === namespace),
  );
}

/** `targetRefs`, or the older `targetRef`. */
export function targetReferences({ targetRef, targetRefs }: TargetedSpec): readonly TargetReference[] {
  if (targetRefs !== undefined && targetRefs.length > 0) return targetRefs;
  return targetRef === undefined ? [] : [targetRef];
}

/** The policies of some namespaces, in the order of the namespaces; a namespace named twice counts once. */
export function inNamespaces<Policy extends Config<unknown>>(
  all: readonly Policy[],
  namespaces: readonly string[],
): Policy[] {
  return [...new Set(namespaces)].flatMap((namespace) => all.filter((policy) => policy.namespace === namespace));
}
