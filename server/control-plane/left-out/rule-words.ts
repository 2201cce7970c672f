import type { HttpRule } from '../snapshot/http-rule.ts';
import type { OmittedRule } from '../translate/routes/select-rules.ts';
import type { Misfit, StaticContext, StaticMatch } from '../translate/routes/source-match.ts';

/** `http[1] "late"` */
export const ruleName = ({ path, spec }: HttpRule): string =>
  `${path.replace('spec.', '')}${spec.name ? ` "${spec.name}"` : ''}`;

/** The field of a rule that keeps it away. */
export function fieldPath({ rule, index, misfit }: OmittedRule): string {
  const block = rule.matchPaths[index];
  return misfit === undefined || block === undefined ? (block ?? rule.path) : `${block}.${misfit}`;
}

/** Why a part of a rule is no route of a listener. */
export function omittedBecause(omitted: OmittedRule, context: StaticContext): string {
  if (omitted.shadow !== undefined) return `stands behind ${ruleName(omitted.shadow)}, which takes every request`;
  return misfitWords(omitted.misfit, omitted.match ?? {}, context);
}

/** Why a match block does not fit a listener, by its first field that does not. */
export function misfitWords(
  misfit: Misfit,
  match: StaticMatch,
  { listenPort, gateways, scope }: StaticContext,
): string {
  switch (misfit) {
    case 'port':
      return `needs port ${match.port}, these routes are for port ${listenPort}`;
    case 'gateways':
      return `is for ${(match.gateways ?? []).join(', ')}, these routes are for ${[...gateways].join(', ')}`;
    case 'sourceNamespace':
      return `needs a caller in namespace ${match.sourceNamespace}, this proxy is in ${scope.namespace}`;
    case 'sourceLabels':
      return labelWords(match.sourceLabels ?? {}, scope.labels);
  }
}

type Labels = Readonly<Record<string, string>>;

function labelWords(wanted: Labels, labels: Labels): string {
  const [key = '', value = ''] = Object.entries(wanted).find(([name, text]) => labels[name] !== text) ?? [];
  const own = labels[key];
  return `needs source label ${key}: ${value}, this proxy has ${own === undefined ? 'none of that name' : `${key}: ${own}`}`;
}
