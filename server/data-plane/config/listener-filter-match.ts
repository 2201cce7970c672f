import { ConfigProblem } from './problem.ts';

/** A value of Envoy's ListenerFilterChainMatchPredicate: the connections that a listener filter leaves alone, by destination port. */
export type PortPredicate = (port: number) => boolean;

interface Rules {
  readonly rules?: readonly unknown[];
}

interface Predicate {
  readonly destination_port_range?: { readonly start?: number; readonly end?: number };
  readonly any_match?: boolean;
  readonly not_match?: unknown;
  readonly or_match?: Rules;
  readonly and_match?: Rules;
}

/** Compiles `filter_disabled`; absent: never. Throws ConfigProblem for a rule that this proxy does not know. */
export function compilePortPredicate(resource: unknown, path: string): PortPredicate {
  if (resource === undefined) return () => false;
  const { destination_port_range: range, any_match, not_match, or_match, and_match } = resource as Predicate;
  if (range !== undefined) {
    const { start = 0, end = 0 } = range;
    return (port) => port >= start && port < end;
  }
  if (any_match !== undefined) return () => any_match;
  if (not_match !== undefined) {
    const inner = compilePortPredicate(not_match, `${path}.not_match`);
    return (port) => !inner(port);
  }
  const compiled = (set: Rules, name: string): PortPredicate[] =>
    (set.rules ?? []).map((rule, i) => compilePortPredicate(rule, `${path}.${name}.rules[${i}]`));
  if (or_match !== undefined) {
    const rules = compiled(or_match, 'or_match');
    return (port) => rules.some((rule) => rule(port));
  }
  if (and_match !== undefined) {
    const rules = compiled(and_match, 'and_match');
    return (port) => rules.every((rule) => rule(port));
  }
  throw new ConfigProblem(path, 'the rule is not supported');
}
