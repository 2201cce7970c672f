import { CelDuration, CelEvaluationError, type CelValue, celFunctions, isCelMap } from './functions.ts';
import { parseCel } from './parser.ts';
import type { CelNode } from './syntax.ts';

/** Names that an expression may use, innermost first. */
interface Scope {
  readonly name: string;
  readonly value: CelValue;
  readonly outer?: Scope;
}

type Program = (scope: Scope) => CelValue;

function lookUp(name: string, scope: Scope): CelValue {
  for (let each: Scope | undefined = scope; each; each = each.outer) if (each.name === name) return each.value;
  throw new CelEvaluationError(`undeclared reference to '${name}'`);
}

/** `__namespace__` is the field `namespace`: Kubernetes escapes fields that are words of CEL. */
const fieldName = (name: string): string => /^__([a-z]+)__$/.exec(name)?.[1] ?? name;

function equal(a: CelValue, b: CelValue): boolean {
  if (a instanceof CelDuration && b instanceof CelDuration) return a.ns === b.ns;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((each, at) => equal(each, b[at]));
  if (isCelMap(a) && isCelMap(b)) {
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => key in b && equal(a[key], b[key]));
  }
  return a === b;
}

function compare(a: CelValue, b: CelValue): number {
  if (a instanceof CelDuration && b instanceof CelDuration) return a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : 0;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  throw new CelEvaluationError('no such overload: values cannot be compared');
}

function within(value: CelValue, container: CelValue): boolean {
  if (Array.isArray(container)) return container.some((each) => equal(each, value));
  if (isCelMap(container)) return typeof value === 'string' && Object.hasOwn(container, value);
  throw new CelEvaluationError('no such overload: in');
}

function add(a: CelValue, b: CelValue): CelValue {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (typeof a === 'string' && typeof b === 'string') return a + b;
  if (Array.isArray(a) && Array.isArray(b)) return [...(a as CelValue[]), ...(b as CelValue[])];
  throw new CelEvaluationError('no such overload: +');
}

function calculate(operator: string, a: CelValue, b: CelValue): CelValue {
  if (typeof a !== 'number' || typeof b !== 'number') throw new CelEvaluationError(`no such overload: ${operator}`);
  if (operator === '-') return a - b;
  if (operator === '*') return a * b;
  if (b === 0) throw new CelEvaluationError('division by zero');
  return operator === '/' ? Math.trunc(a / b) : a % b;
}

const OPERATORS: Readonly<Record<string, (a: CelValue, b: CelValue) => CelValue>> = {
  '==': equal,
  '!=': (a, b) => !equal(a, b),
  '<': (a, b) => compare(a, b) < 0,
  '<=': (a, b) => compare(a, b) <= 0,
  '>': (a, b) => compare(a, b) > 0,
  '>=': (a, b) => compare(a, b) >= 0,
  in: within,
  '+': add,
};

function truth(value: CelValue): boolean {
  if (typeof value !== 'boolean') throw new CelEvaluationError('no such overload: a bool is expected');
  return value;
}

/** `&&` and `||`: an operand that decides hides an error of the other. */
function logical(left: Program, right: Program, deciding: boolean): Program {
  return (scope) => {
    let failed: CelEvaluationError | undefined;
    for (const side of [left, right]) {
      try {
        if (truth(side(scope)) === deciding) return deciding;
      } catch (error) {
        if (!(error instanceof CelEvaluationError)) throw error;
        failed ??= error;
      }
    }
    if (failed) throw failed;
    return !deciding;
  };
}

function select(operand: CelValue, name: string): CelValue {
  const field = fieldName(name);
  if (isCelMap(operand) && Object.hasOwn(operand, field)) return operand[field];
  throw new CelEvaluationError(`no such key: ${field}`);
}

function itemAt(operand: CelValue, at: CelValue): CelValue {
  if (Array.isArray(operand) && typeof at === 'number') {
    if (at >= 0 && at < operand.length) return operand[at];
    throw new CelEvaluationError(`index out of bounds: ${at}`);
  }
  if (typeof at === 'string') return select(operand, at);
  throw new CelEvaluationError('no such overload: index');
}

const MACROS = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

/** Elements of a list, keys of a map. */
function elements(value: CelValue): readonly CelValue[] {
  if (Array.isArray(value)) return value;
  if (isCelMap(value)) return Object.keys(value);
  throw new CelEvaluationError('expression does not range over a list or a map');
}

/** `all` and `exists`: an element that decides hides errors of others. */
function quantify(items: readonly CelValue[], deciding: boolean, test: (item: CelValue) => boolean): boolean {
  let failed: CelEvaluationError | undefined;
  for (const item of items) {
    try {
      if (test(item) === deciding) return deciding;
    } catch (error) {
      if (!(error instanceof CelEvaluationError)) throw error;
      failed ??= error;
    }
  }
  if (failed) throw failed;
  return !deciding;
}

function macro(name: string, range: Program, variable: CelNode, body: Program): Program {
  if (variable.type !== 'name') throw new CelEvaluationError(`${name}: the first argument is a name`);
  return (scope) => {
    const items = elements(range(scope));
    const of = (value: CelValue): CelValue => body({ name: variable.name, value, outer: scope });
    const holds = (value: CelValue): boolean => truth(of(value));
    if (name === 'all' || name === 'exists') return quantify(items, name === 'exists', holds);
    if (name === 'exists_one') return items.filter(holds).length === 1;
    return name === 'filter' ? items.filter(holds) : items.map(of);
  };
}

function compileCall(node: CelNode & { readonly type: 'call' }): Program {
  const { name, target, args } = node;
  const [first, second] = args;
  if (name === 'has' && !target && first?.type === 'select') {
    const operand = compile(first.operand);
    const field = fieldName(first.field);
    return (scope) => {
      const value = operand(scope);
      if (!isCelMap(value)) throw new CelEvaluationError('no such overload: has');
      return Object.hasOwn(value, field);
    };
  }
  if (target && MACROS.has(name) && first && second) return macro(name, compile(target), first, compile(second));
  const call = celFunctions[name];
  if (!call) throw new CelEvaluationError(`undeclared reference to '${name}'`);
  const programs = [...(target ? [target] : []), ...args].map(compile);
  return (scope) => call(...programs.map((program) => program(scope)));
}

function compileBinary(node: CelNode & { readonly type: 'binary' }): Program {
  const left = compile(node.left);
  const right = compile(node.right);
  const { operator } = node;
  if (operator === '&&' || operator === '||') return logical(left, right, operator === '||');
  const operation = OPERATORS[operator] ?? ((a: CelValue, b: CelValue) => calculate(operator, a, b));
  return (scope) => operation(left(scope), right(scope));
}

function compile(node: CelNode): Program {
  switch (node.type) {
    case 'literal':
      return () => node.value;
    case 'name':
      return (scope) => lookUp(node.name, scope);
    case 'list': {
      const items = node.items.map(compile);
      return (scope) => items.map((item) => item(scope));
    }
    case 'map': {
      const entries = node.entries.map(([key, value]) => [compile(key), compile(value)] as const);
      return (scope) => Object.fromEntries(entries.map(([key, value]) => [String(key(scope)), value(scope)]));
    }
    case 'select': {
      const operand = compile(node.operand);
      return (scope) => select(operand(scope), node.field);
    }
    case 'index': {
      const [operand, at] = [compile(node.operand), compile(node.index)];
      return (scope) => itemAt(operand(scope), at(scope));
    }
    case 'unary': {
      const operand = compile(node.operand);
      if (node.operator === '!') return (scope) => !truth(operand(scope));
      return (scope) => calculate('-', 0, operand(scope));
    }
    case 'conditional': {
      const [test, then, otherwise] = [compile(node.test), compile(node.then), compile(node.otherwise)];
      return (scope) => (truth(test(scope)) ? then(scope) : otherwise(scope));
    }
    case 'binary':
      return compileBinary(node);
    case 'call':
      return compileCall(node);
  }
}

/**
 * Compiles a CEL rule over `self`, and over `oldSelf` where the stored value is given. Unlike cel-go, types are checked while it runs. The result throws CelEvaluationError where the
 * rule cannot be computed; compiling throws CelSyntaxError or CelEvaluationError.
 */
export function compileCel(expression: string): (self: CelValue, oldSelf?: CelValue) => CelValue {
  const program = compile(parseCel(expression));
  return (self, oldSelf) => {
    const stored = oldSelf === undefined ? undefined : { name: 'oldSelf', value: oldSelf };
    return program({ name: 'self', value: self, ...(stored && { outer: stored }) });
  };
}
