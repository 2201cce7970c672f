import type { UsageError } from '../../command.ts';
import { compilePattern } from '../regex/posix.ts';
import { functionNames } from './functions.ts';
import { AwkLexer, type AwkToken } from './lexer.ts';
import type { Expression, Target } from './syntax.ts';

const MAX_DEPTH = 100;
const ASSIGNMENTS = new Set(['=', '+=', '-=', '*=', '/=', '%=', '^=', '**=']);
const COMPARISONS = new Set(['<', '<=', '==', '!=', '>', '>=']);

/** Reads expressions, the loosest operator first. Source: POSIX, awk, table of operators. */
export class ExpressionParser {
  readonly #lexer: AwkLexer;
  #depth = 0;
  /** In `print`, outside of parentheses: `>` is no comparison there. */
  #printing = false;
  constructor(text: string) {
    this.#lexer = new AwkLexer(text);
  }

  get done(): boolean {
    return this.#lexer.token.type === 'end';
  }
  get isNewline(): boolean {
    return this.#lexer.token.type === 'newline';
  }
  ahead(count: number): AwkToken {
    return this.#lexer.ahead(count);
  }
  take(): AwkToken {
    return this.#lexer.take();
  }
  isSign(text: string): boolean {
    const { token } = this.#lexer;
    return token.type === 'sign' && token.text === text;
  }
  isWord(text: string): boolean {
    const { token } = this.#lexer;
    return token.type === 'word' && token.text === text;
  }
  takeSign(text: string): boolean {
    const found = this.isSign(text);
    if (found) this.take();
    return found;
  }
  takeWord(text: string): boolean {
    const found = this.isWord(text);
    if (found) this.take();
    return found;
  }
  takeNewline(): boolean {
    const found = this.isNewline;
    if (found) this.take();
    return found;
  }
  skipNewlines(): void {
    while (this.takeNewline());
  }
  expectSign(text: string): void {
    if (!this.takeSign(text)) throw this.unexpected(`"${text}" was expected`);
  }
  takeName(): string {
    const token = this.take();
    if (token.type !== 'name') throw this.wrong('a name was expected');
    return token.text;
  }
  wrong(text: string): UsageError {
    return this.#lexer.wrong(text);
  }
  unexpected(text = 'syntax error'): UsageError {
    const { token } = this.#lexer;
    const near =
      token.type === 'end'
        ? 'the end'
        : token.type === 'newline'
          ? 'end of line'
          : 'text' in token
            ? token.text
            : String(token.value);
    return this.wrong(`${text} at or near ${near}`);
  }
  nested<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw this.wrong('nested too deep');
    const result = read();
    this.#depth -= 1;
    return result;
  }

  expressions(): Expression[] {
    const list = [this.expression()];
    while (this.takeSign(',')) {
      this.skipNewlines();
      list.push(this.expression());
    }
    return list;
  }

  /** What `print` prints: `print a, b` or `print(a, b)`. */
  printed(): Expression[] {
    this.#printing = true;
    const list = this.expressions();
    this.#printing = false;
    const [only] = list;
    return list.length === 1 && only?.type === 'group' && this.#lists.has(only)
      ? [...(this.#lists.get(only) ?? [])]
      : list;
  }
  /** `(a, b)`, which only `print` and `in` may use. */
  readonly #lists = new Map<Expression, readonly Expression[]>();

  expression(): Expression {
    return this.nested(() => this.#ternary());
  }

  #ternary(): Expression {
    const test = this.#or();
    const { token } = this.#lexer;
    if (token.type === 'sign' && ASSIGNMENTS.has(token.text) && isTarget(test)) {
      this.take();
      this.skipNewlines();
      return { type: 'assign', target: test, operator: token.text.slice(0, -1), value: this.expression() };
    }
    if (!this.takeSign('?')) return test;
    this.skipNewlines();
    const yes = this.expression();
    this.skipNewlines();
    this.expectSign(':');
    this.skipNewlines();
    return { type: 'choose', test, yes, no: this.expression() };
  }

  #or(): Expression {
    let left = this.#and();
    while (this.takeSign('||')) {
      this.skipNewlines();
      left = { type: 'or', left, right: this.#and() };
    }
    return left;
  }

  #and(): Expression {
    let left = this.#in();
    while (this.takeSign('&&')) {
      this.skipNewlines();
      left = { type: 'and', left, right: this.#in() };
    }
    return left;
  }

  #in(): Expression {
    let left = this.#match();
    while (this.takeWord('in')) left = { type: 'in', keys: this.#lists.get(left) ?? [left], array: this.takeName() };
    return left;
  }

  #match(): Expression {
    let left = this.#compare();
    while (this.isSign('~') || this.isSign('!~')) {
      const negated = this.isSign('!~');
      this.take();
      left = { type: 'match', negated, left, right: this.#compare() };
    }
    return left;
  }

  #compare(): Expression {
    const left = this.concatenated();
    const { token } = this.#lexer;
    if (token.type !== 'sign' || !COMPARISONS.has(token.text) || (this.#printing && token.text === '>')) return left;
    this.take();
    return { type: 'compare', operator: token.text, left, right: this.concatenated() };
  }

  concatenated(): Expression {
    let left = this.#add();
    while (this.#startsValue()) left = { type: 'concat', left, right: this.#add() };
    return left;
  }

  /** Whether what stands here can only be a value that is joined to the one before. */
  #startsValue(): boolean {
    const { token } = this.#lexer;
    if (token.type === 'number' || token.type === 'string' || token.type === 'name') return true;
    return token.type === 'sign' && ['$', '(', '!', '++', '--'].includes(token.text);
  }

  #add(): Expression {
    let left = this.#multiply();
    while (this.isSign('+') || this.isSign('-')) left = this.#calculated(left, () => this.#multiply());
    return left;
  }

  #multiply(): Expression {
    let left = this.#unary();
    while (this.isSign('*') || this.isSign('/') || this.isSign('%')) left = this.#calculated(left, () => this.#unary());
    return left;
  }

  #calculated(left: Expression, right: () => Expression): Expression {
    const token = this.take();
    return { type: 'calculate', operator: token.type === 'sign' ? token.text : '', left, right: right() };
  }

  #unary(): Expression {
    if (this.takeSign('!')) return { type: 'not', of: this.nested(() => this.#unary()) };
    if (this.takeSign('-')) return { type: 'negative', of: this.nested(() => this.#unary()) };
    if (this.takeSign('+')) return { type: 'positive', of: this.nested(() => this.#unary()) };
    return this.#power();
  }

  #power(): Expression {
    const base = this.#stepped();
    if (!this.isSign('^') && !this.isSign('**')) return base;
    this.take();
    const sign = this.takeSign('-');
    const right = this.nested(() => this.#power());
    return { type: 'calculate', operator: '^', left: base, right: sign ? { type: 'negative', of: right } : right };
  }

  #stepped(): Expression {
    for (const [sign, by] of [
      ['++', 1],
      ['--', -1],
    ] as const)
      if (this.takeSign(sign)) {
        const target = this.#primary();
        if (!isTarget(target)) throw this.wrong(`${sign} needs a variable`);
        return { type: 'step', target, by, before: true };
      }
    const value = this.#primary();
    if (!isTarget(value)) return value;
    if (this.takeSign('++')) return { type: 'step', target: value, by: 1, before: false };
    if (this.takeSign('--')) return { type: 'step', target: value, by: -1, before: false };
    return value;
  }

  #primary(): Expression {
    const { token } = this.#lexer;
    if (token.type === 'sign' && (token.text === '/' || token.text === '/=')) return this.#pattern();
    if (token.type === 'word' && token.text === 'getline')
      throw this.wrong('getline is not part of this terminal; pipe into awk instead');
    this.take();
    switch (token.type) {
      case 'number':
        return { type: 'number', value: token.value };
      case 'string':
        return { type: 'string', value: token.text };
      case 'name':
        return this.#named(token.text, token.called);
      case 'sign':
        if (token.text === '$') return { type: 'field', index: this.nested(() => this.#stepped()) };
        if (token.text === '(') return this.#group();
    }
    const text = 'text' in token ? token.text : token.type;
    throw this.wrong(`syntax error at or near ${text}`);
  }

  #pattern(): Expression {
    const source = this.#lexer.takePattern();
    try {
      return { type: 'pattern', pattern: compilePattern(source, { dialect: 'extended' }) };
    } catch (error) {
      throw this.wrong(error instanceof Error ? error.message : String(error));
    }
  }

  #group(): Expression {
    const outside = this.#printing;
    this.#printing = false;
    const list = this.expressions();
    this.expectSign(')');
    this.#printing = outside;
    const [first] = list;
    const group: Expression = { type: 'group', of: first! };
    if (list.length > 1) {
      this.#lists.set(group, list);
      const follows = this.isWord('in') || this.#printing;
      if (!follows) throw this.unexpected();
    }
    return group;
  }

  #named(name: string, called: boolean): Expression {
    if (functionNames.has(name)) return { type: 'call', name, args: this.#arguments() };
    if (called) throw this.wrong(`the function ${name} is not part of this terminal`);
    if (!this.takeSign('[')) return { type: 'variable', name };
    const outside = this.#printing;
    this.#printing = false;
    const keys = this.expressions();
    this.expectSign(']');
    this.#printing = outside;
    return { type: 'element', array: name, keys };
  }

  #arguments(): Expression[] {
    if (!this.takeSign('(')) return [];
    const outside = this.#printing;
    this.#printing = false;
    this.skipNewlines();
    const args = this.isSign(')') ? [] : this.expressions();
    this.expectSign(')');
    this.#printing = outside;
    return args;
  }
}

const isTarget = (expression: Expression): expression is Target =>
  expression.type === 'variable' || expression.type === 'element' || expression.type === 'field';
