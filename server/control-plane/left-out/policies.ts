import type { ProxyNode } from '#xds';
import type { AuthorizationPolicy } from '../snapshot/authorization-policies.ts';
import { type Config, fieldOf } from '../snapshot/config.ts';
import { labelsMatch } from '../snapshot/hosts.ts';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import { attaches, type PolicySubject, type TargetedSpec, targetReferences } from '../snapshot/policy-target.ts';
import { Unsupported } from '../translate/authorization/attributes.ts';
import { rulePolicy } from '../translate/authorization/rule-policy.ts';
import { meshTrustDomains } from '../translate/authorization/trust-domains.ts';
import { viewProxy } from '../translate/proxy-view.ts';
import { outdonePeerAuthentications } from './peer-authentications.ts';
import { type AskedConnection, type LeftOut, placeOf } from './question.ts';
import { looksMeant } from './selectors.ts';
import { objectName } from './virtual-services.ts';

interface PolicyQuestion {
  readonly node: ProxyNode;
  readonly connection: AskedConnection;
}

/**
 * The policies that a learner may have meant for a workload and that do not count there, or not wholly: they select another, stand in
 * another namespace, look at requests where there are none, or another of their kind is before them.
 */
export function policiesLeftOut(snapshot: MeshSnapshot, { node, connection }: PolicyQuestion): readonly LeftOut[] {
  const proxy = viewProxy(snapshot, node);
  const { peerAuthentications, authorizationPolicies, requestAuthentications } = snapshot;
  return [
    ...[authorizationPolicies, requestAuthentications, peerAuthentications].flatMap((policies) =>
      notAttached(policies, proxy, snapshot),
    ),
    ...(connection.isRaw ? rulesOfRequests(snapshot, proxy) : []),
    ...outdonePeerAuthentications(peerAuthentications, proxy, snapshot.mesh.rootNamespace),
  ];
}

type Policies = readonly Config<TargetedSpec>[];

function notAttached(policies: Policies, subject: PolicySubject, { mesh }: MeshSnapshot): LeftOut[] {
  const counts = ({ namespace }: Config<unknown>): boolean =>
    namespace === subject.namespace || namespace === mesh.rootNamespace;
  const own = policies.filter((policy) => counts(policy) && attaches(policy, subject));
  return policies.flatMap((policy): LeftOut[] => {
    if (own.includes(policy)) return [];
    const found = counts(policy) ? aimedElsewhere(policy, subject) : inAnotherNamespace(policy, own, subject);
    if (found === undefined) return [];
    const origin = placeOf(fieldOf(policy, found.path));
    return [{ name: objectName(policy), reason: found.reason, origin }];
  });
}

interface Found {
  readonly path: string;
  readonly reason: string;
}

function aimedElsewhere({ spec }: Config<TargetedSpec>, subject: PolicySubject): Found | undefined {
  const [reference] = targetReferences(spec);
  if (reference !== undefined) {
    if (reference.kind !== 'Service' && reference.kind !== 'ServiceEntry') return undefined;
    const path = spec.targetRefs === undefined ? 'spec.targetRef' : 'spec.targetRefs[0]';
    return {
      path,
      reason: `is attached to ${reference.kind} ${reference.name}: that counts at waypoints, not at sidecars`,
    };
  }
  const wanted = spec.selector?.matchLabels ?? {};
  const misfit = looksMeant(wanted, subject.labels);
  return misfit && { path: `spec.selector.matchLabels.${misfit.key}`, reason: misfit.reason };
}

/** One that selects the workload by its labels is told of where nothing of the workload's own namespace does so. */
function inAnotherNamespace(policy: Config<TargetedSpec>, own: Policies, subject: PolicySubject): Found | undefined {
  const wanted = policy.spec.selector?.matchLabels ?? {};
  if (Object.keys(wanted).length === 0 || !labelsMatch(wanted, subject.labels)) return undefined;
  if (own.some(({ spec }) => Object.keys(spec.selector?.matchLabels ?? {}).length > 0)) return undefined;
  const reason = `counts in its own namespace alone, ${policy.namespace}; this workload is in ${subject.namespace}`;
  return { path: 'metadata.namespace', reason };
}

/** Rules that ask for what only requests have, on a port whose connections are not read. */
function rulesOfRequests(snapshot: MeshSnapshot, subject: PolicySubject): LeftOut[] {
  const { rootNamespace } = snapshot.mesh;
  return snapshot.authorizationPolicies
    .filter(({ namespace }) => namespace === subject.namespace || namespace === rootNamespace)
    .filter((policy) => attaches(policy, subject))
    .flatMap((policy) =>
      (policy.spec.rules ?? []).flatMap((_, index): LeftOut[] => {
        const attribute = missingOnTcp(policy, index, snapshot);
        if (attribute === undefined) return [];
        return [
          {
            name: `rules[${index}] of ${objectName(policy)}`,
            reason: `asks for ${attribute}, which this port does not tell, as no HTTP is read there: ${consequence(policy)}`,
            origin: placeOf(fieldOf(policy, `spec.rules[${index}]`)),
          },
        ];
      }),
    );
}

function missingOnTcp(policy: AuthorizationPolicy, index: number, { mesh }: MeshSnapshot): string | undefined {
  const rule = policy.spec.rules?.[index];
  if (!rule) return undefined;
  const context = { action: 'ALLOW', trustDomains: meshTrustDomains(mesh), namespace: policy.namespace } as const;
  try {
    rulePolicy(rule, { ...context, forTcp: true });
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof Unsupported)) throw thrown;
    return thrown.message.endsWith(': HTTP only') ? thrown.message.slice(0, -': HTTP only'.length) : undefined;
  }
}

const consequence = ({ spec }: AuthorizationPolicy): string =>
  (spec.action ?? 'ALLOW') === 'ALLOW' ? 'the rule allows nothing' : 'the field is left out, so the rule takes more';
