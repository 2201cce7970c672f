import { type LabelSelector, selectorProblem } from '#domain';
import type { Field } from '../rules/field.ts';
import type { Findings } from '../rules/findings.ts';

/** Texts where the form of `discoverySelectors` has texts: a label such as `on`, without quotes, keeps istiod from reading the whole. */
export function checkSelectorTexts(selectors: Field, findings: Findings): void {
  const places = selectors.items.flatMap((selector) => [
    ...selector.get('matchLabels').entries.map(([, value]) => value),
    ...selector
      .get('matchExpressions')
      .items.flatMap((each) => [each.get('key'), each.get('operator'), ...each.get('values').items]),
  ]);
  for (const place of places)
    if (place.exists && typeof place.value !== 'string')
      findings.reject(
        place,
        `failed to convert to proto. ${JSON.stringify(place.value)} is no text`,
        'Put it in quotes.',
      );
}

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
