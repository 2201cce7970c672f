import { type LabelSelector, selectorProblem } from '#domain';
import type { Field } from '../rules/field.ts';
import type { Findings } from '../rules/findings.ts';

/** istiod takes the configuration, tells its log, and goes on with the selectors that it had. */
export function checkDiscoverySelectors(selectors: Field, findings: Findings): void {
  for (const selector of selectors.items) {
    const problem = selectorProblem((selector.value ?? {}) as LabelSelector);
    if (problem !== undefined)
      findings.warn(
        selector,
        `invalid discovery selector: ${problem}`,
        'istiod keeps the selectors that it had before.',
      );
  }
}
