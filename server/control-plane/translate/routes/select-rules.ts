import type { HttpRule } from '../../snapshot/http-rule.ts';
import type { HttpMatch } from '../../snapshot/istio-types.ts';
import { usesGatewaySemantics, usesIngressSemantics } from '../../snapshot/semantics.ts';
import type { VirtualService } from '../../snapshot/virtual-services.ts';
import { isCatchAll, translateMatch } from './match.ts';
import { type Misfit, misfitOf, type StaticContext } from './source-match.ts';

/** One match block of a rule, or the rule itself where it has none. */
export interface RulePart {
  readonly rule: HttpRule;
  readonly match: HttpMatch | undefined;
  readonly index: number;
}

export interface SelectedRule extends RulePart {
  readonly routeMatch: ReturnType<typeof translateMatch>;
}

/** A part that becomes no route, and why: a field of it that does not fit here, or a rule before it that takes every request. */
export type OmittedRule = RulePart &
  ({ readonly misfit: Misfit; readonly shadow?: never } | { readonly shadow: HttpRule; readonly misfit?: never });

/**
 * What of a VirtualService becomes routes of one listener of one proxy, in rule order; nothing behind a rule that accepts every request,
 * as it could never be reached. `omit` is told of what does not, by whoever asks why.
 */
export function selectRules(
  virtualService: VirtualService,
  context: StaticContext,
  omit?: (omitted: OmittedRule) => void,
): SelectedRule[] {
  const { config } = virtualService;
  const segments = usesGatewaySemantics(config) || usesIngressSemantics(config);
  const selected: SelectedRule[] = [];
  let shadow: HttpRule | undefined;
  for (const rule of virtualService.http) {
    const matches: readonly (HttpMatch | undefined)[] = rule.spec.match?.length ? rule.spec.match : [undefined];
    for (const [index, match] of matches.entries()) {
      const misfit = misfitOf(match, context);
      if (misfit !== undefined) omit?.({ rule, match, index, misfit });
      else if (shadow !== undefined) omit?.({ rule, match, index, shadow });
      else {
        const routeMatch = translateMatch(match, { segments });
        selected.push({ rule, match, index, routeMatch });
        if (!isCatchAll(routeMatch)) continue;
        if (omit === undefined) return selected;
        shadow = rule;
      }
    }
  }
  return selected;
}
