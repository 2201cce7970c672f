import { type KubeObject, serviceHostname } from '#domain';
import type { RetryBudget } from '../snapshot/istio-types.ts';
import { type Fault, judge, type WantedCondition } from './conditions.ts';
import { namespaceOf, type ObjectIndex } from './objects.ts';
import {
  type ConvertedPolicy,
  faultsSoFar,
  ignoredPolicy,
  isIgnored,
  meshAncestor,
  targetObject,
} from './policy-targets.ts';
import { groupKind, SERVICE } from './references.ts';
import type { BackendTrafficPolicySpec, PolicyTargetReference } from './types.ts';

/** What the Gateway API says where a policy does not. */
const DEFAULT_INTERVAL = '10s';
const DEFAULT_CONCURRENCY = 10;

/** What an XBackendTrafficPolicy makes of its targets. Source: BackendTrafficPolicyCollection in istio pilot/pkg/config/kube/gateway. */
export function convertTrafficPolicy(policy: KubeObject, index: ObjectIndex): ConvertedPolicy {
  const { targetRefs = [], sessionPersistence, retryConstraint } = policy.spec as BackendTrafficPolicySpec;
  if (isIgnored(policy)) return ignoredPolicy(policy, targetRefs);
  const message =
    sessionPersistence === undefined
      ? 'Configuration is valid'
      : 'Configuration is valid, but Istio does not support the following fields: sessionPersistence';
  const retryBudget = retryConstraint && readBudget(retryConstraint);
  const namespace = namespaceOf(policy);
  const found = targetRefs.map((target) => ({ target, ...findService(target, namespace, index) }));
  const conditionsFor = (fault: Fault | undefined): readonly WantedCondition[] =>
    judge({ Accepted: { good: { reason: 'Accepted', message }, fault } });
  const faults = faultsSoFar(found);
  return {
    object: policy,
    ancestors: found.map(({ target }, i) => meshAncestor(target, conditionsFor(faults[i]))),
    targets: found.flatMap(({ target, service }) =>
      service === undefined
        ? []
        : [
            {
              kind: SERVICE,
              object: service,
              host: serviceHostname(target.name, namespace),
              portName: undefined,
              // Istio sets it, though it says nothing: a second policy of the same Service is left out whole for it.
              loadBalancer: {},
              ...(retryBudget && { retryBudget }),
            },
          ],
    ),
  };
}

interface FoundService {
  readonly service?: KubeObject;
  readonly fault?: Fault;
}

function findService(target: PolicyTargetReference, namespace: string, index: ObjectIndex): FoundService {
  const kind = groupKind(target, '/');
  const object = targetObject(kind, `${namespace}/${target.name}`, index);
  if ('found' in object && kind === SERVICE) return { service: object.found };
  const problem = 'found' in object ? `unsupported reference kind: ${target.kind}` : object.problem(target, namespace);
  return { fault: { reason: 'TargetNotFound', message: `targetRefs invalid: ${problem}` } };
}

/** Of the lowest rate, Istio takes the number and leaves out the time that it is meant for. */
const readBudget = ({
  budget,
  minRetryRate,
}: NonNullable<BackendTrafficPolicySpec['retryConstraint']>): RetryBudget => ({
  ...(budget?.percent !== undefined && { percent: budget.percent }),
  budgetInterval: budget?.interval ?? DEFAULT_INTERVAL,
  // Unlike Istio, which ends at a rate without a number.
  minRetryConcurrency: minRetryRate?.count ?? DEFAULT_CONCURRENCY,
});
