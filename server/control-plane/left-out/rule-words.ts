import type { HttpRule } from '../snapshot/http-rule.ts';
import type { OmittedRule } from '../translate/routes/select-rules.ts';
import type { StaticContext } from '../translate/routes/source-match.ts';

/** `http[1] "late"` */
export const ruleName = ({ path, spec }: HttpRule): string =>
  `${path.replace('spec.', '')}${spec.name ? ` "${spec.name}"` : ''}`;

/** The field of a rule that keeps it away. */
export function fieldPath({ rule, index, misfit }: OmittedRule): string {
  const block = rule.matchPaths[index];
  return misfit === undefined || block === undefined ? (block ?? rule.path) : `${block}.${misfit}`;
}

/** Why a part of a rule is no route of a listener. */
export function omittedBecause(omitted: OmittedRule, { listenPort, gateways, scope }: StaticContext): string {
  const { match } = omitted;
  if (omitted.shadow !== undefined) return `stands behind ${ruleName(omitted.shadow)}, which takes every request`;
  switch (omitted.misfit) {
    case 'port':
      return `needs port ${match?.port}, these routes are for port ${listenPort}`;
    case 'gateways':
      return `is for ${(match?.gateways ?? []).join(', ')}, these routes are for ${[...gateways].join(', ')}`;
    case 'sourceNamespace':
      return `needs a caller in namespace ${match?.sourceNamespace}, this proxy is in ${scope.namespace}`;
    case 'sourceLabels':
      return labelWords(match?.sourceLabels ?? {}, scope.labels);
  }
}

type Labels = Readonly<Record<string, string>>;

function labelWords(wanted: Labels, labels: Labels): string {
  const [key = '', value = ''] = Object.entries(wanted).find(([name, text]) => labels[name] !== text) ?? [];
  const own = labels[key];
  return `needs source label ${key}: ${value}, this proxy has ${own === undefined ? 'none of that name' : `${key}: ${own}`}`;
}
