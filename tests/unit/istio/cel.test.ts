import { describe, expect, it } from 'vitest';
import { compileCel } from '../../../server/istio/cel/evaluate.ts';
import { CelEvaluationError } from '../../../server/istio/cel/functions.ts';
import { parseCel } from '../../../server/istio/cel/parser.ts';
import { CelSyntaxError } from '../../../server/istio/cel/syntax.ts';

const evaluate = (expression: string, self: unknown = undefined): unknown => compileCel(expression)(self);

describe('CEL', () => {
  it.each<[string, unknown, unknown]>([
    ['1 + 2 * 3 - 4 / 2 % 3', undefined, 5],
    ['-2 + 3 == 1 && !(1 > 2)', undefined, true],
    ['1 < 2 ? "a" : "b"', undefined, 'a'],
    ['[1, 2] + [3]', undefined, [1, 2, 3]],
    ['"a" in ["a", "b"] && 3 in [1, 3] && !("x" in {"a": 1})', undefined, true],
    ['{"a": [1]} == {"a": [1]}', undefined, true],
    ['self.a.b[1].c', { a: { b: [0, { c: 'd' }] } }, 'd'],
    ['self["a.b"]', { 'a.b': 1 }, 1],
    ['has(self.a) && !has(self.b)', { a: 0 }, true],
    ['self.__namespace__', { namespace: 'n' }, 'n'],
    ['self.for', { for: 1 }, 1],
    ['size("héé") + self.size()', [1, 2], 5],
    ['self.all(x, x > 0) && self.exists(x, x == 2) && !self.exists_one(x, x > 0)', [1, 2], true],
    ['self.filter(x, x != 1).map(x, x * 2)', [1, 2, 3], [4, 6]],
    ['self.all(key, key.size() > 0)', { a: 1 }, true],
    ['self.all(a, self.exists_one(b, a.n == b.n))', [{ n: 1 }, { n: 2 }], true],
    ['"abc".startsWith("a") && "abc".endsWith("c") && "abc".contains("b")', undefined, true],
    ['"abcd".substring(1, 3) + "abcd".substring(2)', undefined, 'bccd'],
    [String.raw`"a.b".matches(r"""^a\.b$""") && !"aXb".matches('^a\\.b$')`, undefined, true],
    ['"AB".matches("(?i)^ab$")', undefined, true],
    ['"a/b".split("/")[1]', undefined, 'b'],
    ['int("42") == 42', undefined, true],
    ["duration(self) >= duration('1ms')", '1s', true],
    ["duration('1h') == duration('60m') && duration('-1s') < duration('0s')", undefined, true],
    ["isURL(self) && url(self).getScheme() == 'https'", 'https://a.com/b', true],
    ['isURL(self)', 'a.com', false],
    ["isIP('2001:db8::1') && !isIP('a')", undefined, true],
    ['1 // a comment\n + 1', undefined, 2],
    ['0x10 + 1u', undefined, 17],
  ])('%s', (expression, self, value) => {
    expect(evaluate(expression, self)).toEqual(value);
  });

  it('lets an operand that decides hide the error of the other', () => {
    expect(evaluate('self.missing > 1 || true', {})).toBe(true);
    expect(evaluate('false && self.missing > 1', {})).toBe(false);
    expect(evaluate('[1, "a"].exists(x, x == 1 || x > 1)')).toBe(true);
    expect(() => evaluate('self.missing > 1 || false', {})).toThrow(CelEvaluationError);
  });

  it.each([
    ['a field that is not there', 'self.a'],
    ['an index out of bounds', '[1][1]'],
    ['a division by zero', '1 / 0'],
    ['operands that cannot be compared', '1 < "a"'],
    ['a condition that is no truth', '1 ? 2 : 3'],
    ['a length of time that is none', 'duration("soon")'],
    ['a number that is none', 'int("a")'],
  ])('has no value for %s', (_, expression) => {
    expect(() => evaluate(expression, {})).toThrow(CelEvaluationError);
  });

  it.each([
    '',
    'a b',
    '(a',
    '[1, 2',
    'a ==',
    'a = b',
    '"a',
    "'a\n'",
    '$a',
    'a.1',
    'for == 1',
    '.true',
    'a.in',
    '!-1',
    '"\\q"',
    'has(a)',
    'a.all(1, true)',
    'a ? b',
    '{1 2}',
  ])('refuses to read %j', (expression) => {
    expect(() => parseCel(expression)).toThrow(CelSyntaxError);
  });

  it('refuses nesting that would exhaust the stack', () => {
    expect(() => parseCel('('.repeat(10_000))).toThrow(CelSyntaxError);
    expect(() => parseCel('!'.repeat(500_000))).toThrow(CelSyntaxError);
    expect(() => parseCel('['.repeat(10_000))).toThrow(CelSyntaxError);
  });
});
