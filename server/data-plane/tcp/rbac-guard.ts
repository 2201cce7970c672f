import { judge, type RbacFilterConfig } from '../config/rbac/rbac.ts';
import type { RbacSubject } from '../config/rbac/subject.ts';
import type { StepNote } from '../decisions/hop-steps.ts';
import { noteVerdict } from '../decisions/rbac-note.ts';
import { DynamicMetadata } from '../http/dynamic-metadata.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { Stats } from '../stats/stats.ts';

const NAME = 'envoy.filters.network.rbac';

/** Why a connection is closed, and the words for it. */
export interface ConnectionDenial {
  /** Envoy's connection termination details. */
  readonly details: string;
  readonly note: StepNote;
}

/** Envoy's RBAC network filters, one after the other; undefined when the connection may go on. */
export function judgeConnection(
  guards: readonly RbacFilterConfig[],
  connection: ConnectionContext,
  stats: Stats,
): ConnectionDenial | undefined {
  const metadata = new DynamicMetadata();
  const subject: RbacSubject = {
    head: undefined,
    connection,
    remoteIp: connection.remoteAddress.ip,
    metadata: (filter) => metadata.of(filter),
  };
  for (const { rules, shadowRules, rulesPrefix, shadowPrefix, statPrefix } of guards) {
    const count = (name: string): void => {
      stats.stat(`${statPrefix}rbac.${name}`).value++;
    };
    if (shadowRules !== undefined) {
      const { allowed, matched } = judge(shadowRules, subject);
      const result = allowed ? 'allowed' : 'denied';
      count(`${shadowPrefix}shadow_${result}`);
      metadata.merge(NAME, {
        [`${shadowPrefix}shadow_engine_result`]: result,
        ...(matched && { [`${shadowPrefix}shadow_effective_policy_id`]: matched.name }),
      });
    }
    if (rules === undefined) continue;
    const verdict = judge(rules, subject);
    count(`${rulesPrefix}${verdict.allowed ? 'allowed' : 'denied'}`);
    if (verdict.allowed) continue;
    return {
      details: `rbac_access_denied_matched_policy[${verdict.matched?.name ?? 'none'}]`,
      note: noteVerdict(rules, verdict, subject, false),
    };
  }
  return undefined;
}
