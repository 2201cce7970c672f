import type { HeaderMutation } from '#xds';
import { compileHeaderRule, type HeaderRule, isPlain } from './header-rules.ts';
import { ConfigProblem } from './problem.ts';
import { compileStringMatch } from './string-match.ts';

/** One change to headers; changes are made in their order. */
export type HeaderChange =
  | { readonly kind: 'write'; readonly rule: HeaderRule }
  | { readonly kind: 'remove'; readonly concerns: (name: string) => boolean };

/** Reads envoy.config.common.mutation_rules.v3.HeaderMutation. Throws ConfigProblem. */
export function compileHeaderMutations(given: readonly HeaderMutation[] | undefined, field: string): HeaderChange[] {
  const changes = (given ?? []).map((mutation, i) => compileMutation(mutation, `${field}[${i}]`));
  return changes.filter((change) => change.kind === 'remove' || isPlain(change.rule));
}

function compileMutation({ append, remove, remove_on_match }: HeaderMutation, field: string): HeaderChange {
  if (append !== undefined) return { kind: 'write', rule: compileHeaderRule(append, `${field}.append`) };
  if (remove_on_match?.key_matcher !== undefined) {
    const match = compileStringMatch(remove_on_match.key_matcher, `${field}.remove_on_match.key_matcher`);
    return { kind: 'remove', concerns: match.accepts };
  }
  if (remove === undefined) throw new ConfigProblem(field, 'has none of remove, append, remove_on_match');
  const name = remove.toLowerCase();
  return { kind: 'remove', concerns: (other) => other === name };
}
