import { Environment } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { ConfigProblem } from '../config/problem.ts';
import { celAttributes } from './cel-attributes.ts';
import { asJson, asText } from './cel-values.ts';
import type { FormatSubject } from './subject.ts';

/** The value of an expression for one request; undefined where it fails. */
export type CelValueReader = (subject: FormatSubject) => unknown;

/** What can be said of a request that has ended, as CEL sees it. */
export type CelCondition = (subject: FormatSubject) => boolean;

/** Expressions of strangers: the library's own `matches` would run them in time without bound. */
const LINEAR_MATCH = 'matchesRe2';

const patterns = new Map<string, RE2JS>();
const MAX_PATTERNS = 256;

function search(value: string, expression: string): boolean {
  let pattern = patterns.get(expression);
  if (pattern === undefined) {
    pattern = RE2JS.compile(expression);
    if (patterns.size >= MAX_PATTERNS) patterns.clear();
    patterns.set(expression, pattern);
  }
  return pattern.matcher(value).find();
}

const environment = new Environment({ unlistedVariablesAreDyn: true }).registerFunction(
  `string.${LINEAR_MATCH}(string): bool`,
  search,
);

/** A text literal, or a call of `matches`. */
const TOKENS = /[rR]?(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\.(\s*)matches(?=\s*\()/g;

const withLinearMatch = (expression: string): string =>
  expression.replace(TOKENS, (whole: string, space?: string) =>
    space === undefined ? whole : `.${space}${LINEAR_MATCH}`,
  );

/** Where expressions stand: Istio's own filter knows more functions than Envoy's filters and formats. */
type Dialect = 'envoy' | 'istio';

function compile(expression: string, field: string, dialect: Dialect): (subject: FormatSubject) => unknown {
  let evaluate: ReturnType<typeof environment.parse>;
  try {
    evaluate = environment.parse(withLinearMatch(expression));
  } catch (error) {
    throw new ConfigProblem(field, `Not able to parse expression: ${error instanceof Error ? error.message : ''}`);
  }
  if (dialect === 'envoy') checkCalls(evaluate.ast, field);
  return (subject) => evaluate(celAttributes(subject));
}

const LOOPS = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);
const FUNCTIONS =
  /^(bool|bytes|contains|double|duration|dyn|endsWith|get[A-Z][A-Za-z]+|has|int|matches(Re2)?|size|startsWith|timestamp|type|uint)$/;

/** Refuses what Envoy's builder of expressions has switched off: loops, and functions that make texts. */
function checkCalls(node: unknown, field: string): void {
  if (Array.isArray(node)) for (const each of node) checkCalls(each, field);
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return;
  const { op, args } = node as { readonly op?: string; readonly args?: unknown };
  if ((op === 'call' || op === 'rcall') && Array.isArray(args)) {
    const [name = ''] = args as readonly string[];
    const why = LOOPS.has(name)
      ? 'Comprehension support is disabled'
      : `No overload found in reference resolve step for ${name}`;
    if (!FUNCTIONS.test(name)) throw new ConfigProblem(field, `failed to create an expression: ${why}`);
  }
  checkCalls(args, field);
}

/**
 * Compiles a CEL expression over Envoy's attributes. One that fails for a request, or is no boolean, is not fulfilled. Throws
 * ConfigProblem.
 */
export function compileCel(expression: string, field: string): CelCondition {
  const evaluate = compileCelValue(expression, field);
  return (subject) => evaluate(subject) === true;
}

/** As `compileCel`, for expressions of any type; undefined where an expression fails. Whole numbers come as numbers. */
export function compileCelValue(expression: string, field: string, dialect: Dialect = 'envoy'): CelValueReader {
  return reader(compile(expression, field, dialect), asJson);
}

/** As `compileCelValue`, as Envoy writes the value into a text. */
export function compileCelText(expression: string, field: string): (subject: FormatSubject) => string | undefined {
  return reader(compile(expression, field, 'envoy'), asText);
}

function reader<Value>(
  evaluate: (subject: FormatSubject) => unknown,
  write: (value: unknown) => Value,
): (subject: FormatSubject) => Value | undefined {
  return (subject) => {
    try {
      return write(evaluate(subject));
    } catch {
      // CEL's own failures: a key that the request does not have, values that cannot be compared.
      return undefined;
    }
  };
}
