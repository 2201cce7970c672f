import type { RbacFilterConfig } from '../config/rbac/rbac.ts';
import { judge } from '../config/rbac/rbac.ts';
import type { RbacSubject } from '../config/rbac/subject.ts';
import type { StepNote } from '../decisions/hop-steps.ts';
import { checkedLine, NO_ENGINE, verdictLine } from '../decisions/rbac-log.ts';
import { noteVerdict } from '../decisions/rbac-note.ts';
import type { DynamicMetadata } from '../http/dynamic-metadata.ts';
import type { Stats } from '../stats/stats.ts';
import type { GuardVerdict } from './judge.ts';

const NAME = 'envoy.filters.network.rbac';

export interface RbacReport {
  readonly metadata: DynamicMetadata;
  readonly stats: Stats;
  /** Told of a verdict that is noted and not enforced. */
  readonly onShadow: (filter: string, note: StepNote) => void;
  /** Envoy's logger `rbac`, where it is to write. */
  readonly debug: ((text: string) => void) | undefined;
}

/** Envoy's RBAC network filter; undefined when the connection may go on. */
export function judgeByRbac(
  { rules, shadowRules, rulesPrefix, shadowPrefix, statPrefix }: RbacFilterConfig,
  subject: RbacSubject,
  { metadata, stats, onShadow, debug }: RbacReport,
): GuardVerdict | undefined {
  const count = (name: string): void => {
    stats.stat(`${statPrefix}rbac.${name}`).value++;
  };
  debug?.(checkedLine({ connection: subject.connection, remoteIp: subject.remoteIp, metadata: metadata.all() }));
  if (shadowRules !== undefined) {
    const shadow = judge(shadowRules, subject);
    debug?.(verdictLine('shadow', shadow));
    const { allowed, matched } = shadow;
    const result = allowed ? 'allowed' : 'denied';
    count(`${shadowPrefix}shadow_${result}`);
    metadata.merge(NAME, {
      [`${shadowPrefix}shadow_engine_result`]: result,
      ...(matched && { [`${shadowPrefix}shadow_effective_policy_id`]: matched.name }),
    });
    onShadow(NAME, noteVerdict(shadowRules, shadow, subject, true));
  }
  if (rules === undefined) {
    debug?.(NO_ENGINE);
    return undefined;
  }
  const verdict = judge(rules, subject);
  debug?.(verdictLine('enforced', verdict));
  count(`${rulesPrefix}${verdict.allowed ? 'allowed' : 'denied'}`);
  if (verdict.allowed) return undefined;
  return {
    filter: NAME,
    details: `rbac_access_denied_matched_policy[${verdict.matched?.name ?? 'none'}]`,
    note: noteVerdict(rules, verdict, subject, false),
  };
}
