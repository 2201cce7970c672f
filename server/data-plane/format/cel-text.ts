import { ConfigProblem, within } from '../config/problem.ts';

/** google.api.expr.v1alpha1.Expr: an expression that was parsed already. */
export interface CelExprJson {
  readonly const_expr?: CelConstantJson;
  readonly ident_expr?: { readonly name?: string };
  readonly select_expr?: { readonly operand?: CelExprJson; readonly field?: string; readonly test_only?: boolean };
  readonly call_expr?: {
    readonly target?: CelExprJson;
    readonly function?: string;
    readonly args?: readonly CelExprJson[];
  };
  readonly list_expr?: { readonly elements?: readonly CelExprJson[] };
  readonly struct_expr?: {
    readonly message_name?: string;
    readonly entries?: readonly { readonly map_key?: CelExprJson; readonly value?: CelExprJson }[];
  };
}

interface CelConstantJson {
  readonly null_value?: unknown;
  readonly bool_value?: boolean;
  readonly int64_value?: string | number;
  readonly uint64_value?: string | number;
  readonly double_value?: number;
  readonly string_value?: string;
}

/** Operators by the names that parsers give them. */
const BETWEEN: Readonly<Record<string, string>> = {
  '_&&_': '&&',
  '_||_': '||',
  '_==_': '==',
  '_!=_': '!=',
  '_<_': '<',
  '_<=_': '<=',
  '_>_': '>',
  '_>=_': '>=',
  '_+_': '+',
  '_-_': '-',
  '_*_': '*',
  '_/_': '/',
  '_%_': '%',
  '@in': 'in',
  _in_: 'in',
  in: 'in',
};
const BEFORE: Readonly<Record<string, string>> = { '!_': '!', '-_': '-' };

/** Writes a parsed expression as text again. Throws ConfigProblem for loops (`all`, `exists`, …) and messages. */
export function celTextOf(given: CelExprJson, field: string): string {
  return within(field, () => textOf(given));
}

function textOf(given: CelExprJson): string {
  if (given.const_expr !== undefined) return constantOf(given.const_expr);
  if (given.ident_expr !== undefined) return named(given.ident_expr.name);
  if (given.select_expr !== undefined) {
    const { operand = {}, field, test_only } = given.select_expr;
    const text = `${within('select_expr', () => textOf(operand))}.${named(field)}`;
    return test_only === true ? `has(${text})` : text;
  }
  if (given.call_expr !== undefined) return within('call_expr', () => callOf(given.call_expr!));
  if (given.list_expr !== undefined) return `[${(given.list_expr.elements ?? []).map(textOf).join(', ')}]`;
  const { message_name, entries = [] } = given.struct_expr ?? {};
  if (given.struct_expr !== undefined && !message_name) {
    return `{${entries.map(({ map_key = {}, value = {} }) => `${textOf(map_key)}: ${textOf(value)}`).join(', ')}}`;
  }
  throw new ConfigProblem(Object.keys(given).find((key) => key !== 'id') ?? 'expr_kind', 'is not supported');
}

const NAME = /^[A-Za-z_]\w*$/;

function named(name = ''): string {
  if (!NAME.test(name)) throw new ConfigProblem('name', `"${name}" is no name`);
  return name;
}

function callOf({ target, function: name = '', args = [] }: NonNullable<CelExprJson['call_expr']>): string {
  const [first = '', second = '', third = ''] = args.map((arg, i) => within(`args[${i}]`, () => textOf(arg)));
  const between = BETWEEN[name];
  if (between !== undefined) return `(${first} ${between} ${second})`;
  const before = BEFORE[name];
  if (before !== undefined) return `${before}(${first})`;
  if (name === '_[_]') return `${first}[${second}]`;
  if (name === '_?_:_') return `(${first} ? ${second} : ${third})`;
  const call = `${named(name)}(${args.map(textOf).join(', ')})`;
  return target === undefined ? call : `${within('target', () => textOf(target))}.${call}`;
}

function constantOf(given: CelConstantJson): string {
  if (given.string_value !== undefined) return JSON.stringify(given.string_value);
  if (given.bool_value !== undefined) return String(given.bool_value);
  if (given.int64_value !== undefined) return String(given.int64_value);
  if (given.uint64_value !== undefined) return `${given.uint64_value}u`;
  if (given.double_value !== undefined)
    return Number.isInteger(given.double_value) ? `${given.double_value}.0` : String(given.double_value);
  if ('null_value' in given) return 'null';
  throw new ConfigProblem('const_expr', 'is not supported');
}
