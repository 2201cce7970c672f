import { type Config, fieldOf } from '../snapshot/config.ts';
import { hostsOverlap } from '../snapshot/hosts.ts';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import { delegateOf, exportsOf, type VirtualService } from '../snapshot/virtual-services.ts';
import { type OmittedRule, selectRules } from '../translate/routes/select-rules.ts';
import type { StaticContext } from '../translate/routes/source-match.ts';
import { firstLabel, type Inquiry, type LeftOut, placeOf } from './question.ts';
import { fieldPath, omittedBecause, ruleName } from './rule-words.ts';

/** `VirtualService default/reviews`: the object that somebody wrote. */
export function objectName(config: Config<unknown>): string {
  const { kind, namespace, name } = fieldOf(config, '');
  return `${kind} ${namespace}/${name}`;
}

export const wholeLeftOut = (config: Config<unknown>, path: string, reason: string): LeftOut => ({
  name: objectName(config),
  reason,
  origin: placeOf(fieldOf(config, path)),
});

/** Place of the host that is meant, among those of a VirtualService; the first where none is. */
export function hostPath({ hosts }: VirtualService, host: string): string {
  return `spec.hosts[${Math.max(
    0,
    hosts.findIndex((own) => hostsOverlap(own.toLowerCase(), host)),
  )}]`;
}

export const names = ({ hosts }: VirtualService, host: string): boolean =>
  hosts.some((own) => hostsOverlap(own.toLowerCase(), host));

/**
 * Whether somebody who asks about a host may have this VirtualService in mind: it names the host, sends to it, or names one that begins
 * alike. One that names every host is in nobody's mind for that alone.
 */
export function isMeant(rule: VirtualService, host: string): boolean {
  const label = firstLabel(host);
  return (
    rule.hosts.some((own) => own !== '*' && (hostsOverlap(own.toLowerCase(), host) || firstLabel(own) === label)) ||
    rule.http.some(({ spec }) => spec.route?.some(({ destination }) => destination.host === host))
  );
}

/** Why a namespace does not see a VirtualService; undefined where it does. */
export function hidden(rule: VirtualService, { scope, snapshot }: Inquiry): LeftOut | undefined {
  const exportTo = exportsOf(rule, snapshot.mesh.defaultVirtualServiceExportTo);
  const isHome = rule.config.namespace === scope.namespace;
  const isSeen =
    exportTo.includes('*') ||
    (!exportTo.includes('~') && (exportTo.includes(scope.namespace) || (isHome && exportTo.includes('.'))));
  if (isSeen) return undefined;
  const whose = rule.config.spec.exportTo?.length ? 'is exported to' : 'has no exportTo, so the mesh exports it to';
  const words = exportTo.map((each) => (each === '.' ? `its own namespace (${rule.config.namespace})` : each));
  return wholeLeftOut(
    rule.config,
    'spec.exportTo',
    `${whose} ${words.join(', ')}; this proxy is in ${scope.namespace}`,
  );
}

/** The parts of a VirtualService that are no routes of a listener. A rule behind another is told of once. */
export function omittedRules(rule: VirtualService, context: StaticContext): LeftOut[] {
  const omitted: OmittedRule[] = [];
  selectRules(rule, context, (each) => omitted.push(each));
  const told = omitted.filter(
    (each, i) => each.shadow === undefined || !omitted.slice(0, i).some((one) => one.shadow && one.rule === each.rule),
  );
  return told.map((each) => ({
    name: `${ruleName(each.rule)} of ${objectName(each.rule.owner)}`,
    reason: omittedBecause(each, context),
    origin: placeOf(fieldOf(each.rule.owner, fieldPath(each))),
  }));
}

/** Rules that hand over to a VirtualService that gives them nothing. */
export function lostDelegates(rule: VirtualService, { virtualServices }: MeshSnapshot): LeftOut[] {
  const { config } = rule;
  return (config.spec.http ?? []).flatMap(({ delegate, name }, i): LeftOut[] => {
    if (delegate === undefined) return [];
    const namespace = delegate.namespace ?? config.namespace;
    const found = delegateOf(rule, i);
    if (found !== undefined && rule.http.some(({ owner }) => owner === found)) return [];
    const hasHosts = virtualServices.some(
      (each) => each.config.name === delegate.name && each.config.namespace === namespace,
    );
    const reason =
      found !== undefined
        ? 'gives no rule whose conditions fit inside those of the rule that hands over to it'
        : hasHosts
          ? 'has hosts of its own, so it is no delegate'
          : `does not exist, or is not exported to ${config.namespace}`;
    const path = `spec.http[${i}].delegate`;
    return [
      {
        name: `http[${i}]${name ? ` "${name}"` : ''} of ${objectName(config)}`,
        reason: `hands over to VirtualService ${namespace}/${delegate.name}, which ${reason}`,
        origin: placeOf(fieldOf(config, path)),
      },
    ];
  });
}
