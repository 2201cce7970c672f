import type { Origin, RejectedCandidate } from '#domain';
import { ALWAYS_HOLDS } from '../config/rbac/condition.ts';
import { type CompiledPolicy, matchedIndex, missesOf, type RbacEngine, type RbacVerdict } from '../config/rbac/rbac.ts';
import type { RbacSubject } from '../config/rbac/subject.ts';
import type { StepNote } from './hop-steps.ts';
import { policyOrigin } from './policy-origin.ts';

/** Policies that are told as near misses, at most. */
const MAX_TOLD = 10;

/** Words an engine's verdict, at the moment of the verdict: later filters may change what it saw. */
export function noteVerdict(engine: RbacEngine, verdict: RbacVerdict, subject: RbacSubject, shadow: boolean): StepNote {
  const { matched, allowed } = verdict;
  const rejected = nearMisses(engine.policies, matched, subject);
  const [nearest] = rejected;
  return {
    detail: `${words(engine, verdict, { nearest, subject })}${shadow ? ' (only noted, not enforced)' : ''}`,
    origin: matched === undefined ? nearest?.origin : policyOrigin(matched.name, partOf(matched, subject)),
    rejected,
    evidence: {
      ...(engine.matcher === undefined && { action: engine.action }),
      allowed,
      policy: matched?.name ?? 'none',
      ...(subject.connection.tls?.peerSpiffeId && { source: subject.connection.tls.peerSpiffeId }),
      remoteIp: subject.remoteIp,
    },
  };
}

function words(
  { action, matcher }: RbacEngine,
  { matched, allowed, marked }: RbacVerdict,
  { nearest, subject }: { readonly nearest: RejectedCandidate | undefined; readonly subject: RbacSubject },
): string {
  if (matcher !== undefined) {
    if (matched === undefined) return 'its matcher chooses nothing, so it is denied';
    if (marked === true) return `its matcher chooses ${matched.name}, which marks it for audit`;
    return `its matcher chooses ${matched.name}, which ${allowed ? 'allows' : 'denies'} it`;
  }
  if (matched === undefined) {
    if (allowed) return `no ${action} rule matches, so the request goes on`;
    return nearest === undefined
      ? 'there are ALLOW policies without a rule that could match, so nothing is allowed'
      : `no ALLOW rule matches; the closest is ${nearest.name}, which ${nearest.reason}`;
  }
  if (action === 'LOG') return `${matched.name} matches, so the request is marked for audit`;
  return allowed ? `${matched.name} allows it` : `${matched.name} denies it: ${seenBy(matched, subject)}`;
}

/** What of the subject fulfilled the rule: who it is, and what it asks for. */
function seenBy({ condition, permissions, principals }: CompiledPolicy, subject: RbacSubject): string {
  const seen = [principals, permissions, condition === undefined ? [] : [condition]].flatMap((list) => {
    const held = list.find((one) => one.holds(subject));
    const words = held === undefined || held.wanted === ALWAYS_HOLDS.wanted ? '' : held.seen(subject);
    return words === '' ? [] : [words];
  });
  return seen.length === 0 ? 'it means everything' : seen.join(' and ');
}

/** `.from[1].to[0]`, as far as there was a choice. */
function partOf(policy: CompiledPolicy, subject: RbacSubject): string {
  const from = matchedIndex(policy.principals, subject);
  const to = matchedIndex(policy.permissions, subject);
  if (to !== undefined && from === undefined) return `.to[${to}]`;
  return from === undefined ? '' : `.from[${from}]`;
}

/** The policies that did not match, the closest first. */
function nearMisses(
  policies: readonly CompiledPolicy[],
  matched: CompiledPolicy | undefined,
  subject: RbacSubject,
): RejectedCandidate[] {
  return policies
    .filter((policy) => policy !== matched)
    .slice(0, 5 * MAX_TOLD)
    .map((policy) => ({ policy, misses: missesOf(policy, subject) }))
    .filter(({ misses }) => misses.length > 0)
    .sort((a, b) => a.misses.length - b.misses.length)
    .slice(0, MAX_TOLD)
    .map(({ policy, misses }) => {
      const origin: Origin | undefined = policyOrigin(policy.name);
      return { name: policy.name, reason: misses.join('; '), ...(origin !== undefined && { origin }) };
    });
}
