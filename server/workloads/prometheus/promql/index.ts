import type { QueryError } from './lexer.ts';

export { evaluateAt, type Samples, type StoredPoints } from './evaluate.ts';
export type { Expression, Matcher } from './expression.ts';
export { compileRegex, expanded, groupsOf } from './functions.ts';
export { durationMs, QueryError } from './lexer.ts';
export { parseQuery } from './parser.ts';
export { checkTypes } from './types.ts';
export {
  ExecutionError,
  floatText,
  keyOf,
  type Labels,
  type Points,
  type Sample,
  type Value,
  withLabel,
  written,
} from './values.ts';

/** `1:6: parse error: …`, as Prometheus tells where it stopped. */
export function parseErrorText(query: string, { at, message }: QueryError): string {
  const before = query.slice(0, at).split('\n');
  return `${before.length}:${(before.at(-1) ?? '').length + 1}: parse error: ${message}`;
}
