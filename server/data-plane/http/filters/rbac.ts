import { readRbacOfRoute } from '../../config/per-route-check.ts';
import { judge, type RbacEngine, type RbacFilterConfig } from '../../config/rbac/rbac.ts';
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
    const plan = effective(exchange, config);
    const subject = subjectOf(exchange);
    const debug = exchange.runtime.debug('rbac');
    debug?.(checkedLine({ ...subject, head: exchange.head, metadata: exchange.metadata.all() }));
    const left: Left = {};
    const asked: Asked = { exchange, plan, subject, left, debug };
    // As in Envoy, routes name what is left behind, and the listener what is counted.
    if (plan.shadowRules !== undefined) judgeInShadow(asked, plan.shadowRules, scopeOf(config.shadowPrefix));
    const refused = plan.rules !== undefined && judgeForReal(asked, plan.rules, scopeOf(config.rulesPrefix));
    if (refused !== false) {
      exchange.reply({ status: 403, details: refused, body: DENIED_BODY });
      // As in Envoy, the log finds it, and the headers of the refusal do not.
      exchange.metadata.merge(NAME, left);
      return 'wait';
    }
    if (plan.shadowRules !== undefined || plan.rules !== undefined) exchange.metadata.merge(NAME, left);
    debug?.(ALLOWED);
    return 'next';
  };
};

/** What later filters and logs find. */
type Left = Record<string, string>;

interface Asked {
  readonly exchange: Exchange;
  readonly plan: RbacFilterConfig;
  readonly subject: RbacSubject;
  readonly left: Left;
  readonly debug: ((line: string) => void) | undefined;
}

function judgeInShadow({ exchange, plan, subject, left, debug }: Asked, rules: RbacEngine, scope: string): void {
  const verdict = judge(rules, subject);
  const { matched } = verdict;
  debug?.(verdictLine('shadow', verdict));
  const result = verdict.allowed ? 'allowed' : 'denied';
  left[`${plan.shadowPrefix}shadow_engine_result`] = result;
  if (matched !== undefined) left[`${plan.shadowPrefix}shadow_effective_policy_id`] = matched.name;
  stat(exchange, `${scope}shadow_${result}`);
  if (plan.tracksPolicies && matched !== undefined) stat(exchange, `${scope}policy.${matched.name}.shadow_${result}`);
  if (exchange.steps.on)
    note(exchange, matched === undefined ? 'passed' : 'applied', noteVerdict(rules, verdict, subject, true));
}

/** Returns the details of a refusal, or false. */
function judgeForReal(
  { exchange, plan, subject, left, debug }: Asked,
  rules: RbacEngine,
  scope: string,
): string | false {
  const verdict = judge(rules, subject);
  const { matched } = verdict;
  debug?.(verdictLine('enforced', verdict));
  if (exchange.steps.on)
    note(exchange, verdict.allowed ? 'passed' : 'stopped', noteVerdict(rules, verdict, subject, false));
  if (verdict.marked !== undefined) exchange.metadata.merge('envoy.common', { access_log_hint: verdict.marked });
  const result = verdict.allowed ? 'allowed' : 'denied';
  left[`${plan.rulesPrefix}enforced_engine_result`] = result;
  if (matched !== undefined) left[`${plan.rulesPrefix}enforced_effective_policy_id`] = matched.name;
  stat(exchange, scope + result);
  if (plan.tracksPolicies && matched !== undefined) stat(exchange, `${scope}policy.${matched.name}.${result}`);
  return verdict.allowed ? false : `rbac_access_denied_matched_policy[${matched?.name ?? 'none'}]`;
}

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
