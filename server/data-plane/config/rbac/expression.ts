import { compileCel } from '../../format/cel.ts';
import { type CelExprJson, celTextOf } from '../../format/cel-text.ts';
import type { RbacCondition } from './condition.ts';

/** A policy's condition: an expression over Envoy's attributes, which holds where it is true. One that fails does not hold. */
export function expressionCondition(given: CelExprJson, field: string): RbacCondition {
  const text = celTextOf(given, field);
  const holds = compileCel(text, field);
  return {
    holds: ({ attributes }) => attributes !== undefined && holds(attributes),
    wanted: `${text} to be true`,
    misses: () => [`needs ${text} to be true`],
    seen: () => `${text} is true`,
  };
}
