import { type Binary, COMPARISONS, type Expression, SET_OPERATORS, type ValueType } from './expression.ts';
import { FUNCTIONS } from './functions.ts';
import { QueryError } from './lexer.ts';

/** The kind of value that an expression has; QueryError, in the words of Prometheus, where its parts do not fit. Source: checkAST. */
export function checkTypes(expression: Expression): ValueType {
  switch (expression.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'selector':
      return expression.rangeMs === undefined ? 'instant vector' : 'range vector';
    case 'parens':
      return checkTypes(expression.of);
    case 'negative': {
      const type = checkTypes(expression.of);
      if (type !== 'scalar' && type !== 'instant vector')
        throw new QueryError(
          `unary expression only allowed on expressions of type scalar or instant vector, got "${type}"`,
          expression.at,
        );
      return type;
    }
    case 'subquery': {
      const type = checkTypes(expression.of);
      if (type !== 'instant vector' && type !== 'scalar')
        throw new QueryError(`subquery is only allowed on instant vector, got ${type} instead`, expression.at);
      return 'range vector';
    }
    case 'aggregation': {
      expect(expression.of, 'instant vector', 'aggregation expression');
      const { parameter, op } = expression;
      if (parameter !== undefined)
        expect(parameter, op === 'count_values' ? 'string' : 'scalar', 'aggregation parameter');
      return 'instant vector';
    }
    case 'call':
      return checkCall(expression);
    case 'binary':
      return checkBinary(expression);
  }
}

function expect(expression: Expression, wanted: ValueType, context: string): void {
  const type = checkTypes(expression);
  if (type !== wanted) throw new QueryError(`expected type ${wanted} in ${context}, got ${type}`, expression.at);
}

function checkCall({ name, args, at }: Extract<Expression, { kind: 'call' }>): ValueType {
  const { takes, optional = 0, endless = false, gives } = FUNCTIONS.get(name)!;
  const [least, most] = [takes.length - optional, endless ? Number.POSITIVE_INFINITY : takes.length];
  if (args.length < least || args.length > most) {
    const bound =
      least === most
        ? `expected ${least}`
        : args.length < least
          ? `expected at least ${least}`
          : `expected at most ${most}`;
    throw new QueryError(`${bound} argument(s) in call to "${name}", got ${args.length}`, at);
  }
  for (const [i, arg] of args.entries()) expect(arg, takes[i] ?? takes.at(-1)!, `call to function "${name}"`);
  return gives;
}

function checkBinary({ op, opAt, left, right, bool, at }: Binary): ValueType {
  const [first, second] = [checkTypes(left), checkTypes(right)];
  for (const [type, side] of [
    [first, left],
    [second, right],
  ] as const)
    if (type !== 'scalar' && type !== 'instant vector')
      throw new QueryError('binary expression must contain only scalar and instant vector types', side.at);
  const scalars = first === 'scalar' && second === 'scalar';
  if (scalars && COMPARISONS.has(op) && !bool)
    throw new QueryError('comparisons between scalars must use BOOL modifier', opAt);
  if (SET_OPERATORS.has(op) && (first === 'scalar' || second === 'scalar'))
    throw new QueryError(`set operator "${op}" not allowed in binary scalar expression`, at);
  return scalars ? 'scalar' : 'instant vector';
}
