import {
  type Aggregation,
  type Binary,
  COMPARISONS,
  type Expression,
  type FixedTime,
  type Matcher,
  type Matching,
  SET_OPERATORS,
  type Shift,
} from './expression.ts';
import { FUNCTIONS } from './functions.ts';
import { durationMs, QueryError, type Token, tokensOf } from './lexer.ts';
import { checkTypes } from './types.ts';

const MAX_QUERY = 8192;
const MAX_DEPTH = 60;

/** Operators from weak to strong; those of one line bind equally and to the left. */
const LEVELS: readonly (readonly string[])[] = [
  ['or'],
  ['and', 'unless'],
  ['==', '!=', '<=', '<', '>=', '>'],
  ['+', '-'],
  ['*', '/', '%', 'atan2'],
];

export const AGGREGATIONS: ReadonlySet<string> = new Set([
  'sum',
  'avg',
  'min',
  'max',
  'count',
  'group',
  'stddev',
  'stdvar',
  'topk',
  'bottomk',
  'quantile',
  'count_values',
]);
const WITH_PARAMETER: ReadonlySet<string> = new Set(['topk', 'bottomk', 'quantile', 'count_values']);

/** Reads a query; QueryError in the words of Prometheus when it is none. Source: promql/parser in Prometheus. */
export function parseQuery(query: string): Expression {
  if (query.length > MAX_QUERY) throw new QueryError(`the query is longer than ${MAX_QUERY} characters`, MAX_QUERY);
  const expression = new Parser(tokensOf(query)).whole();
  checkTypes(expression);
  return expression;
}

const KEYWORDS: ReadonlySet<string> = new Set([
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'bool',
  'offset',
]);

/** What stands there, in the words of Prometheus' messages. */
function spoken({ type, text }: Token): string {
  if (type === 'end') return 'end of input';
  if (type === 'word') return KEYWORDS.has(text.toLowerCase()) ? `<${text.toLowerCase()}>` : `identifier "${text}"`;
  return type === 'sign' ? `"${text}"` : `${type} "${text}"`;
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Expression {
    if (this.#isOver()) throw new QueryError('no expression found in input', 0);
    const expression = this.#expression();
    if (!this.#isOver()) throw this.#unexpected('');
    return expression;
  }

  #isOver(): boolean {
    return this.#token.type === 'end';
  }

  get #token(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #is(text: string): boolean {
    const { type, text: own } = this.#token;
    return (type === 'sign' || type === 'word') && own.toLowerCase() === text;
  }

  #take(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#next++;
    return true;
  }

  #expect(text: string, context: string): void {
    if (!this.#take(text)) throw this.#unexpected(context, `, expected "${text}"`);
  }

  #unexpected(context: string, wanted = ''): QueryError {
    const { at } = this.#token;
    const what = spoken(this.#token);
    return new QueryError(`unexpected ${what}${context === '' ? '' : ` in ${context}`}${wanted}`, at);
  }

  #expression(): Expression {
    if (++this.#depth > MAX_DEPTH) throw new QueryError(`the query is nested deeper than ${MAX_DEPTH}`, this.#token.at);
    const expression = this.#level(0);
    this.#depth--;
    return expression;
  }

  #level(level: number): Expression {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#signed();
    let left = this.#level(level + 1);
    for (;;) {
      const op = operators.find((each) => this.#is(each));
      if (op === undefined) return left;
      left = this.#binary(left, op, () => this.#level(level + 1));
    }
  }

  /** A sign binds as strongly as `*`, and so weaker than `^`. */
  #signed(): Expression {
    const { at } = this.#token;
    if (this.#take('+')) return this.#signed();
    if (!this.#take('-')) return this.#power();
    const of = this.#signed();
    return of.kind === 'number' ? { ...of, at, value: -of.value } : { kind: 'negative', at, of };
  }

  /** `2 ^ 3 ^ 2` is `2 ^ (3 ^ 2)`. */
  #power(): Expression {
    const left = this.#postfix();
    return this.#is('^') ? this.#binary(left, '^', () => this.#signed()) : left;
  }

  #binary(left: Expression, op: string, right: () => Expression): Binary {
    const opAt = this.#token.at;
    this.#next++;
    const boolAt = this.#token.at;
    const bool = this.#take('bool');
    if (bool && !COMPARISONS.has(op))
      throw new QueryError('bool modifier can only be used on comparison operators', boolAt);
    const matching = this.#matching(op);
    return { kind: 'binary', at: left.at, op, opAt, left, right: right(), bool, matching };
  }

  #matching(op: string): Matching {
    const on = this.#take('on');
    if (!on && !this.#take('ignoring')) return { on: false, labels: [], include: [] };
    const labels = this.#labels();
    const { at } = this.#token;
    const group = this.#take('group_left') ? 'left' : this.#take('group_right') ? 'right' : undefined;
    if (group === undefined) return { on, labels, include: [] };
    if (SET_OPERATORS.has(op)) throw new QueryError(`no grouping allowed for "${op}" operation`, at);
    const include = this.#is('(') ? this.#labels() : [];
    const twice = on ? include.find((label) => labels.includes(label)) : undefined;
    if (twice !== undefined) throw new QueryError(`label "${twice}" must not occur in ON and GROUP clause at once`, at);
    return { on, labels, group, include };
  }

  #labels(): string[] {
    this.#expect('(', 'grouping opts');
    const labels: string[] = [];
    while (!this.#take(')')) {
      if (this.#token.type !== 'word') throw this.#unexpected('grouping opts', ', expected label');
      labels.push(this.#token.text);
      this.#next++;
      if (!this.#is(')')) this.#expect(',', 'grouping opts');
    }
    return labels;
  }

  #postfix(): Expression {
    let expression = this.#primary();
    for (;;) {
      const { at } = this.#token;
      if (this.#take('[')) expression = this.#range(expression, at);
      else if (this.#take('offset')) expression = this.#shifted(expression, { offsetMs: this.#offset() }, at);
      else if (this.#take('@')) expression = this.#shifted(expression, { fixed: this.#fixedTime() }, at);
      else return expression;
    }
  }

  #duration(context: string): number {
    const { type, text } = this.#token;
    const ms = type === 'duration' ? durationMs(text) : undefined;
    if (ms === undefined) throw this.#unexpected(context, ', expected duration');
    if (ms === 0) throw new QueryError('duration must be greater than 0', this.#token.at);
    this.#next++;
    return ms;
  }

  #range(of: Expression, at: number): Expression {
    const rangeMs = this.#duration('subquery or range');
    if (this.#take(':')) {
      const stepMs = this.#is(']') ? undefined : this.#duration('subquery selector');
      this.#expect(']', 'subquery selector');
      return { kind: 'subquery', at: of.at, of, rangeMs, stepMs, offsetMs: 0 };
    }
    this.#expect(']', 'subquery or range');
    if (of.kind !== 'selector') throw new QueryError('ranges only allowed for vector selectors', at);
    if (of.rangeMs !== undefined) throw new QueryError('ranges only allowed for vector selectors', at);
    if (of.offsetMs !== 0) throw new QueryError('no offset modifiers allowed before range', of.at);
    if (of.fixed !== undefined) throw new QueryError('no @ modifiers allowed before range', of.at);
    return { ...of, rangeMs };
  }

  #offset(): number {
    const negative = this.#take('-');
    const { type, text } = this.#token;
    const ms = type === 'duration' ? durationMs(text) : undefined;
    if (ms === undefined) throw this.#unexpected('offset', ', expected duration');
    this.#next++;
    return negative ? -ms : ms;
  }

  #fixedTime(): FixedTime {
    for (const word of ['start', 'end'] as const) {
      if (!this.#take(word)) continue;
      this.#expect('(', '@');
      this.#expect(')', '@');
      return word;
    }
    const negative = this.#take('-');
    if (this.#token.type !== 'number') throw this.#unexpected('@', ', expected timestamp');
    const seconds = Number(this.#token.text);
    this.#next++;
    return (negative ? -seconds : seconds) * 1000;
  }

  #shifted(expression: Expression, shift: Partial<Shift>, at: number): Expression {
    if (expression.kind === 'selector' || expression.kind === 'subquery') return { ...expression, ...shift };
    const word = shift.fixed === undefined ? 'offset' : '@';
    throw new QueryError(
      `${word} modifier must be preceded by an instant vector selector or range vector selector or a subquery`,
      at,
    );
  }

  #primary(): Expression {
    const { type, text, value, at } = this.#token;
    if (this.#take('(')) {
      const of = this.#expression();
      this.#expect(')', 'paren expression');
      return { kind: 'parens', at, of };
    }
    if (this.#is('{')) return this.#selector(undefined, at);
    if (type === 'number' || type === 'string') {
      this.#next++;
      return type === 'number' ? { kind: 'number', at, value: Number(text) } : { kind: 'string', at, value };
    }
    if (type !== 'word') throw this.#unexpected('');
    return this.#named(text, at);
  }

  #named(name: string, at: number): Expression {
    this.#next++;
    const lower = name.toLowerCase();
    if (AGGREGATIONS.has(lower) && (this.#is('(') || this.#is('by') || this.#is('without')))
      return this.#aggregation(lower, at);
    if (this.#is('(')) return this.#call(name, at);
    if (lower === 'inf' || lower === 'nan')
      return { kind: 'number', at, value: lower === 'inf' ? Number.POSITIVE_INFINITY : Number.NaN };
    return this.#selector(name, at);
  }

  #call(name: string, at: number): Expression {
    if (!FUNCTIONS.has(name)) throw new QueryError(`unknown function with name "${name}"`, at);
    return { kind: 'call', at, name, args: this.#arguments('function call') };
  }

  #arguments(context: string): Expression[] {
    this.#expect('(', context);
    const args: Expression[] = [];
    while (!this.#take(')')) {
      args.push(this.#expression());
      if (!this.#is(')')) this.#expect(',', context);
    }
    return args;
  }

  #aggregation(op: string, at: number): Aggregation {
    const before = this.#grouping();
    const args = this.#arguments('aggregation');
    const { labels, without } = before ?? this.#grouping() ?? { labels: [], without: false };
    const wanted = WITH_PARAMETER.has(op) ? 2 : 1;
    if (args.length !== wanted)
      throw new QueryError(
        args.length === 0
          ? 'no arguments for aggregate expression provided'
          : `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`,
        at,
      );
    return {
      kind: 'aggregation',
      at,
      op,
      of: args.at(-1)!,
      parameter: wanted === 2 ? args[0] : undefined,
      labels,
      without,
    };
  }

  #grouping(): { readonly labels: string[]; readonly without: boolean } | undefined {
    const without = this.#take('without');
    if (!without && !this.#take('by')) return undefined;
    return { labels: this.#labels(), without };
  }

  #selector(name: string | undefined, at: number): Expression {
    const matchers: Matcher[] = name === undefined ? [] : [{ name: '__name__', op: '=', value: name }];
    if (this.#take('{'))
      while (!this.#take('}')) {
        const matcher = this.#matcher();
        if (matcher.name === '__name__' && name !== undefined)
          throw new QueryError(`metric name must not be set twice: "${name}" or "${matcher.value}"`, at);
        matchers.push(matcher);
        if (!this.#is('}')) this.#expect(',', 'label matching');
      }
    if (
      matchers.every(
        ({ op, value }) =>
          (op === '=' && value === '') || (op === '=~' && value === '.*') || op === '!=' || op === '!~',
      )
    )
      throw new QueryError('vector selector must contain at least one non-empty matcher', at);
    return { kind: 'selector', at, matchers, offsetMs: 0 };
  }

  #matcher(): Matcher {
    const { type, text: name } = this.#token;
    if (type !== 'word') throw this.#unexpected('label matching', ', expected label matching operator or "}"');
    this.#next++;
    const op = (['=', '!=', '=~', '!~'] as const).find((each) => this.#is(each));
    if (op === undefined) throw this.#unexpected('label matching', ', expected label matching operator');
    this.#next++;
    if (this.#token.type !== 'string') throw this.#unexpected('label matching', ', expected string');
    const { value } = this.#token;
    this.#next++;
    return { name, op, value };
  }
}
