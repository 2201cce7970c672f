import { readRbacOfRoute } from '../../config/per-route-check.ts';
import { judge, type RbacFilterConfig } from '../../config/rbac/rbac.ts';
import type { RbacSubject } from '../../config/rbac/subject.ts';
import { ALLOWED, checkedLine, verdictLine } from '../../decisions/rbac-log.ts';
import { noteVerdict } from '../../decisions/rbac-note.ts';
import { scopeOf } from '../../stats/filter-stats.ts';
import { clientAddress } from '../client-address.ts';
import type { Exchange, RequestLayer } from '../exchange.ts';
import { perRouteConfig } from './per-route.ts';

const NAME = 'envoy.filters.http.rbac';
const OF_ROUTE = { name: NAME, type: 'rbac.v3.RBACPerRoute' };
const DENIED_BODY = 'RBAC: access denied';

/** Envoy's RBAC filter: shadow rules leave their verdict behind, rules enforce it. */
export const rbac = (config: RbacFilterConfig): RequestLayer => {
  return (exchange) => {
    const { rules, shadowRules, rulesPrefix, shadowPrefix, tracksPolicies } = effective(exchange, config);
    const subject = subjectOf(exchange);
    const debug = exchange.runtime.debug('rbac');
    debug?.(checkedLine({ ...subject, head: exchange.head, metadata: exchange.metadata.all() }));
    if (shadowRules !== undefined) {
      const verdict = judge(shadowRules, subject);
      debug?.(verdictLine('shadow', verdict));
      const result = verdict.allowed ? 'allowed' : 'denied';
      exchange.metadata.merge(NAME, {
        [`${shadowPrefix}shadow_engine_result`]: result,
        ...(verdict.matched && { [`${shadowPrefix}shadow_effective_policy_id`]: verdict.matched.name }),
      });
      stat(exchange, `${scopeOf(shadowPrefix)}shadow_${result}`);
      if (tracksPolicies && verdict.matched !== undefined)
        stat(exchange, `${scopeOf(shadowPrefix)}policy.${verdict.matched.name}.shadow_${result}`);
      if (exchange.steps.on)
        note(
          exchange,
          verdict.matched === undefined ? 'passed' : 'applied',
          noteVerdict(shadowRules, verdict, subject, true),
        );
    }
    if (rules === undefined) {
      debug?.(ALLOWED);
      return 'next';
    }
    const verdict = judge(rules, subject);
    debug?.(verdictLine('enforced', verdict));
    if (exchange.steps.on)
      note(exchange, verdict.allowed ? 'passed' : 'stopped', noteVerdict(rules, verdict, subject, false));
    if (verdict.marked !== undefined) exchange.metadata.merge('envoy.common', { access_log_hint: verdict.marked });
    const result = verdict.allowed ? 'allowed' : 'denied';
    stat(exchange, scopeOf(rulesPrefix) + result);
    if (tracksPolicies && verdict.matched !== undefined)
      stat(exchange, `${scopeOf(rulesPrefix)}policy.${verdict.matched.name}.${result}`);
    if (verdict.allowed) {
      debug?.(ALLOWED);
      return 'next';
    }
    const details = `rbac_access_denied_matched_policy[${verdict.matched?.name ?? 'none'}]`;
    exchange.reply({ status: 403, details, body: DENIED_BODY });
    return 'wait';
  };
};

/** A route may bring rules of its own, or none: then nothing is checked there. */
function effective(exchange: Exchange, config: RbacFilterConfig): RbacFilterConfig {
  const own = perRouteConfig(exchange, OF_ROUTE);
  if (own === undefined) return config;
  let compiled = PER_ROUTE.get(own);
  if (compiled === undefined) {
    compiled = readRbacOfRoute(own);
    PER_ROUTE.set(own, compiled);
  }
  return compiled;
}

const PER_ROUTE = new WeakMap<object, RbacFilterConfig>();

const subjectOf = (exchange: Exchange): RbacSubject => ({
  head: exchange.head,
  connection: exchange.connection,
  remoteIp: clientAddress(exchange),
  attributes: exchange,
  metadata: (filter) => exchange.metadata.of(filter),
  filterState: (key) => exchange.filterState?.of(key),
  stateAddress: (key) => exchange.filterState?.valueOf(key)?.address?.ip,
  routeMetadata: (filter) => exchange.route?.metadata?.filter_metadata?.[filter],
});

function note(
  exchange: Exchange,
  outcome: 'passed' | 'applied' | 'stopped',
  words: ReturnType<typeof noteVerdict>,
): void {
  exchange.steps.add('http_filter', outcome, NAME, () => words);
}

function stat(exchange: Exchange, name: string): void {
  exchange.runtime.stats.stat(`http.${exchange.config.statPrefix}.rbac.${name}`).value++;
}
